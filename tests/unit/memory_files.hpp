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
    const std::string below = std::string(path) + "/";
    const auto first = contents.lower_bound(below);
    const bool is_directory = first != contents.end() && first->first.starts_with(below);
    return contents.contains(path) || is_directory ? std::optional(host::Node{}) : std::nullopt;
  }
  Result<std::string> read(std::string_view path, std::size_t /*max_bytes*/) override {
    const auto found = contents.find(path);
    return found == contents.end() ? Result<std::string>(Error(Code::io, "no such file")) : found->second;
  }
  Result<Digest> digest(std::string_view path, HashFunction function) override {
    return digest_of(function, TRY(read(path, 0)));
  }
  Result<bool> is_same(std::string_view path, std::string_view other) override { return path == other; }
  Result<std::unique_ptr<host::NewFile>> begin(std::string_view path, host::Parent /*parent*/) override {
    return std::unique_ptr<host::NewFile>(std::make_unique<Growing>(contents[std::string(path)]));
  }
  Result<void> append(std::string_view path, std::string_view bytes) override {
    contents[std::string(path)] += bytes;
    return {};
  }
  Result<void> make_directory(std::string_view /*path*/, std::uint32_t /*mode*/, host::Owner /*owner*/) override {
    return {};
  }
  Result<void> make_directory_anew(std::string_view /*path*/, std::uint32_t /*mode*/, host::Owner /*owner*/) override {
    return {};
  }
  Result<void> set_attributes(std::string_view /*path*/, std::uint32_t /*mode*/, host::Owner /*owner*/) override {
    return {};
  }
  Result<void> make_link(std::string_view /*path*/, const host::NewLink& /*link*/) override { return {}; }
  Result<void> erase(std::string_view path) override { return remove(path); }
  Result<void> remove(std::string_view path) override {
    contents.erase(std::string(path));
    return {};
  }
  Result<void> sync(std::string_view /*path*/) override { return {}; }
  Result<std::uint64_t> file_system_of(std::string_view /*path*/) override { return 0; }
  Result<std::unique_ptr<host::Lock>> lock(std::string_view /*path*/) override {
    return std::make_unique<host::Lock>();
  }
  Result<void> set_owner(std::string_view /*path*/, host::Owner /*owner*/) override { return {}; }
  Result<void> move(std::string_view /*from*/, std::string_view /*to*/) override { return {}; }
  Result<void> copy_tree(std::string_view /*from*/, std::string_view /*to*/, host::TreeTop /*top*/) override {
    return {};
  }
  Result<void> copy_attributes(std::string_view /*from*/, std::string_view /*to*/) override { return {}; }
  Result<void> remove_directory(std::string_view /*path*/) override { return {}; }
  Result<std::vector<std::string>> list(std::string_view path) override {
    std::vector<std::string> names;
    for (const auto& [name, content] : contents) {
      const std::size_t slash = name.rfind('/');
      if (slash != std::string::npos && name.substr(0, slash) == path) {
        names.emplace_back(name.substr(slash + 1));
      }
    }
    return names;
  }

 private:
  class Growing final : public host::NewFile {
   public:
    explicit Growing(std::string& into) : into_(into) {}

    Result<void> write(std::string_view bytes) override {
      written_ += bytes;
      return {};
    }
    Result<void> restart() override {
      written_.clear();
      return {};
    }
    Result<void> read(const std::function<Result<void>(std::string_view)>& take) override { return take(written_); }
    Result<void> commit(const host::Finish& /*finish*/) override {
      into_ = written_;
      return {};
    }

   private:
    std::string& into_;
    std::string written_;
  };
};

}  // namespace provision::test
