// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <optional>
#include <thread>
#include <vector>

#include "host/linux/mappings.hpp"
#include "host/linux/memory_budget.hpp"

using provision::host::is_mapping_name;
using provision::host::luks_uuid_of;
using provision::host::MemoryBudget;

TEST_CASE("memory budget: together never more than there is, and everyone gets it") {
  MemoryBudget budget(100);
  std::atomic<int> used{0};
  std::atomic<int> most{0};
  std::atomic<int> ended{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&, amount = 10 + i * 5] {
        for (int round = 0; round < 20; ++round) {
          const auto share = budget.take(static_cast<std::uint64_t>(amount));
          const int now = used += amount;
          int seen = most;
          while (now > seen && !most.compare_exchange_weak(seen, now)) {
          }
          used -= amount;
        }
        ++ended;
      });
    }
  }
  CHECK(ended == 16);
  CHECK(most <= 100);
  CHECK(used == 0);
}

TEST_CASE("memory budget: who wants more than there is in all gets it alone") {
  MemoryBudget budget(100);
  std::atomic<bool> got{false};
  std::optional<std::jthread> greedy;
  {
    const auto first = budget.take(1);
    greedy.emplace([&] {
      const auto share = budget.take(1000);
      got = true;
    });
    CHECK_FALSE(got);
  }
  greedy->join();
  CHECK(got);
  // All has been given back.
  const auto all = budget.take_all();
}

TEST_CASE("memory budget: what is free is not taken past one who waits") {
  MemoryBudget budget(100);
  std::vector<int> order;
  std::mutex mutex;
  const auto note = [&](int who) {
    const std::lock_guard lock(mutex);
    order.push_back(who);
  };
  std::latch waits(1);
  std::vector<std::jthread> threads;
  {
    const auto first = budget.take(50);
    threads.emplace_back([&] {
      waits.count_down();
      const auto share = budget.take(100);
      note(1);
    });
    waits.wait();
  }
  threads.clear();
  const auto share = budget.take(10);
  note(2);
  CHECK(order == std::vector<int>{1, 2});
}

TEST_CASE("memory budget: half of the machine's memory is something") { CHECK(MemoryBudget::half_of_memory() > 1024); }

TEST_CASE("mappings: the UUID of a volume is read from its mapping's") {
  constexpr std::string_view text = "CRYPT-LUKS2-3b7a1c5290d44e1f8a660c5d2f9be713-data";
  CHECK(luks_uuid_of(text, "data") == "3b7a1c52-90d4-4e1f-8a66-0c5d2f9be713");
  CHECK(luks_uuid_of("CRYPT-LUKS1-3b7a1c5290d44e1f8a660c5d2f9be713-data", "data") ==
        "3b7a1c52-90d4-4e1f-8a66-0c5d2f9be713");
  CHECK(luks_uuid_of(text, "other").empty());
  CHECK(luks_uuid_of("CRYPT-PLAIN-data", "data").empty());
  CHECK(luks_uuid_of("LVM-3b7a1c5290d44e1f8a660c5d2f9be7133b7a1c5290d44e1f8a660c5d2f9be713", "data").empty());
  CHECK(luks_uuid_of("CRYPT-LUKS2-3b7a1c5290d44e1f8a660c5d2f9be71x-data", "data").empty());
  CHECK(luks_uuid_of("", "").empty());
}

TEST_CASE("mappings: names that device-mapper takes as they are") {
  for (const char* good : {"data", "luks-0", "a.b_c@d:e=f#g+h"}) {
    CHECK(is_mapping_name(good));
  }
  for (const char* bad : {"", ".", "..", "control", "a/b", "a b", "\xC3\xA4"}) {
    CHECK_FALSE(is_mapping_name(bad));
  }
  CHECK(is_mapping_name(std::string(127, 'a')));
  CHECK_FALSE(is_mapping_name(std::string(128, 'a')));
}
