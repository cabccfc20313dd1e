// SPDX-License-Identifier: Apache-2.0
// Files in memory, just enough for a journal.
#pragma once

#include <map>
#include <string>

#include "host/files.hpp"

namespace provision::test {

class MemoryFiles final : public host::Files {
 public:
  std::map<std::string, std::string, std::less<>> contents;

  Result<std::optional<host::Node>> look(std::string_view path) override {
    return contents.contains(path) ? std::optional(host::Node{}) : std::nullopt;
  }
  Result<std::string> read(std::string_view path, std::size_t /*max_bytes*/) override {
    const auto found = contents.find(path);
    return found == contents.end() ? Result<std::string>(Error(Code::io, "no such file")) : found->second;
  }
  Result<Digest> digest(std::string_view path, HashFunction function) override {
    return digest_of(function, TRY(read(path, 0)));
  }
  Result<void> replace(std::string_view path, std::string_view content, std::uint32_t /*mode*/,
                       host::Owner /*owner*/) override {
    contents[std::string(path)] = content;
    return {};
  }
  Result<void> append(std::string_view path, std::string_view bytes) override {
    contents[std::string(path)] += bytes;
    return {};
  }
  Result<void> make_directory(std::string_view /*path*/, std::uint32_t /*mode*/, host::Owner /*owner*/) override {
    return {};
  }
  Result<void> make_link(std::string_view /*path*/, std::string_view /*target*/) override { return {}; }
  Result<void> remove(std::string_view path) override {
    contents.erase(std::string(path));
    return {};
  }
  Result<void> sync(std::string_view /*path*/) override { return {}; }
  Result<std::vector<std::string>> list(std::string_view /*path*/) override { return std::vector<std::string>{}; }
  Result<std::unique_ptr<host::Lock>> lock(std::string_view /*path*/) override {
    return std::make_unique<host::Lock>();
  }
  Result<void> replace_safely(std::string_view path, std::string_view content, std::uint32_t mode,
                              host::Owner owner) override {
    return replace(path, content, mode, owner);
  }
  Result<void> set_owner(std::string_view /*path*/, host::Owner /*owner*/) override { return {}; }
  Result<void> move(std::string_view /*from*/, std::string_view /*to*/) override { return {}; }
  Result<void> remove_directory(std::string_view /*path*/) override { return {}; }
};

}  // namespace provision::test
