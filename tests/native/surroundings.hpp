// SPDX-License-Identifier: Apache-2.0
// What the native tests share: a place of their own, and plain ways to look at what was done.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "host/processes.hpp"

namespace provision::test {

bool is_root();

// A folder on a tmpfs in a mount namespace of our own, made at the first call: nothing that is mounted by a test is
// seen by anyone else, and all of it goes with this process. Empty, with a reason in `why`, where that is not allowed.
const std::string& private_folder(std::string& why);
// A new folder in there.
std::string new_folder();

bool have_program(const std::string& name);
// Runs it and wants status 0; its output.
std::string must_run(const std::string& program, std::vector<std::string> arguments, std::string input = {});

// Programs are started, four at any time, as long as it lives.
class ProgramsStarting {
 public:
  ProgramsStarting();
  ProgramsStarting(const ProgramsStarting&) = delete;
  ProgramsStarting& operator=(const ProgramsStarting&) = delete;
  ProgramsStarting(ProgramsStarting&&) = delete;
  ProgramsStarting& operator=(ProgramsStarting&&) = delete;
  ~ProgramsStarting() { ended_ = true; }

 private:
  std::atomic<bool> ended_ = false;
  std::vector<std::jthread> starters_;
};

std::string read_bytes(const std::string& path, std::uint64_t offset, std::size_t size);
void write_bytes(const std::string& path, std::uint64_t offset, std::string_view bytes);
void write_file(const std::string& path, std::string_view content);

// The error's sentence, or "" where there is none: for CHECK, so that a failure shows it.
template <class T>
std::string why(const Result<T>& result) {
  return result ? std::string() : to_string(result.error());
}

}  // namespace provision::test

// Leaves the test case unless this process is root and may have mounts of its own.
#define NEED_PRIVATE_FOLDER()                                                     \
  do {                                                                            \
    std::string missing_;                                                         \
    if (!::provision::test::is_root()) SKIP_TEST("root");                         \
    if (::provision::test::private_folder(missing_).empty()) SKIP_TEST(missing_); \
  } while (false)

#define NEED_PROGRAM(name) \
  if (!::provision::test::have_program(name)) SKIP_TEST(name)
