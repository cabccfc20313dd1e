// SPDX-License-Identifier: Apache-2.0
// Errors as values: one code, one sentence, the chain of what was being done, and the user's own line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace provision {

// Every kind of run-time error. One row each in the table of error.cpp: adding a kind is one entry here and one row
// there.
enum class Code : std::uint8_t {
  usage,
  bad_config,
  unsupported,
  no_platform,
  config_unavailable,
  device_missing,
  device_busy,
  conflict,
  io,
  program_failed,
  program_missing,
  network,
  bad_contents,
  not_satisfied,
  journal_other_config,
  journal_other_machine,
  journal_other_format,
  journal_damaged,
  stage_order,
  tpm_failed,
  internal,
};

// What a kind of error means to a caller. `hint` is one sentence that tells the reader what to do next.
struct CodeRow {
  Code code;
  std::string_view name;
  int exit_status;
  bool retryable;
  std::string_view hint;
};

const CodeRow& row(Code code);

// A place in a document of the user's. `line` and `column` count from 1, columns in characters (UTF-8 code points);
// 0 means unknown. `path` is the config path, as "$.storage.disks.0.device".
struct Origin {
  std::string document;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::string path;

  bool operator==(const Origin&) const = default;
};

// "document:line:column", or the document alone where the line is unknown.
std::string to_string(const Origin& origin);

// One run-time error. `what` says what failed, `frames` what was being done (innermost first), `system_error` is an
// errno value or 0. No field ever holds a secret: callers name things by path or digest.
struct Error {
  Code code = Code::internal;
  std::string what;
  int system_error = 0;
  std::vector<std::string> frames;
  std::optional<Origin> origin;

  Error() = default;
  Error(Code error_code, std::string sentence, int saved_errno = 0)
      : code(error_code), what(std::move(sentence)), system_error(saved_errno) {}

  Error&& at(std::optional<Origin> place) &&;
  Error&& while_(std::string doing) &&;
};

// The sentence with the errno's text and the frames, on one line: "cannot open x: No such file or directory, while …".
std::string to_string(const Error& error);

}  // namespace provision
