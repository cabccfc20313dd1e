// SPDX-License-Identifier: Apache-2.0
#include "plan/contents.hpp"

#include <charconv>
#include <optional>

#include "base/text.hpp"
#include "spec/data_url.hpp"

namespace provision::plan {
namespace {

// The index in "<prefix>.<index><key>", if `path` has that shape and the index is below `count`.
std::optional<std::size_t> index_in(const std::string& path, std::string_view prefix, std::size_t count,
                                    std::string_view key = ".contents") {
  const std::string start = std::string(prefix) + ".";
  if (!path.starts_with(start) || !path.ends_with(key) || path.size() < start.size() + key.size()) {
    return std::nullopt;
  }
  std::size_t index = 0;
  const char* first = path.data() + start.size();
  const char* last = path.data() + path.size() - key.size();
  const auto parsed = std::from_chars(first, last, index);
  const bool whole = first < last && parsed.ec == std::errc{} && parsed.ptr == last;
  return whole && index < count ? std::optional(index) : std::nullopt;
}

Result<std::string> bytes_at(const spec::Config& config, const std::string& path) {
  if (const auto file = index_in(path, "$.storage.files", config.storage.files.size())) {
    return resource_bytes(config.storage.files[*file].contents);
  }
  if (const auto unit = index_in(path, "$.systemd.units", config.systemd.units.size())) {
    return config.systemd.units[*unit].contents.value_or("");
  }
  if (const auto user = index_in(path, "$.passwd.users", config.passwd.users.size(), ".passwordHash")) {
    return config.passwd.users[*user].password_hash.value_or("");
  }
  if (const auto user = index_in(path, "$.passwd.users", config.passwd.users.size(), ".sshAuthorizedKeys")) {
    return authorized_keys(config.passwd.users[*user]);
  }
  if (const auto group = index_in(path, "$.passwd.groups", config.passwd.groups.size(), ".passwordHash")) {
    return config.passwd.groups[*group].password_hash.value_or("");
  }
  return Error(Code::internal, "the plan refers to contents at " + path + ", which the config does not have");
}

}  // namespace

Contents generated(std::string text) {
  Contents contents;
  contents.size = static_cast<std::int64_t>(text.size());
  contents.digest = Digest::sha256(text);
  contents.text = std::move(text);
  return contents;
}

Result<std::string> ContentSource::bytes(const Contents& contents) const {
  std::string bytes = contents.from.empty() ? contents.text : TRY(bytes_at(config_, contents.from));
  if (digest_of(contents.digest.function(), bytes) != contents.digest) {
    return Error(Code::internal, "the contents at " + contents.from + " are not those that were planned");
  }
  return bytes;
}

std::string authorized_keys(const spec::User& user) {
  std::string text = join(user.ssh_authorized_keys, "\n");
  return text.ends_with('\n') ? text : text + '\n';
}

Result<std::string> resource_bytes(const spec::Resource& resource) {
  const std::string source = resource.source.value_or("");
  return source.empty() ? Result<std::string>(std::string{}) : spec::decode_data_url(source);
}

}  // namespace provision::plan
