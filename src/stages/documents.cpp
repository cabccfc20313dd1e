// SPDX-License-Identifier: Apache-2.0
#include "stages/documents.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/path.hpp"
#include "spec/merge.hpp"
#include "stages/hooks.hpp"

namespace provision::stages {
namespace {

using Kind = KeptDocument::Kind;

constexpr std::size_t max_kept_bytes = std::size_t{1} << 30U;
constexpr std::array<std::string_view, 5> kind_names{"base", "user", "referred", "authority", "end"};

Error damaged() {
  return {Code::io, "what was kept of the config for this boot, " + std::string(documents_path) + ", is damaged"};
}

std::optional<std::size_t> take_number(std::string_view& text, char end) {
  std::size_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto used = static_cast<std::size_t>(parsed.ptr - text.data());
  if (parsed.ec != std::errc() || used == 0 || used >= text.size() || text[used] != end) {
    return {};
  }
  text.remove_prefix(used + 1);
  return number;
}

std::optional<std::string> take_bytes(std::string_view& text, std::size_t size) {
  if (size > text.size()) {
    return {};
  }
  std::string bytes(text.substr(0, size));
  text.remove_prefix(size);
  return bytes;
}

// Serves what was kept, in its order.
class Replay final : public DocumentSource {
 public:
  explicit Replay(const Documents& documents) : documents_(documents) {}

  Result<std::vector<spec::Brought>> base() override {
    std::vector<spec::Brought> found;
    while (const auto* next = take(Kind::base)) {
      found.push_back({next->name, next->bytes});
    }
    return found;
  }
  Result<spec::Brought> user(const spec::Ignition& /*around*/) override { return one(Kind::user); }
  Result<spec::Brought> referred(const spec::Wanted& /*wanted*/) override { return one(Kind::referred); }

 private:
  const KeptDocument* take(Kind kind) {
    while (at_ < documents_.size() && documents_[at_].kind == Kind::authority) {
      ++at_;
    }
    return at_ < documents_.size() && documents_[at_].kind == kind ? &documents_[at_++] : nullptr;
  }
  Result<spec::Brought> one(Kind kind) {
    const auto* next = take(kind);
    return next != nullptr ? Result<spec::Brought>(spec::Brought{next->name, next->bytes}) : damaged();
  }

  const Documents& documents_;
  std::size_t at_ = 0;
};

}  // namespace

std::string_view name_of(Kind kind) { return kind_names.at(static_cast<std::size_t>(kind)); }

// Each is a line "KIND NAME-BYTES BYTES", the name, and the bytes.
std::string write_documents(const Documents& documents) {
  std::string text;
  for (const auto& document : documents) {
    text += std::string(name_of(document.kind)) + " " + std::to_string(document.name.size()) + " " +
            std::to_string(document.bytes.size()) + "\n" + document.name + document.bytes;
  }
  return text;
}

Result<Documents> read_documents(std::string_view text) {
  Documents documents;
  while (!text.empty()) {
    const std::size_t blank = text.find(' ');
    const auto* kind = std::find(kind_names.begin(), kind_names.end(), text.substr(0, blank));
    if (blank == std::string_view::npos || kind == kind_names.end()) {
      return damaged();
    }
    text.remove_prefix(blank + 1);
    const auto name_size = take_number(text, ' ');
    const auto size = name_size ? take_number(text, '\n') : std::nullopt;
    auto name = size ? take_bytes(text, *name_size) : std::nullopt;
    auto bytes = name ? take_bytes(text, *size) : std::nullopt;
    if (!bytes) {
      return damaged();
    }
    documents.push_back({static_cast<Kind>(kind - kind_names.begin()), *std::move(name), *std::move(bytes)});
  }
  return documents;
}

Result<void> keep_documents(host::Files& own, const Documents& documents) {
  TRY(make_own_directory(own, path::parent(documents_path)));
  return own.replace(documents_path, write_documents(documents), 0600, {});
}

Result<Documents> kept_documents(host::Files& own) {
  const auto text = own.read(documents_path, max_kept_bytes);
  if (!text) {
    return Error(Code::stage_order, "no config is kept for this boot: the stage fetch-offline has not run");
  }
  return read_documents(*text);
}

bool are_whole(const Documents& documents) { return !documents.empty() && documents.back().kind == Kind::end; }

const KeptDocument* find_document(const Documents& documents, std::string_view name) {
  const KeptDocument* users = nullptr;
  for (const auto& document : documents) {
    const bool is_text = document.kind != Kind::authority && document.kind != Kind::end;
    if (is_text && document.name == name) {
      return &document;
    }
    users = document.kind == Kind::user ? &document : users;
  }
  return users;
}

Result<spec::Parsed> assemble(DocumentSource& source, fields::Notes& notes) {
  const auto bring = [&](const spec::Wanted& wanted) { return source.referred(wanted); };
  std::optional<spec::Parsed> whole;
  const auto lay = [&](spec::Brought document) -> Result<void> {
    const spec::Ignition around = whole ? whole->config->ignition : spec::Ignition{};
    spec::Parsed parsed = spec::parse(std::move(document.name), std::move(document.bytes));
    parsed = TRY(spec::resolve(std::move(parsed), around, bring, notes));
    whole = whole ? spec::merge(*std::move(whole), std::move(parsed)) : std::move(parsed);
    if (whole->config) {
      return {};
    }
    notes = whole->notes;
    return spec::error_of(*whole);
  };
  for (auto& document : TRY(source.base())) {
    TRY(lay(std::move(document)));
  }
  TRY(lay(TRY(source.user(whole ? whole->config->ignition : spec::Ignition{}))));
  notes = whole->notes;
  return *std::move(whole);
}

host::FetchSettings fetch_settings(const spec::Ignition& ignition, const Documents& documents) {
  host::FetchSettings settings;
  settings.headers_patience = std::chrono::seconds(ignition.timeouts.http_response_headers.value_or(10));
  settings.total_patience = std::chrono::seconds(ignition.timeouts.http_total.value_or(0));
  settings.http_proxy = ignition.proxy.http_proxy.value_or("");
  settings.https_proxy = ignition.proxy.https_proxy.value_or("");
  settings.no_proxy = ignition.proxy.no_proxy;
  for (const auto& authority : ignition.security.tls.certificate_authorities) {
    const std::string name = Digest::sha256(authority.source.value_or("")).text();
    const auto kept = std::find_if(documents.begin(), documents.end(), [&](const KeptDocument& document) {
      return document.kind == Kind::authority && document.name == name;
    });
    if (kept != documents.end()) {
      settings.authorities.push_back(kept->bytes);
    }
  }
  return settings;
}

namespace {

Result<spec::Parsed> load(const Documents& documents) {
  if (!are_whole(documents)) {
    return Error(Code::stage_order, "the config for this boot is not whole: the stage fetch has not ended well");
  }
  Replay replay(documents);
  fields::Notes notes;
  return assemble(replay, notes);
}

}  // namespace

Result<spec::Parsed> load_config(host::Files& own) { return load(TRY(kept_documents(own))); }

Result<spec::Parsed> load_config(host::Host& host) {
  const Documents documents = TRY(kept_documents(host.own));
  spec::Parsed config = TRY(load(documents));
  TRY(host.fetcher.configure(fetch_settings(config.config->ignition, documents)));
  return config;
}

}  // namespace provision::stages
