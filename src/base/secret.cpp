// SPDX-License-Identifier: Apache-2.0
#include "base/secret.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <openssl/crypto.h>

namespace provision {

Result<Secret> Secret::sized(std::size_t bytes) {
  Secret secret;
  if (bytes == 0) {
    return secret;
  }
  void* const pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) {
    return Error(Code::io, std::string("no memory for a key: ") + std::strerror(errno));
  }
  secret.data_ = static_cast<char*>(pages);
  secret.size_ = bytes;
  if (::mlock(pages, bytes) != 0) {
    return Error(Code::io, std::string("the memory for a key cannot be locked (ulimit -l): ") + std::strerror(errno));
  }
  // A kernel that does not know it has no core dumps of it to fear more than before.
  static_cast<void>(::madvise(pages, bytes, MADV_DONTDUMP));
  return secret;
}

Result<Secret> Secret::taken(std::string&& text) {
  auto secret = sized(text.size());
  if (secret && !text.empty()) {
    std::memcpy(secret->data_, text.data(), text.size());
  }
  provision::wipe(text);
  return secret;
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Secret::~Secret() { wipe(); }

bool Secret::is(std::string_view other) const {
  return size_ == other.size() && (size_ == 0 || CRYPTO_memcmp(data_, other.data(), size_) == 0);
}

void Secret::wipe() noexcept {
  if (data_ != nullptr) {
    ::explicit_bzero(data_, size_);
    ::munmap(data_, size_);
  }
  data_ = nullptr;
  size_ = 0;
}

void wipe(std::string& text) {
  text.resize(text.capacity());
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

}  // namespace provision
