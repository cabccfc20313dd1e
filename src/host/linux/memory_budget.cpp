// SPDX-License-Identifier: Apache-2.0
#include "host/linux/memory_budget.hpp"

#include <unistd.h>

#include <algorithm>

namespace provision::host {

std::uint64_t MemoryBudget::half_of_memory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  constexpr std::uint64_t unknown = 1U << 19U;
  return pages <= 0 || page <= 0 ? unknown
                                 : static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) / 1024 / 2;
}

MemoryBudget::Share MemoryBudget::take(std::uint64_t amount) {
  const std::uint64_t taken = std::min(amount, total_);
  {
    std::unique_lock lock(mutex_);
    const std::uint64_t ticket = last_ticket_++;
    changed_.wait(lock, [&] { return turn_ == ticket && free_ >= taken; });
    free_ -= taken;
    ++turn_;
  }
  changed_.notify_all();
  return {*this, taken};
}

void MemoryBudget::give_back(std::uint64_t amount) {
  {
    const std::lock_guard lock(mutex_);
    free_ += amount;
  }
  changed_.notify_all();
}

}  // namespace provision::host
