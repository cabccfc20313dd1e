// SPDX-License-Identifier: Apache-2.0
#include "base/digest.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.hpp"
#include "base/text.hpp"

namespace provision {
namespace {

constexpr std::string_view prefix_of(HashFunction function) {
  return function == HashFunction::sha256 ? "sha256" : "sha512";
}

constexpr std::size_t hex_length(HashFunction function) { return function == HashFunction::sha256 ? 64 : 128; }

std::string hex_of(const unsigned char* bytes, std::size_t count) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  hex.reserve(count * 2);
  for (std::size_t i = 0; i < count; ++i) {
    hex += digits[bytes[i] >> 4U];
    hex += digits[bytes[i] & 0xFU];
  }
  return hex;
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

Digest::Digest(HashFunction function, std::string hex) : function_(function), hex_(std::move(hex)) {
  INVARIANT(hex_.size() == hex_length(function) && is_hex(hex_));
}

Digest Digest::sha256(std::string_view bytes) { return digest_of(HashFunction::sha256, bytes); }

std::optional<Digest> Digest::parse(std::string_view text) {
  for (const HashFunction function : {HashFunction::sha256, HashFunction::sha512}) {
    const std::string prefix = std::string(prefix_of(function)) + "-";
    if (!text.starts_with(prefix)) {
      continue;
    }
    std::string hex = lower_ascii(text.substr(prefix.size()));
    if (hex.size() == hex_length(function) && is_hex(hex)) {
      return Digest(function, std::move(hex));
    }
  }
  return std::nullopt;
}

std::string Digest::text() const { return empty() ? "" : std::string(prefix_of(function_)) + "-" + hex_; }

std::string Digest::brief() const {
  return empty() ? "none" : std::string(prefix_of(function_)) + "-" + hex_.substr(0, 12);
}

struct Hasher::State {
  HashFunction function;
  EVP_MD_CTX* context;
};

Hasher::Hasher(HashFunction function) : state_(new State{function, EVP_MD_CTX_new()}) {
  INVARIANT(state_->context != nullptr);
  const EVP_MD* algorithm = function == HashFunction::sha256 ? EVP_sha256() : EVP_sha512();
  INVARIANT(EVP_DigestInit_ex(state_->context, algorithm, nullptr) == 1);
}

Hasher::~Hasher() { EVP_MD_CTX_free(state_->context); }

void Hasher::add(std::string_view bytes) {
  INVARIANT(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

Digest Hasher::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int count = 0;
  INVARIANT(EVP_DigestFinal_ex(state_->context, bytes.data(), &count) == 1);
  return {state_->function, hex_of(bytes.data(), count)};
}

Digest digest_of(HashFunction function, std::string_view bytes) {
  Hasher hasher(function);
  hasher.add(bytes);
  return hasher.finish();
}

}  // namespace provision
