// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <latch>

#include "run/pool.hpp"

using provision::run::Pool;

namespace {
std::vector<int> order_of(std::uint64_t seed) {
  Pool pool(0, seed);
  std::vector<int> order;
  for (int i = 0; i < 8; ++i) {
    pool.submit([&order, i] { return [&order, i] { order.push_back(i); }; });
  }
  while (pool.next()) {
  }
  return order;
}
}  // namespace

TEST_CASE("pool: without workers the seed alone gives the order") {
  CHECK(order_of(1) == order_of(1));
  CHECK(order_of(1).size() == 8);
  bool some_differ = false;
  for (std::uint64_t seed = 2; seed < 10; ++seed) {
    some_differ = some_differ || order_of(seed) != order_of(1);
  }
  CHECK(some_differ);
}

TEST_CASE("pool: tasks run side by side, results come back to the caller's thread") {
  Pool pool(2, 0);
  std::latch both(2);
  const auto caller = std::this_thread::get_id();
  int ended = 0;
  for (int i = 0; i < 2; ++i) {
    pool.submit([&] {
      both.arrive_and_wait();
      return [&] {
        CHECK(std::this_thread::get_id() == caller);
        ++ended;
      };
    });
  }
  while (pool.next()) {
  }
  CHECK(ended == 2);
}

TEST_CASE("pool: a result may submit more") {
  Pool pool(2, 0);
  int ended = 0;
  pool.submit([&] {
    return [&] {
      ++ended;
      pool.submit([&] { return [&] { ++ended; }; });
    };
  });
  while (pool.next()) {
  }
  CHECK(ended == 2);
}

TEST_CASE("pool: a task that is alone runs on the caller's thread") {
  Pool pool(2, 0);
  const auto caller = std::this_thread::get_id();
  int ended = 0;
  for (int i = 0; i < 3; ++i) {
    pool.submit([&] {
      CHECK(std::this_thread::get_id() == caller);
      return [&] { ++ended; };
    });
    CHECK(pool.next());
  }
  CHECK(ended == 3);
  CHECK_FALSE(pool.next());
}

TEST_CASE("pool: many tasks that submit more all end") {
  Pool pool(4, 0);
  std::atomic<int> ran = 0;
  int ended = 0;
  for (int i = 0; i < 500; ++i) {
    pool.submit([&] {
      ++ran;
      return [&] {
        ++ended;
        pool.submit([&] {
          ++ran;
          return [&] { ++ended; };
        });
      };
    });
  }
  while (pool.next()) {
  }
  CHECK(ran == 1000);
  CHECK(ended == 1000);
}
