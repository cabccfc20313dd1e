// SPDX-License-Identifier: Apache-2.0
// What a transfer's bytes pass on their way into the sink: unpacking, the digest, the limit.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/gzip.hpp"
#include "host/fetcher.hpp"

namespace provision::host {

class Intake {
 public:
  Intake(const FetchRequest& request, Sink& sink);

  // Bytes as they come over the wire.
  Result<void> add(std::string_view wire);
  // They come again from the first one.
  Result<void> restart();
  // All have come: the digest is checked.
  Result<Fetched> finish();
  // How many came over the wire.
  [[nodiscard]] std::uint64_t wire_bytes() const { return wire_bytes_; }

 private:
  Result<void> pass(std::string_view bytes);
  void reset();

  Sink& sink_;
  bool packed_;
  std::optional<Digest> expected_;
  std::uint64_t max_bytes_;
  std::uint64_t wire_bytes_ = 0;
  std::uint64_t bytes_ = 0;
  std::unique_ptr<Gunzip> unpacker_;
  std::unique_ptr<Hasher> hasher_;
};

}  // namespace provision::host
