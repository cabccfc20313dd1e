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
// simulated host can so be repeated. Otherwise a worker starts when a task waits that no other will take, and a task
// that is alone runs on the caller's thread, which could only wait for it: a chain of tasks needs no thread at all.
class Pool {
 public:
  using Task = std::function<std::function<void()>()>;

  Pool(unsigned workers, std::uint64_t seed);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  Pool(Pool&&) = delete;
  Pool& operator=(Pool&&) = delete;
  ~Pool();

  // The task begins at next(), if not before; what it returns is called on the caller's thread by next().
  void submit(Task task);
  // Waits for one task to end and calls what it returned. False: nothing is under way.
  bool next();

 private:
  void work();
  bool next_inline();
  std::function<void()> next_of_workers(std::unique_lock<std::mutex>& lock);
  void start_missing_workers();
  static Task take_first(std::deque<Task>& tasks);

  const unsigned most_workers_;
  std::mutex mutex_;
  std::condition_variable task_waits_;
  std::condition_variable task_ended_;
  std::deque<Task> waiting_;
  std::deque<std::function<void()>> ended_;
  // Those that were submitted and whose result was not called yet.
  std::size_t under_way_ = 0;
  // Those without a task, also where they have not begun to wait for one yet.
  std::size_t idle_workers_ = 0;
  bool stopping_ = false;
  std::mt19937_64 random_;
  std::vector<std::thread> workers_;
};

}  // namespace provision::run
