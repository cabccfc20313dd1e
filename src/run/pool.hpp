// SPDX-License-Identifier: Apache-2.0
// A small pool that runs tasks and hands their results back to the one thread that decides.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

namespace provision::run {

// With 0 workers every task runs on the caller's thread inside next(), in an order drawn from `seed`: a run on the
// simulated host can so be repeated.
class Pool {
 public:
  using Task = std::function<std::function<void()>()>;

  Pool(unsigned workers, std::uint64_t seed);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  Pool(Pool&&) = delete;
  Pool& operator=(Pool&&) = delete;
  ~Pool();

  // The task runs on some worker; what it returns is called on the caller's thread by next().
  void submit(Task task);
  // Waits for one task to end and calls what it returned. False: nothing is under way.
  bool next();

 private:
  void work();
  bool next_inline();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> waiting_;
  std::deque<std::function<void()>> ended_;
  std::size_t under_way_ = 0;
  bool stopping_ = false;
  std::mt19937_64 random_;
  std::vector<std::thread> workers_;
};

}  // namespace provision::run
