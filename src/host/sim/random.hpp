// SPDX-License-Identifier: Apache-2.0
// Numbers that a seed decides, the same with every compiler and library.
#pragma once

#include <cstddef>
#include <cstdint>

namespace provision::host::sim {

// splitmix64: small, and good enough to choose what a power cut takes.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }

  // 0 to `bound` - 1; `bound` is not 0.
  std::size_t below(std::size_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

}  // namespace provision::host::sim
