// SPDX-License-Identifier: Apache-2.0
#include "run/pool.hpp"

namespace provision::run {

Pool::Pool(unsigned workers, std::uint64_t seed) : random_(seed) {
  for (unsigned i = 0; i < workers; ++i) {
    workers_.emplace_back([this] { work(); });
  }
}

Pool::~Pool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (auto& worker : workers_) {
    worker.join();
  }
}

void Pool::submit(Task task) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(task));
    ++under_way_;
  }
  changed_.notify_all();
}

void Pool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) {
      return;
    }
    Task task = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    auto then = task();
    lock.lock();
    ended_.push_back(std::move(then));
    changed_.notify_all();
  }
}

bool Pool::next_inline() {
  if (waiting_.empty()) {
    return false;
  }
  const std::size_t chosen = std::uniform_int_distribution<std::size_t>(0, waiting_.size() - 1)(random_);
  Task task = std::move(waiting_[chosen]);
  waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(chosen));
  --under_way_;
  task()();
  return true;
}

bool Pool::next() {
  if (workers_.empty()) {
    return next_inline();
  }
  std::unique_lock lock(mutex_);
  if (under_way_ == 0) {
    return false;
  }
  changed_.wait(lock, [this] { return !ended_.empty(); });
  auto then = std::move(ended_.front());
  ended_.pop_front();
  --under_way_;
  lock.unlock();
  then();
  return true;
}

}  // namespace provision::run
