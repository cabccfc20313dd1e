// SPDX-License-Identifier: Apache-2.0
#include "plan/contents.hpp"

#include <charconv>
#include <optional>
#include <vector>

#include "base/text.hpp"
#include "spec/inline_bytes.hpp"

namespace provision::plan {
namespace {

// "$.storage.files.0.append.1", taken to pieces; with a leading "$." and numbers where lists are.
class ConfigPath {
 public:
  explicit ConfigPath(const std::string& path) : parts_(split(path, '.')) {}

  [[nodiscard]] bool is(std::size_t at, std::string_view name) const {
    return at < parts_.size() && parts_[at] == name;
  }
  [[nodiscard]] bool has(std::size_t count) const { return parts_.size() == count; }

  // The element of `list` that the number at `at` names, or nothing.
  template <class T>
  [[nodiscard]] const T* in(const std::vector<T>& list, std::size_t at) const {
    std::size_t index = 0;
    if (at >= parts_.size()) {
      return nullptr;
    }
    const std::string_view part = parts_[at];
    const auto parsed = std::from_chars(part.data(), part.data() + part.size(), index);
    const bool whole = !part.empty() && parsed.ec == std::errc{} && parsed.ptr == part.data() + part.size();
    return whole && index < list.size() ? &list[index] : nullptr;
  }

