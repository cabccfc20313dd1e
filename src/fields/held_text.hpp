// SPDX-License-Identifier: Apache-2.0
// The text of a key or a string value: a piece of the document it was read from, or bytes of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace provision::fields {

// A string without escapes is a piece of its document, which then must outlive it; so most of a config is never copied.
// A copy always has bytes of its own: what is copied out of a document may outlive it. At most 4 GiB.
class HeldText {
 public:
  HeldText() = default;
  explicit HeldText(std::string_view text);
  static HeldText piece(std::string_view of_document);

  HeldText(const HeldText& other) : HeldText(other.view()) {}
  HeldText(HeldText&& other) noexcept { swap(other); }
  HeldText& operator=(HeldText other) noexcept {
    swap(other);
    return *this;
  }
  ~HeldText() {
    if (owned_) {
      delete[] bytes_;
    }
  }

  [[nodiscard]] std::string_view view() const { return {bytes_, size_}; }
  [[nodiscard]] std::string str() const { return std::string(view()); }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  // NOLINTNEXTLINE(google-explicit-constructor): it is read wherever text is
  operator std::string_view() const { return view(); }

  bool operator==(const HeldText& other) const { return view() == other.view(); }
  bool operator==(std::string_view other) const { return view() == other; }

 private:
  void swap(HeldText& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    std::swap(owned_, other.owned_);
  }

  const char* bytes_ = nullptr;
  std::uint32_t size_ = 0;
  bool owned_ = false;
};

inline std::string operator+(std::string before, const HeldText& text) { return before.append(text.view()); }

}  // namespace provision::fields
