// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.hpp"

#include <doctest/doctest.h>

#include <condition_variable>
#include <mutex>

using namespace provision;
using std::chrono::seconds;
using Lines = std::vector<std::string>;

namespace {

class HandClock final : public host::Clock {
 public:
  std::chrono::microseconds monotonic() override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  std::string wall() override { return "2026-01-01T00:00:00Z"; }
  void sleep(std::chrono::milliseconds time) override { advance(std::chrono::duration_cast<seconds>(time)); }
  void advance(seconds by) {
    const std::lock_guard lock(mutex_);
    now_ += by;
  }

 private:
  std::mutex mutex_;
  std::chrono::microseconds now_{0};
};

run::Activity activity(std::uint64_t id, const std::string& text, seconds began, seconds patience = seconds(0)) {
  return {id, text, began, patience};
}

host::FetchProgress transfer(std::uint64_t bytes, std::uint64_t of, unsigned attempts = 1,
                             const std::string& failure = {}) {
  return {"https://u:secret@h.test/f?token=secret", bytes, of, attempts, failure};
}

// Keeps what is said, and lets a test wait for it.
class Said {
 public:
  void take(const std::string& line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(line);
    changed_.notify_all();
  }
  Lines await(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, seconds(10), [&] { return lines_.size() >= count; });
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Lines lines_;
};

class Silent final : public run::Listener {
 public:
  void on(const run::Event& /*event*/) override { ++count; }
  int count = 0;
};

}  // namespace

TEST_CASE("progress: quiet when quick, then a line every few seconds") {
  cli::ProgressWords words;
  const std::vector<run::Activity> all{activity(1, "make ext4 on /dev/vdb1", seconds(10))};
  CHECK(words.due(seconds(10), all, {}).empty());
  CHECK(words.due(seconds(11), all, {}).empty());
  CHECK(words.due(seconds(12), all, {}) == Lines{"make ext4 on /dev/vdb1: 2 s so far"});
  CHECK(words.due(seconds(13), all, {}).empty());
  CHECK(words.due(seconds(16), all, {}).empty());
  CHECK(words.due(seconds(17), all, {}) == Lines{"make ext4 on /dev/vdb1: 7 s so far"});
  CHECK(words.due(seconds(60), {}, {}).empty());
}

TEST_CASE("progress: many quick steps one after another say nothing") {
  cli::ProgressWords words;
  for (std::uint64_t i = 1; i < 100; ++i) {
    CHECK(words.due(seconds(i), {activity(i, "write a file", seconds(i - 1))}, {}).empty());
  }
}

TEST_CASE("progress: a wait says how long it has patience") {
  cli::ProgressWords words;
  CHECK(words.due(seconds(15), {activity(1, "waiting for /dev/disk/by-label/\033x", seconds(0), seconds(90))}, {}) ==
        Lines{"waiting for /dev/disk/by-label/\\x1bx: 15 s of 90 s"});
}

TEST_CASE("progress: a transfer says how much, of how much, how fast; no secret of its URL") {
  cli::ProgressWords words;
  CHECK(words.due(seconds(0), {}, {transfer(0, 0)}).empty());
  CHECK(words.due(seconds(1), {}, {transfer(1U << 20U, 0)}).empty());
  CHECK(words.due(seconds(2), {}, {transfer(4U << 20U, 100U << 20U)}) ==
        Lines{"fetching https://h.test/f: 4 MiB of 100 MiB, 2 MiB/s, 2 s so far"});
  CHECK(words.due(seconds(7), {}, {transfer(4U << 20U, 100U << 20U, 3, "timed out")}) ==
        Lines{"fetching https://h.test/f: 4 MiB of 100 MiB, 7 s so far, attempt 3 (before: timed out)"});
  CHECK(words.due(seconds(12), {}, {transfer(14U << 20U, 0)}) ==
        Lines{"fetching https://h.test/f: 14 MiB, 2 MiB/s, 12 s so far"});
}

TEST_CASE("progress: a transfer that is to be tried again says when, and why") {
  cli::ProgressWords words;
  host::FetchProgress refused = transfer(0, 0, 1, "Connection refused");
  refused.next_attempt = std::chrono::milliseconds(1200);
  CHECK(words.due(seconds(0), {}, {refused}).empty());
  CHECK(words.due(seconds(2), {}, {refused}) ==
        Lines{"fetching https://h.test/f: 0 bytes, 2 s so far, next try in 2 s (before: Connection refused)"});
  refused.attempts = 2;
  CHECK(
      words.due(seconds(7), {}, {refused}) ==
      Lines{"fetching https://h.test/f: 0 bytes, 7 s so far, attempt 2, next try in 2 s (before: Connection refused)"});
}

TEST_CASE("progress: at most a few lines at a time") {
  cli::ProgressWords words;
  std::vector<run::Activity> all;
  for (std::uint64_t i = 1; i <= 9; ++i) {
    all.push_back(activity(i, "step", seconds(0)));
  }
  const auto lines = words.due(seconds(3), all, {});
  REQUIRE(lines.size() == 6);
  CHECK(lines.back() == "... and 4 more");
}

TEST_CASE("progress: URLs as they are shown") {
  CHECK(cli::shown_url("http://h/p?x#y") == "http://h/p");
  CHECK(cli::shown_url("http://u:p@h:8/p@q") == "http://h:8/p@q");
  CHECK(cli::shown_url("http://h") == "http://h");
  CHECK(cli::shown_url("data:,x") == "data:,x");
}

TEST_CASE("progress: a slow step is spoken of while it runs, and not after") {
  HandClock clock;
  run::Activities activities(clock);
  Silent words;
  Said said;
  {
    cli::ProgressListener listener(
        words, activities, {{}, [&](const std::string& line) { said.take(line); }, std::chrono::milliseconds(1)});
    listener.on({run::Event::Kind::step_started, "slow", "make a slow thing", {}});
    clock.advance(seconds(3));
    CHECK(said.await(1) == Lines{"make a slow thing: 3 s so far\n"});
    listener.on({run::Event::Kind::step_done, "slow", "make a slow thing", seconds(3)});
    CHECK(activities.under_way().empty());
  }
  CHECK(words.count == 2);
}
