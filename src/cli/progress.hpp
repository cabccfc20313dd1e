// SPDX-License-Identifier: Apache-2.0
// Progress for people: nothing about what is quick, then a line every few seconds about what is still under way. Plain
// lines only, so that any console shows them as they are.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "host/fetcher.hpp"
#include "run/activity.hpp"
#include "run/listener.hpp"

namespace provision::cli {

// What is shorter than this is not spoken of.
inline constexpr std::chrono::seconds progress_quiet{2};
// Between two lines on the same thing.
inline constexpr std::chrono::seconds progress_pause{5};

// Decides what is said, and when: no clock, no output.
class ProgressWords {
 public:
  // The lines that are due at `now`.
  std::vector<std::string> due(std::chrono::microseconds now, const std::vector<run::Activity>& activities,
                               const std::vector<host::FetchProgress>& transfers);

 private:
  struct Seen {
    std::chrono::microseconds began{0};
    std::chrono::microseconds shown{0};
    // Bytes when it was shown last, and when it began.
    std::uint64_t bytes = 0;
    bool was_shown = false;
  };

  static bool is_due(const Seen& seen, std::chrono::microseconds now);
  static std::string transfer_line(const host::FetchProgress& transfer, const Seen& seen,
                                   std::chrono::microseconds now);

  std::map<std::uint64_t, Seen> activities_;
  std::map<std::string, Seen> transfers_;
};

// A URL as it may be shown: without user, password, query and fragment, which may be secrets.
std::string shown_url(const std::string& url);

// Hands events on to `words`, keeps the list of what is under way by them, and says what takes long.
class ProgressListener final : public run::Listener {
 public:
  struct Seams {
    // Transfers under way.
    std::function<std::vector<host::FetchProgress>()> transfers;
    // Takes one line, with its end; called on another thread.
    std::function<void(const std::string& line)> say;
    std::chrono::milliseconds every{500};
  };

  ProgressListener(run::Listener& words, run::Activities& activities, Seams seams);
  void on(const run::Event& event) override;

 private:
  void tick();

  run::Listener& words_;
  run::Activities& activities_;
  Seams seams_;
  ProgressWords progress_;
  std::map<std::string, std::uint64_t> steps_;
  // Last: it uses all the others.
  run::Ticker ticker_;
};

}  // namespace provision::cli
