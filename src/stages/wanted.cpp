// SPDX-License-Identifier: Apache-2.0
#include "stages/wanted.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "providers/payload.hpp"
#include "spec/inline_bytes.hpp"
#include "spec/url.hpp"
#include "stages/placeholders.hpp"
#include "stages/sources.hpp"

namespace provision::stages {
namespace {

using Kind = KeptDocument::Kind;

constexpr std::uint64_t max_document_bytes = std::uint64_t{64} << 20U;
// For the config that the kernel command line names, where nothing says otherwise.
constexpr auto address_patience = std::chrono::seconds(300);

class Memory final : public host::Sink {
 public:
  Result<void> write(std::string_view piece) override {
    bytes += piece;
    return {};
  }
  Result<void> restart() override {
    bytes.clear();
    return {};
  }
  std::string bytes;
};

// Adds a document, by a name that no other one has; the name.
std::string add_document(Documents& documents, Kind kind, std::string name, const std::string& bytes) {
  const auto is_taken = [&](const std::string& wanted) {
    return std::any_of(documents.begin(), documents.end(),
                       [&](const KeptDocument& old) { return old.name == wanted && old.bytes != bytes; });
  };
  const std::string plain = name;
  for (int number = 2; is_taken(name); ++number) {
    name = plain + " (" + std::to_string(number) + ")";
  }
  documents.push_back({kind, name, bytes});
  return name;
}

bool is_http(std::string_view source) {
  const auto url = spec::parse_url(source);
  return url && (url->scheme == "http" || url->scheme == "https");
}

Result<std::optional<Digest>> expected_digest(const spec::Resource& resource) {
  const auto& hash = resource.verification.hash;
  if (!hash || hash->empty()) {
    return std::optional<Digest>{};
  }
  auto digest = Digest::parse(*hash);
  if (!digest) {
    return Error(Code::bad_config, "the hash to verify it by is none: it is sha256- or sha512- with hex digits");
  }
  return digest;
}

// As the user-data of a platform, but that whoever names a config means one: there is no "none".
Result<std::string> unpacked(std::string bytes, const std::string& document) {
  providers::Outcome outcome = TRY(providers::unwrap(std::move(bytes), providers::Coding::raw, document));
  if (const auto* none = std::get_if<providers::None>(&outcome)) {
    return Error(Code::config_unavailable, none->reason);
  }
  auto data = std::get<providers::UserData>(std::move(outcome));
  if (providers::is_html(data.bytes)) {
    return Error(Code::config_unavailable, document + " is an HTML page, so something else answers there");
  }
  return std::move(data.bytes);
}

}  // namespace

Error References::wait_for_network(std::string what) {
  Error error(Code::network, what + " needs the network, which is not there yet");
  needs_network_ = std::move(what);
  return error;
}

Result<std::string> References::over_http(const spec::Resource& resource, const host::FetchSettings& settings) {
  if (network_ == Network::absent) {
    return wait_for_network(spec::public_form(*resource.source));
  }
  host::FetchRequest request;
  request.url = *resource.source;
  for (const auto& header : resource.http_headers) {
    if (header.value) {
      request.headers.emplace_back(header.name, *header.value);
    }
  }
  request.compression = resource.compression.value_or("");
  request.expected = TRY(expected_digest(resource));
  request.max_bytes = max_document_bytes;
  TRY(fetcher_.configure(settings));
  Memory memory;
  TRY(fetcher_.wait(fetcher_.start(request, memory)));
  return std::move(memory.bytes);
}

Result<std::string> References::bytes(const spec::Resource& resource, const host::FetchSettings& settings) {
  if (spec::is_inline(resource)) {
    return spec::inline_bytes(resource, max_document_bytes);
  }
  if (!is_http(*resource.source)) {
    return Error(Code::unsupported,
                 "only data:, http: and https: URLs can be fetched by this version of provision yet");
  }
  return over_http(resource, settings);
}

Result<host::FetchSettings> References::settings(const spec::Ignition& around) {
  for (const auto& authority : around.security.tls.certificate_authorities) {
    const std::string name = Digest::sha256(authority.source.value_or("")).text();
    const bool known = std::any_of(documents_.begin(), documents_.end(), [&](const KeptDocument& document) {
      return document.kind == Kind::authority && document.name == name;
    });
    if (!known) {
      std::string pem = TRY_WHILE(bytes(authority, fetch_settings(around, documents_)),
                                  "fetching a certificate authority of the config");
      documents_.push_back({Kind::authority, name, std::move(pem)});
    }
  }
  return fetch_settings(around, documents_);
}

Result<std::string> FreshDocuments::keep(Kind kind, std::string name, const std::string& bytes) {
  name = add_document(documents_, kind, std::move(name), bytes);
  TRY_WHILE(keep_documents(context_.host.own, documents_), "keeping the config for the later stages");
  return name;
}

Result<std::vector<spec::Brought>> FreshDocuments::base() {
  auto found = TRY(base_configs(context_.host.own, context_.platform));
  for (auto& document : found) {
    document.name = TRY(keep(Kind::base, document.name, document.bytes));
  }
  return found;
}

Result<spec::Brought> FreshDocuments::from_address(const std::string& url, const spec::Ignition& around) {
  // The cards may not be there before the network is.
  spec::Resource resource;
  resource.source = network_ == Network::present ? TRY(with_this_machine(context_.host, url)) : url;
  host::FetchSettings wanted = TRY(references_.settings(around));
  if (wanted.total_patience.count() == 0) {
    wanted.total_patience = address_patience;
  }
  const std::string name =
      !spec::is_inline(resource) ? spec::public_form(*resource.source) : "ignition.config.url= (a data: URL)";
  std::string bytes = TRY(references_.bytes(resource, wanted));
  bytes = TRY(unpacked(std::move(bytes), "the config " + name));
  return spec::Brought{name, std::move(bytes)};
}

Result<spec::Brought> FreshDocuments::user(const spec::Ignition& around) {
  Source source = TRY(user_config(context_, network_ == Network::present));
  if (auto* need = std::get_if<providers::NeedNet>(&source)) {
    if (network_ == Network::present) {
      return Error(Code::config_unavailable, "the platform's config cannot be asked for: " + need->reason);
    }
    return references_.wait_for_network("the platform's config (" + need->reason + ")");
  }
  spec::Brought document;
  if (auto* address = std::get_if<Address>(&source)) {
    document = TRY_WHILE(from_address(address->url, around), "fetching the config that ignition.config.url= names");
  } else {
    document = std::get<spec::Brought>(std::move(source));
  }
  document.name = TRY(keep(Kind::user, document.name, document.bytes));
  user_document_ = document.name;
  return document;
}

Result<spec::Brought> References::bring(const spec::Wanted& wanted) {
  const bool remote = !spec::is_inline(wanted.reference);
  spec::Brought document;
  document.name = remote ? spec::public_form(*wanted.reference.source) : "the data: URL at " + to_string(wanted.place);
  document.bytes = TRY(bytes(wanted.reference, TRY(settings(wanted.around))));
  if (document.bytes.empty()) {
    return Error(Code::bad_config, "the config that is referred to, " + document.name + ", is empty");
  }
  return document;
}

namespace {

class GivenDocument final : public DocumentSource {
 public:
  GivenDocument(spec::Brought document, host::Fetcher& fetcher, Documents& documents)
      : document_(std::move(document)), documents_(documents), references_(fetcher, Network::present, documents_) {}

