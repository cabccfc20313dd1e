// SPDX-License-Identifier: Apache-2.0
// Digests of bytes, in the spec's textual form "sha256-<hex>" / "sha512-<hex>".
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace provision {

enum class HashFunction : std::uint8_t { sha256, sha512 };

class Digest {
 public:
  Digest() = default;
  Digest(HashFunction function, std::string hex);

  static Digest sha256(std::string_view bytes);
  // Accepts what the spec accepts: function, "-", 64 or 128 hex digits in either case. Nothing else.
  static std::optional<Digest> parse(std::string_view text);

  [[nodiscard]] HashFunction function() const { return function_; }
  // Lower-case hex digits.
  [[nodiscard]] const std::string& hex() const { return hex_; }
  [[nodiscard]] std::string text() const;
  // "sha256-1234567890ab…": enough to tell two apart in a message.
  [[nodiscard]] std::string brief() const;
  [[nodiscard]] bool empty() const { return hex_.empty(); }

  bool operator==(const Digest&) const = default;

 private:
  HashFunction function_ = HashFunction::sha256;
  std::string hex_;
};

// Computes a digest as the bytes pass.
class Hasher {
 public:
  explicit Hasher(HashFunction function);
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  Hasher(Hasher&&) = delete;
  Hasher& operator=(Hasher&&) = delete;
  ~Hasher();

  void add(std::string_view bytes);
  // Ends the computation: call it once.
  [[nodiscard]] Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest digest_of(HashFunction function, std::string_view bytes);

}  // namespace provision
