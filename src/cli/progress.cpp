// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.hpp"

#include <fmt/format.h>

#include <set>

#include "base/text.hpp"

namespace provision::cli {
namespace {

constexpr std::size_t most_lines = 5;

std::int64_t seconds(std::chrono::microseconds duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

std::string activity_line(const run::Activity& activity, std::chrono::microseconds now) {
  const std::int64_t so_far = seconds(now - activity.began);
  if (activity.patience.count() > 0) {
    return fmt::format("{}: {} s of {} s", printable(activity.text), so_far, seconds(activity.patience));
  }
  return fmt::format("{}: {} s so far", printable(activity.text), so_far);
}

}  // namespace

std::string shown_url(const std::string& url) {
  std::string shown = url.substr(0, url.find_first_of("?#"));
  const std::size_t scheme = shown.find("://");
  const std::size_t authority = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t at = shown.substr(0, shown.find('/', authority)).rfind('@');
  if (at != std::string::npos && at >= authority) {
    shown.erase(authority, at + 1 - authority);
  }
  return printable(shown);
}

bool ProgressWords::is_due(const Seen& seen, std::chrono::microseconds now) {
  return seen.was_shown ? now - seen.shown >= progress_pause : now - seen.began >= progress_quiet;
}

std::string ProgressWords::transfer_line(const host::FetchProgress& transfer, const Seen& seen,
                                         std::chrono::microseconds now) {
  const auto size = [](std::uint64_t bytes) { return human_size(static_cast<std::int64_t>(bytes)); };
  std::string text = "fetching " + shown_url(transfer.url) + ": " + size(transfer.bytes);
  text += transfer.of > 0 ? " of " + size(transfer.of) : "";
  const auto since = seen.was_shown ? now - seen.shown : now - seen.began;
  if (transfer.bytes > seen.bytes && since.count() > 0) {
    const double rate = static_cast<double>(transfer.bytes - seen.bytes) * 1e6 / static_cast<double>(since.count());
    text += ", " + human_size(static_cast<std::int64_t>(rate)) + "/s";
  }
  text += fmt::format(", {} s so far", seconds(now - seen.began));
  if (transfer.attempts > 1) {
    text += fmt::format(", attempt {}", transfer.attempts);
  }
  if (!transfer.last_failure.empty()) {
    text += transfer.next_attempt.count() > 0
                ? fmt::format(", next try in {} s", (transfer.next_attempt.count() + 999) / 1000)
                : "";
    text += " (before: " + printable(transfer.last_failure) + ")";
  }
  return text;
}

std::vector<std::string> ProgressWords::due(std::chrono::microseconds now, const std::vector<run::Activity>& activities,
                                            const std::vector<host::FetchProgress>& transfers) {
  std::vector<std::string> lines;
  std::set<std::uint64_t> running;
  for (const auto& activity : activities) {
    running.insert(activity.id);
    Seen& seen = activities_.try_emplace(activity.id, Seen{activity.began, {}, 0, false}).first->second;
    if (is_due(seen, now)) {
      lines.push_back(activity_line(activity, now));
      seen.shown = now;
      seen.was_shown = true;
    }
  }
  std::erase_if(activities_, [&](const auto& one) { return !running.contains(one.first); });
  std::set<std::string> fetched;
  for (const auto& transfer : transfers) {
    fetched.insert(transfer.url);
    Seen& seen = transfers_.try_emplace(transfer.url, Seen{now, {}, transfer.bytes, false}).first->second;
    if (is_due(seen, now)) {
      lines.push_back(transfer_line(transfer, seen, now));
      seen.shown = now;
      seen.bytes = transfer.bytes;
      seen.was_shown = true;
    }
  }
  std::erase_if(transfers_, [&](const auto& one) { return !fetched.contains(one.first); });
  if (lines.size() > most_lines) {
    const std::size_t more = lines.size() - most_lines;
    lines.resize(most_lines);
    lines.push_back(fmt::format("... and {} more", more));
  }
  return lines;
}

ProgressListener::ProgressListener(run::Listener& words, run::Activities& activities, Seams seams)
    : words_(words), activities_(activities), seams_(std::move(seams)), ticker_(seams_.every, [this] { tick(); }) {}

void ProgressListener::on(const run::Event& event) {
  switch (event.kind) {
    case run::Event::Kind::step_started:
      steps_[event.step] = activities_.begin(event.text);
      break;
    case run::Event::Kind::step_done:
      if (const auto found = steps_.find(event.step); found != steps_.end()) {
        activities_.end(found->second);
        steps_.erase(found);
      }
      break;
    case run::Event::Kind::notice:
    case run::Event::Kind::step_skipped:
      break;
  }
  words_.on(event);
}

void ProgressListener::tick() {
  const auto transfers = seams_.transfers ? seams_.transfers() : std::vector<host::FetchProgress>{};
  for (const auto& line : progress_.due(activities_.clock().monotonic(), activities_.under_way(), transfers)) {
    seams_.say(line + "\n");
  }
}

}  // namespace provision::cli
