// SPDX-License-Identifier: Apache-2.0
// Running other programs: an argument vector, never a shell.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace provision::host {

// No secret may stand in `arguments`: the whole machine can read them. Secrets go through `input`.
struct Command {
  std::string program;
  std::vector<std::string> arguments;
  std::string input;
  std::chrono::seconds patience{600};
  // In place of `input`: one that is secret.
  const Secret* secret_input = nullptr;
  // A variable of its environment that is secret too, for a program that takes more than one: "NEWPIN", and its value,
  // which has no zero byte. Only root, and its own user, can read it there.
  std::string secret_variable{};
  const Secret* secret_value = nullptr;
  // Room for what it writes to stdout, which then is no part of Exit::output.
  Secret* answer = nullptr;
};

// How it ended: exit status, or 128 + signal. `output` is the end of stdout and stderr together, at most 4 KiB, made
// printable. Of Command::answer the first `answered` bytes were written.
struct Exit {
  int status = 0;
  std::string output;
  std::size_t answered = 0;
};

class Processes {
 public:
  Processes() = default;
  Processes(const Processes&) = delete;
  Processes& operator=(const Processes&) = delete;
  Processes(Processes&&) = delete;
  Processes& operator=(Processes&&) = delete;
  virtual ~Processes() = default;

  // Code::program_missing if PATH has no such program: for those who must know before they destroy something.
  virtual Result<void> must_have(const std::string& /*program*/) { return {}; }
  // Runs to the end. Code::program_missing if PATH (/usr/sbin:/usr/bin:/sbin:/bin) has no such program; a program that
  // outlives `patience` is killed and is Code::program_failed, as is one whose answer has more bytes than there is room
  // for. A status other than 0 is not an error here.
  virtual Result<Exit> run(const Command& command) = 0;
};

}  // namespace provision::host
