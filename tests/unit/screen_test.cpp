// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "base/text.hpp"
#include "cli/screen.hpp"

using namespace provision;

namespace {

std::string excerpt(const std::string& line, std::uint32_t column, std::size_t width = 71) {
  const fields::Document document("c", "\n" + line + "\n");
  return cli::excerpt(document, {"c", 2, column, "$"}, width);
}

}  // namespace

TEST_CASE("excerpt: the user's line with a caret under the column") {
  CHECK(excerpt(R"({"mode": "0644"})", 10) == "2 | {\"mode\": \"0644\"}\n  |          ^\n");
  CHECK(excerpt("{\"\xC3\xA9\": x}", 7) == "2 | {\"\xC3\xA9\": x}\n  |       ^\n");
}

TEST_CASE("failure screen: nobody is told to reboot while memory alone has files") {
  const Error error(Code::io, "mkfs.ext4 failed");
  const auto text = [&](bool needs_memory) {
    return cli::failure_screen(error, "stage disks", nullptr, {}, needs_memory);
  };
  CHECK(text(false).find("then reboot") != std::string::npos);
  CHECK(text(false).find("DO NOT REBOOT") == std::string::npos);
  CHECK(text(true).find("then reboot") == std::string::npos);
  CHECK(text(true).find("DO NOT REBOOT") != std::string::npos);
}

TEST_CASE("excerpt: nothing without a line, or for another document") {
  const fields::Document document("c", "x");
  CHECK(cli::excerpt(document, {"c", 0, 0, "$"}, 70).empty());
  CHECK(cli::excerpt(document, {"other", 1, 1, "$"}, 70).empty());
}

TEST_CASE("excerpt: values that may be secrets are not shown, whatever their form") {
  const std::vector<std::string> lines{R"({"contents": {"source": "data:,hunter2"}})",
                                       R"("contents": "hunter2",)",
                                       R"("passwordHash": "hunter2")",
                                       R"("source":"data:,hunter2\"more", "mode": x)",
                                       R"("source": "data:,hunter2)",
                                       R"("hunter2", "hunter2")",
                                       R"("passwordHash": ["hunter2", "hunter2"])",
                                       R"("pasword": "hunter2")",
                                       R"("n\u0061me": "hunter2", "mode": 1)",
                                       R"("sshAuthorizedKeys": [7, "hunter2"])"};
  for (const auto& line : lines) {
    for (const std::uint32_t column : {1U, 5U, 14U, 30U}) {
      CAPTURE(line);
      CHECK(excerpt(line, column).find("hunter2") == std::string::npos);
    }
  }
}

TEST_CASE("excerpt: a long line is cut around the caret") {
  const std::string line = "[" + std::string(300, ' ') + "x" + std::string(300, ' ') + "]";
  const std::string shown = excerpt(line, 302);
  const auto lines = split(shown, '\n');
  CHECK(lines[0].size() <= 71 + 4);
  CHECK(lines[0][lines[1].find('^')] == 'x');
}

TEST_CASE("excerpt: a secret in a long line is hidden from every column, and the caret stays at its place") {
  const std::string secret(900, 's');
  std::string line = "{\"files\": [";
  for (int i = 0; i < 30; ++i) {
    line += "{\"source\": \"" + secret + "\", \"Source\": \"sssss\", \"s\\u006furce\": \"sssss\", \"mode\": 1}, ";
  }
  const fields::Document document("c", line);
  cli::Excerpts excerpts(document);
  for (std::uint32_t column = 1; column <= line.size(); column += 7) {
    const std::string shown = excerpts.of({"c", 1, column, "$"}, 80);
    const auto lines = split(shown, '\n');
    CAPTURE(shown);
    REQUIRE(lines.size() == 3);
    CHECK(shown.find("sssss") == std::string::npos);
    CHECK(lines[0].size() <= 80);
    CHECK(lines[1].find('^') < 80);
    const char under = line[column - 1];
    if (under == '{' || under == ':' || under == '}') {
      CHECK(lines[0][lines[1].find('^')] == under);
    }
  }
}

TEST_CASE("screen: one frame of one width that says what, doing what, where, and what to do") {
  const fields::Document document("fw_cfg x", "{\n  \"a\": 1\n}");
  Error error = Error(Code::conflict, "cannot write /etc/x: another file is there")
                    .while_("trying to write /etc/x")
                    .at(Origin{"fw_cfg x", 2, 8, "$.a"});
  const std::string screen = cli::failure_screen(error, "stage files", &document);
  for (const auto line : split(trim(screen), '\n')) {
    CHECK(line.size() == 79);
  }
  for (const char* part :
       {"another file is there", "stage files", "line 2", "2 |   \"a\": 1", "overwrite", "failure.txt", "resume"}) {
    CAPTURE(part);
    CHECK(screen.find(part) != std::string::npos);
  }
  CHECK(screen.find("for the next boot") == std::string::npos);
  const std::string kept = cli::failure_screen(error, "stage files", &document, "/run/provision/state/provision");
  CHECK(kept.find("for the next boot") != std::string::npos);
  CHECK(kept.find("/run/provision/state/provision") != std::string::npos);
}

TEST_CASE("screen: no control character of the error or the config reaches a console") {
  const fields::Document document("c", "{\"\x1b[2J\": 1}");
  const Error error = Error(Code::bad_config, "bad \x1b[2J").at(Origin{"c", 1, 2, "$"});
  CHECK(cli::failure_screen(error, "x", &document).find('\x1b') == std::string::npos);
}