 private:
  std::vector<std::string_view> parts_;
};

const spec::Resource* resource_at(const spec::Config& config, const std::string& path) {
  const ConfigPath parts(path);
  const bool in_enrollments = parts.is(0, "$") && parts.is(1, "provision") && parts.is(2, "enrollments");
  if (const spec::Enrollment* const one = in_enrollments ? parts.in(config.provision.enrollments, 3) : nullptr) {
    return parts.is(4, "tpm2") && parts.is(5, "pin") && parts.has(6) ? &one->tpm2.pin : nullptr;
  }
  const bool in_archives = parts.is(0, "$") && parts.is(1, "provision") && parts.is(2, "archives");
  if (const spec::Archive* const one = in_archives ? parts.in(config.provision.archives, 3) : nullptr) {
    return parts.is(4, "contents") && parts.has(5) ? &one->contents : nullptr;
  }
  const bool in_luks = parts.is(0, "$") && parts.is(1, "storage") && parts.is(2, "luks");
  if (const spec::Luks* const volume = in_luks ? parts.in(config.storage.luks, 3) : nullptr) {
    return parts.is(4, "keyFile") && parts.has(5) ? &volume->key_file : nullptr;
  }
  const bool in_files = parts.is(0, "$") && parts.is(1, "storage") && parts.is(2, "files");
  const spec::File* const file = in_files ? parts.in(config.storage.files, 3) : nullptr;
  if (file == nullptr) {
    return nullptr;
  }
  if (parts.is(4, "contents") && parts.has(5)) {
    return &file->contents;
  }
  return parts.is(4, "append") && parts.has(6) ? parts.in(file->append, 5) : nullptr;
}

// The text of a unit or a drop-in.
std::optional<std::string> text_at(const spec::Config& config, const std::string& path) {
  const ConfigPath parts(path);
  const bool in_units = parts.is(0, "$") && parts.is(1, "systemd") && parts.is(2, "units");
  const spec::Unit* const unit = in_units ? parts.in(config.systemd.units, 3) : nullptr;
  if (unit == nullptr) {
    return std::nullopt;
  }
  if (parts.is(4, "contents") && parts.has(5)) {
    return unit->contents.value_or("");
  }
  const spec::Dropin* const dropin =
      parts.is(4, "dropins") && parts.is(6, "contents") && parts.has(7) ? parts.in(unit->dropins, 5) : nullptr;
  return dropin == nullptr ? std::nullopt : std::optional(dropin->contents.value_or(""));
}

// What users and groups have: the keys and the hash of a password.
std::optional<std::string> account_text_at(const spec::Config& config, const std::string& path) {
  const ConfigPath parts(path);
  if (!parts.is(0, "$") || !parts.is(1, "passwd") || !parts.has(5)) {
    return std::nullopt;
  }
  const spec::User* const user = parts.is(2, "users") ? parts.in(config.passwd.users, 3) : nullptr;
  const spec::Group* const group = parts.is(2, "groups") ? parts.in(config.passwd.groups, 3) : nullptr;
  if (user != nullptr && parts.is(4, "sshAuthorizedKeys")) {
    return authorized_keys(*user);
  }
  if (!parts.is(4, "passwordHash") || (user == nullptr && group == nullptr)) {
    return std::nullopt;
  }
  return (user != nullptr ? user->password_hash : group->password_hash).value_or("");
}

Error unknown(const std::string& path) {
  return {Code::internal, "the plan refers to contents at " + path + ", which the config does not have"};
}

Result<std::string> bytes_at(const spec::Config& config, const std::string& path) {
  if (const spec::Resource* const resource = resource_at(config, path)) {
    return spec::inline_bytes(*resource);
  }
  if (auto text = text_at(config, path)) {
    return *std::move(text);
  }
  if (auto text = account_text_at(config, path)) {
    return *std::move(text);
  }
  return unknown(path);
}

}  // namespace

Contents generated(std::string text) {
  Contents contents;
  contents.size = static_cast<std::int64_t>(text.size());
  contents.digest = Digest::sha256(text);
  contents.text = std::move(text);
  return contents;
}

Result<Contents> contents_of(const spec::Resource& resource, std::string path) {
  Contents contents;
  contents.from = std::move(path);
  if (!spec::is_inline(resource)) {
    contents.remote = true;
    contents.digest = Digest::parse(resource.verification.hash.value_or("")).value_or(Digest{});
    return contents;
  }
  const std::string bytes = TRY(spec::inline_bytes(resource));
  contents.size = static_cast<std::int64_t>(bytes.size());
  contents.digest = Digest::sha256(bytes);
  return contents;
}

Result<std::string> ContentSource::bytes(const Contents& contents) const {
  std::string bytes = contents.from.empty() ? contents.text : TRY(bytes_at(config_, contents.from));
  if (digest_of(contents.digest.function(), bytes) != contents.digest) {
    return Error(Code::internal, "the contents at " + contents.from + " are not those that were planned");
  }
  return bytes;
}

Result<host::FetchRequest> ContentSource::request(const Contents& contents) const {
  host::FetchRequest request = request_for(*TRY(resource(contents.from)));
  if (!contents.digest.empty()) {
    request.expected = contents.digest;
  }
  return request;
}

Result<const spec::Resource*> ContentSource::resource(const std::string& path) const {
  const spec::Resource* const found = resource_at(config_, path);
  return found == nullptr ? Result<const spec::Resource*>(unknown(path)) : found;
}

Result<const spec::Luks*> ContentSource::volume(const std::string& path) const {
  const auto& volumes = config_.storage.luks;
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    if (path == "$.storage.luks." + std::to_string(i)) {
      return &volumes[i];
    }
  }
  return unknown(path);
}

Result<const spec::Enrollment*> ContentSource::enrollment(const std::string& path) const {
  const auto& enrollments = config_.provision.enrollments;
  for (std::size_t i = 0; i < enrollments.size(); ++i) {
    if (path == "$.provision.enrollments." + std::to_string(i)) {
      return &enrollments[i];
    }
  }
  return unknown(path);
}

host::FetchRequest request_for(const spec::Resource& resource) {
  host::FetchRequest request;
  request.url = resource.source.value_or("");
  for (const auto& header : resource.http_headers) {
    if (header.value) {
      request.headers.emplace_back(header.name, *header.value);
    }
  }
  request.compression = resource.compression.value_or("");
  request.expected = Digest::parse(resource.verification.hash.value_or(""));
  return request;
}

std::string authorized_keys(const spec::User& user) {
  std::string text = join(user.ssh_authorized_keys, "\n");
  return text.ends_with('\n') ? text : text + '\n';
}

}  // namespace provision::plan
