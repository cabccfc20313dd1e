// SPDX-License-Identifier: Apache-2.0
// Bytes by reference: a plan says which bytes, never holds them, since they may be secrets.
#pragma once

#include <cstdint>
#include <string>

#include "base/digest.hpp"
#include "base/result.hpp"
#include "host/fetcher.hpp"
#include "spec/config.hpp"

namespace provision::plan {

struct Contents {
  // The config path of what holds the bytes ("$.storage.files.0.contents", "$.systemd.units.0.contents",
  // "$.passwd.users.0.passwordHash", "$.passwd.users.0.sshAuthorizedKeys"); empty: `text`.
  std::string from;
  // Text that the planner itself made (a preset file); never the user's bytes.
  std::string text;
  std::int64_t size = 0;
  // Of what is fetched it is the one that the config gives; empty: none.
  Digest digest;
  // The bytes are fetched; `size` is not known.
  bool remote = false;
  bool operator==(const Contents&) const = default;
};

Contents generated(std::string text);
// The contents that the config's resource at `path` describes. Code::bad_config where they cannot be had.
Result<Contents> contents_of(const spec::Resource& resource, std::string path);

// Where the bytes are when a plan is carried out.
class ContentSource {
 public:
  explicit ContentSource(const spec::Config& config) : config_(config) {}
  // The bytes of what is not fetched, with their digest verified against the plan's.
  [[nodiscard]] Result<std::string> bytes(const Contents& contents) const;
  // How to ask for what is fetched.
  [[nodiscard]] Result<host::FetchRequest> request(const Contents& contents) const;
  // The resource at a config path; Code::internal if the config has none there.
  [[nodiscard]] Result<const spec::Resource*> resource(const std::string& path) const;
  // The encrypted volume at one ("$.storage.luks.0"), alike.
  [[nodiscard]] Result<const spec::Luks*> volume(const std::string& path) const;
  // What is enrolled at one ("$.provision.enrollments.0"), alike.
  [[nodiscard]] Result<const spec::Enrollment*> enrollment(const std::string& path) const;

 private:
  const spec::Config& config_;
};

// How to ask for a resource that is fetched.
host::FetchRequest request_for(const spec::Resource& resource);

// The user's keys as sshd reads them: a line each.
std::string authorized_keys(const spec::User& user);

}  // namespace provision::plan
