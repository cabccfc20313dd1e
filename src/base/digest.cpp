// SPDX-License-Identifier: Apache-2.0
#include "base/digest.hpp"

#if PROVISION_STATIC
// The functions below EVP are all deprecated.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#else
#include <openssl/evp.h>
#endif

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

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

#if PROVISION_STATIC

// The algorithms themselves: EVP looks each one up among providers, engines and a configuration file, which costs an
// early program four times as much as all the rest of its start. Nobody's policy can be loaded into a static binary.
struct Hasher::State {
  HashFunction function;
  std::variant<SHA256_CTX, SHA512_CTX> context;
};

Hasher::Hasher(HashFunction function) : state_(new State{function, SHA256_CTX{}}) {
  if (function == HashFunction::sha256) {
    INVARIANT(SHA256_Init(&std::get<SHA256_CTX>(state_->context)) == 1);
  } else {
    INVARIANT(SHA512_Init(&state_->context.emplace<SHA512_CTX>()) == 1);
  }
}

Hasher::~Hasher() = default;

void Hasher::add(std::string_view bytes) {
  if (auto* context = std::get_if<SHA256_CTX>(&state_->context)) {
    INVARIANT(SHA256_Update(context, bytes.data(), bytes.size()) == 1);
  } else {
    INVARIANT(SHA512_Update(&std::get<SHA512_CTX>(state_->context), bytes.data(), bytes.size()) == 1);
  }
}

Digest Hasher::finish() {
  std::array<unsigned char, SHA512_DIGEST_LENGTH> bytes{};
  if (auto* context = std::get_if<SHA256_CTX>(&state_->context)) {
    INVARIANT(SHA256_Final(bytes.data(), context) == 1);
    return {state_->function, hex_of(bytes.data(), SHA256_DIGEST_LENGTH)};
  }
  INVARIANT(SHA512_Final(bytes.data(), &std::get<SHA512_CTX>(state_->context)) == 1);
  return {state_->function, hex_of(bytes.data(), SHA512_DIGEST_LENGTH)};
}

#else

// By the distribution's OpenSSL and whatever its policy (FIPS) makes of the algorithm.
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

#endif

Digest digest_of(HashFunction function, std::string_view bytes) {
  Hasher hasher(function);
  hasher.add(bytes);
  return hasher.finish();
}

}  // namespace provision