  Result<std::vector<spec::Brought>> base() override { return std::vector<spec::Brought>{}; }
  Result<spec::Brought> user(const spec::Ignition& /*around*/) override {
    document_.name = add_document(documents_, Kind::user, document_.name, document_.bytes);
    return document_;
  }
  Result<spec::Brought> referred(const spec::Wanted& wanted) override {
    spec::Brought document = TRY(references_.bring(wanted));
    document.name = add_document(documents_, Kind::referred, document.name, document.bytes);
    return document;
  }
  // With the authorities of the whole config.
  Result<void> finish(const spec::Ignition& ignition) {
    static_cast<void>(TRY(references_.settings(ignition)));
    documents_.push_back({Kind::end, {}, {}});
    return {};
  }

 private:
  spec::Brought document_;
  Documents& documents_;
  References references_;
};

}  // namespace

Result<Given> fetch_given(spec::Brought document, host::Fetcher& fetcher, fields::Notes& notes, Documents& brought) {
  GivenDocument source(std::move(document), fetcher, brought);
  spec::Parsed config = TRY(assemble(source, notes));
  TRY(source.finish(config.config->ignition));
  return Given{std::move(config), std::move(brought)};
}

Result<spec::Brought> FreshDocuments::referred(const spec::Wanted& wanted) {
  spec::Brought document = TRY(references_.bring(wanted));
  document.name = TRY(keep(Kind::referred, document.name, document.bytes));
  return document;
}

Result<void> FreshDocuments::finish(const spec::Ignition& ignition) {
  const host::FetchSettings all = TRY(references_.settings(ignition));
  documents_.push_back({Kind::end, {}, {}});
  TRY_WHILE(keep_documents(context_.host.own, documents_), "keeping the config for the later stages");
  return context_.host.fetcher.configure(all);
}

bool wants_network(const spec::Config& config) {
  const auto is_far = [](const spec::Resource& resource) { return !spec::is_inline(resource); };
  const auto file_is_far = [&](const spec::File& file) {
    return is_far(file.contents) || std::any_of(file.append.begin(), file.append.end(), is_far);
  };
  const auto volume_is_far = [&](const spec::Luks& luks) {
    const auto asks = [](const spec::Tang& tang) { return !tang.advertisement || tang.advertisement->empty(); };
    return is_far(luks.key_file) || luks.clevis.custom.needs_network.value_or(false) ||
           std::any_of(luks.clevis.tang.begin(), luks.clevis.tang.end(), asks);
  };
  const auto& storage = config.storage;
  const auto& enrollments = config.provision.enrollments;
  const auto& archives = config.provision.archives;
  return std::any_of(storage.files.begin(), storage.files.end(), file_is_far) ||
         std::any_of(enrollments.begin(), enrollments.end(),
                     [&](const spec::Enrollment& one) { return is_far(one.tpm2.pin); }) ||
         std::any_of(archives.begin(), archives.end(),
                     [&](const spec::Archive& one) { return is_far(one.contents); }) ||
         std::any_of(storage.luks.begin(), storage.luks.end(), volume_is_far);
}

}  // namespace provision::stages
