// SPDX-License-Identifier: Apache-2.0
#include "run/last_failure.hpp"

#include "base/text.hpp"

namespace provision::run {
namespace {

constexpr std::size_t max_summary_bytes = 1000;
constexpr std::size_t max_kept_bytes = std::size_t{32} << 10U;

// Whole characters only.
std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) {
    return text;
  }
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) {
    --most;
  }
  return text.substr(0, most);
}

}  // namespace

std::string failure_summary(const std::string& date, const std::string& boot, const std::string& stage,
                            const Error& error) {
  return cut(printable(date + ", boot " + boot + ", stage " + stage + ": " + to_string(error)), max_summary_bytes);
}

Result<void> keep_failure(host::Files& state, const std::string& summary, const std::string& screen) {
  TRY(state.replace_safely(kept_failure_path, cut(summary + "\n\n" + screen, max_kept_bytes), 0600, {}));
  return state.sync(kept_failure_path);
}

std::string kept_failure(host::Files& state) {
  const auto there = state.look(kept_failure_path);
  if (!there || !*there) {
    return {};
  }
  auto kept = state.read(kept_failure_path, max_kept_bytes);
  return kept ? *std::move(kept) : std::string();
}

std::string summary_of(const std::string& kept) { return kept.substr(0, kept.find('\n')); }

Result<void> forget_failure(host::Files& state) {
  if (TRY(state.look(kept_failure_path))) {
    TRY(state.remove(kept_failure_path));
  }
  return {};
}

}  // namespace provision::run
