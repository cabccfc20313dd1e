// SPDX-License-Identifier: Apache-2.0
#include "run/pool.hpp"

namespace provision::run {

Pool::Pool(unsigned workers, std::uint64_t seed) : most_workers_(workers), random_(seed) {}

Pool::~Pool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  task_waits_.notify_all();
  for (auto& worker : workers_) {
    worker.join();
  }
}

void Pool::submit(Task task) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(task));
  ++under_way_;
}

Pool::Task Pool::take_first(std::deque<Task>& tasks) {
  Task task = std::move(tasks.front());
  tasks.pop_front();
  return task;
}

void Pool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    task_waits_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    --idle_workers_;
    if (stopping_) {
      return;
    }
    Task task = take_first(waiting_);
    lock.unlock();
    auto then = task();
    lock.lock();
    ++idle_workers_;
    ended_.push_back(std::move(then));
    task_ended_.notify_one();
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

void Pool::start_missing_workers() {
  for (; idle_workers_ < waiting_.size() && workers_.size() < most_workers_; ++idle_workers_) {
    workers_.emplace_back([this] { work(); });
  }
  for (std::size_t i = 0; i < waiting_.size(); ++i) {
    task_waits_.notify_one();
  }
}

std::function<void()> Pool::next_of_workers(std::unique_lock<std::mutex>& lock) {
  start_missing_workers();
  task_ended_.wait(lock, [this] { return !ended_.empty(); });
  auto then = std::move(ended_.front());
  ended_.pop_front();
  return then;
}

bool Pool::next() {
  if (most_workers_ == 0) {
    return next_inline();
  }
  std::unique_lock lock(mutex_);
  if (under_way_ == 0) {
    return false;
  }
  std::function<void()> then;
  if (under_way_ == 1 && !waiting_.empty()) {
    const Task task = take_first(waiting_);
    lock.unlock();
    then = task();
    lock.lock();
  } else {
    then = next_of_workers(lock);
  }
  --under_way_;
  lock.unlock();
  then();
  return true;
}

}  // namespace provision::run
