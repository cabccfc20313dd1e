// SPDX-License-Identifier: Apache-2.0
#include "host/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace provision::host {

void for_each_index(std::size_t count, unsigned workers, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  const auto run = [&] {
    for (std::size_t index = next++; index < count; index = next++) {
      work(index);
    }
  };
  const std::size_t others = std::min<std::size_t>(count, std::max(workers, 1U));
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i < others; ++i) {
    threads.emplace_back(run);
  }
  run();
  for (auto& thread : threads) {
    thread.join();
  }
}

}  // namespace provision::host
