// SPDX-License-Identifier: Apache-2.0
// Unpacking zstd (RFC 8878).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/gzip.hpp"
#include "base/result.hpp"

namespace provision {

// They begin with a frame of zstd, or with one that its readers skip.
bool is_zstd(std::string_view bytes);

// As the bytes pass. Several frames, one after the other, are one content, as zstd(1) reads them. Code::bad_contents
// where the bytes are damaged or end too early, where something else stands behind a frame than may be there, and where
// a frame wants a dictionary or a window above 128 MiB.
class Unzstd {
 public:
  using Take = std::function<Result<void>(std::string_view)>;

  explicit Unzstd(Behind behind = Behind::nothing);
  Unzstd(const Unzstd&) = delete;
  Unzstd& operator=(const Unzstd&) = delete;
  Unzstd(Unzstd&&) = delete;
  Unzstd& operator=(Unzstd&&) = delete;
  ~Unzstd();

  Result<void> add(std::string_view bytes, const Take& take);
  // At the end of the bytes.
  Result<void> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The whole of it at once; Code::bad_contents also where it unpacks to more than `max_bytes`.
Result<std::string> unzstd(std::string_view bytes, std::uint64_t max_bytes, Behind behind = Behind::nothing);

}  // namespace provision
