// SPDX-License-Identifier: Apache-2.0
// Key material: in pages that are locked into memory and kept out of core dumps, wiped when it goes. Nothing prints it,
// and it has no comparison operators, so that no test or log shows it by accident.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace provision {

class Secret {
 public:
  // Empty.
  Secret() = default;
  // Zeros. Code::io where the kernel locks no more memory (RLIMIT_MEMLOCK).
  static Result<Secret> sized(std::size_t bytes);
  // A copy; the text is wiped, so that the only one left is locked.
  static Result<Secret> taken(std::string&& text);

  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  [[nodiscard]] char* data() { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  // Valid as long as this lives. Not to be copied into a std::string.
  [[nodiscard]] std::string_view view() const { return {data_, size_}; }
  // In a time that does not depend on where they differ.
  [[nodiscard]] bool is(std::string_view other) const;

 private:
  void wipe() noexcept;

  char* data_ = nullptr;
  std::size_t size_ = 0;
};

// Overwrites a text that held key material, in a way that no compiler leaves out.
void wipe(std::string& text);

}  // namespace provision
