// SPDX-License-Identifier: Apache-2.0
// What the last try of a first boot stopped with, kept beside the journal until the first boot is done.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/result.hpp"
#include "host/files.hpp"

namespace provision::run {

// In the directory of the journal.
inline constexpr std::string_view kept_failure_path = "/failure.txt";

// One line: when, in which boot and stage, and what. No longer than a screen may be.
std::string failure_summary(const std::string& date, const std::string& boot, const std::string& stage,
                            const Error& error);

// Replaces what was kept: the summary, an empty line, the screen. Bounded in size; durable on return.
Result<void> keep_failure(host::Files& state, const std::string& summary, const std::string& screen);

// As it was kept. Empty if there is none, or it cannot be read: it is for people only.
std::string kept_failure(host::Files& state);

// Its first line, by which people know it.
std::string summary_of(const std::string& kept);

// Fine if there is none. Not durable until sync().
Result<void> forget_failure(host::Files& state);

}  // namespace provision::run
