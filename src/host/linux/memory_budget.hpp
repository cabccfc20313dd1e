// SPDX-License-Identifier: Apache-2.0
// Memory that tasks want for a while: they wait for each other where it would become more, in all, than there may be.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace provision::host {

class MemoryBudget {
 public:
  // Gives back what was taken when it goes.
  class Share {
   public:
    Share(MemoryBudget& budget, std::uint64_t amount) : budget_(budget), amount_(amount) {}
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;
    Share(Share&&) = delete;
    Share& operator=(Share&&) = delete;
    ~Share() { budget_.give_back(amount_); }

   private:
    MemoryBudget& budget_;
    std::uint64_t amount_;
  };

  explicit MemoryBudget(std::uint64_t total) : total_(total), free_(total) {}
  // Half of the machine's memory, in KiB.
  static std::uint64_t half_of_memory();

  // Waits until there is so much, in the order of the calls, so that one who wants much is not passed by all the
  // others. Who wants more than there is in all gets it when nobody else has any.
  [[nodiscard]] Share take(std::uint64_t amount);
  // Waits until nobody else has any, and keeps them all waiting.
  [[nodiscard]] Share take_all() { return take(total_); }

 private:
  void give_back(std::uint64_t amount);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t total_;
  std::uint64_t free_;
  // Of the next call, and of the one whose turn it is.
  std::uint64_t last_ticket_ = 0;
  std::uint64_t turn_ = 0;
};

}  // namespace provision::host
