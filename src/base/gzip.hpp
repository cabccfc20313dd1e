// SPDX-License-Identifier: Apache-2.0
// Unpacking gzip (RFC 1952) as the bytes pass.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace provision {

// What may stand behind what is packed: a device has zeros up to the end of its last sector.
enum class Behind : std::uint8_t { nothing, zeros };

// Several members, one after the other, are one content, as gzip(1) reads them. Anything else behind the end is an
// error, unless it is what may be there, and so is an end that is missing. Memory is bounded, whatever the bytes unpack
// to: `take` gets pieces and may stop it by an error.
class Gunzip {
 public:
  using Take = std::function<Result<void>(std::string_view)>;

  explicit Gunzip(Behind behind = Behind::nothing);
  Gunzip(const Gunzip&) = delete;
  Gunzip& operator=(const Gunzip&) = delete;
  Gunzip(Gunzip&&) = delete;
  Gunzip& operator=(Gunzip&&) = delete;
  ~Gunzip();

  // Code::bad_contents where the bytes are not gzip.
  Result<void> add(std::string_view bytes, const Take& take);
  // At the end of the bytes: Code::bad_contents if more should have come.
  Result<void> finish();
  // From the beginning, for other bytes.
  void restart();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The whole of it at once; Code::bad_contents if it unpacks to more than `max_bytes`.
Result<std::string> gunzip(std::string_view bytes, std::uint64_t max_bytes, Behind behind = Behind::nothing);

}  // namespace provision
