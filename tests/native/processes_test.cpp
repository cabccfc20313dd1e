// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <thread>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "host/linux/descriptor.hpp"
#include "host/linux/processes.hpp"
#include "support/skip.hpp"
#include "surroundings.hpp"

using namespace provision;
using namespace provision::test;

namespace {

Result<host::Exit> shell(const std::string& script, int seconds = 30, std::string input = {}) {
  host::LinuxProcesses processes;
  return processes.run({"sh", {"-c", script}, std::move(input), std::chrono::seconds(seconds)});
}

pid_t number(std::string_view text) {
  pid_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Gone, or dead and not yet taken leave of by whoever adopted it.
bool is_gone(pid_t pid) {
  const std::string stat = host::kernel_text("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t state = stat.rfind(") ");
  return state == std::string::npos || stat[state + 2] == 'Z' || stat[state + 2] == 'X';
}

}  // namespace

TEST_SUITE_BEGIN("native processes");

TEST_CASE("status, signal and output") {
  const auto exit = shell("echo out; echo err >&2; exit 3");
  REQUIRE(why(exit) == "");
  CHECK(exit->status == 3);
  CHECK(exit->output == "out\nerr\n");
  CHECK(shell("kill -9 $$")->status == 128 + 9);
  CHECK(shell("printf 'a\\033[31mb\\tc\\n\\377\\n'")->output == "a\\x1b[31mb c\n\\xff\n");
}

TEST_CASE("a missing program is told apart from a failing one") {
  host::LinuxProcesses processes;
  CHECK(processes.run({"no-such-program", {}, {}, std::chrono::seconds(5)}).error().code == Code::program_missing);
  CHECK(processes.run({"/etc/passwd", {}, {}, std::chrono::seconds(5)}).error().code == Code::program_missing);
  CHECK(processes.run({"../bin/sh", {}, {}, std::chrono::seconds(5)}).error().code == Code::program_missing);
  CHECK(processes.run({"", {}, {}, std::chrono::seconds(5)}).error().code == Code::program_missing);
  CHECK(processes.run({"/bin/true", {}, {}, std::chrono::seconds(5)})->status == 0);
}

TEST_CASE("much output is read to the end and its last 4 KiB kept") {
  const auto exit = shell("head -c 1048576 /dev/zero | tr '\\0' x; echo; echo the end");
  REQUIRE(why(exit) == "");
  CHECK(exit->status == 0);
  CHECK(exit->output.size() == 4096);
  CHECK(exit->output.ends_with("x\nthe end\n"));
  CHECK(host::printable_tail(std::string(5000, '\x01')).size() <= 4096);
}

TEST_CASE("an answer is kept apart from the words, and has its room") {
  auto room = Secret::sized(8);
  auto input = Secret::taken("secret\n");
  REQUIRE((room && input));
  host::LinuxProcesses processes;
  const auto run = [&](const std::string& script) {
    host::Command command{"sh", {"-c", script}, {}, std::chrono::seconds(30)};
    command.secret_input = &*input;
    command.answer = &*room;
    return processes.run(command);
  };
  const auto exit = run("cat; echo words >&2; exit 3");
  REQUIRE(why(exit) == "");
  CHECK(exit->status == 3);
  CHECK(exit->output == "words\n");
  CHECK(exit->answered == 7);
  CHECK(room->view().substr(0, 7) == "secret\n");
  CHECK(run("printf 12345678")->answered == 8);
  CHECK(run("true")->answered == 0);
  CHECK(run("printf 123456789").error().code == Code::program_failed);
  CHECK(why(run("head -c 1048576 /dev/zero")).find("more than 8 bytes") != std::string::npos);
}

TEST_CASE("a secret variable is in its environment, and nowhere else") {
  const auto pin = Secret::taken("82 43");
  REQUIRE(pin);
  host::LinuxProcesses processes;
  host::Command command{
      "sh", {"-c", "printf %s \"$NEWPIN\"; tr '\\0' ' ' </proc/$$/cmdline"}, {}, std::chrono::seconds(30)};
  command.secret_variable = "NEWPIN";
  command.secret_value = &*pin;
  const auto exit = processes.run(command);
  REQUIRE(why(exit) == "");
  CHECK(exit->output.starts_with("82 43sh -c "));
  CHECK(exit->output.rfind("82 43") == 0);
  CHECK(shell("printf %s \"$NEWPIN\"")->output.empty());
}

TEST_CASE("input arrives whole, and need not be read") {
  std::string input(3 << 20, 'i');
  const std::string expected = Digest::sha256(input).hex();
  const auto exit = shell("sha256sum", 30, input);
  REQUIRE(why(exit) == "");
  CHECK(exit->output.starts_with(expected));
  CHECK(shell("exec <&-; exit 0", 30, input)->status == 0);
  CHECK(shell("cat", 30)->output == "");
}

TEST_CASE("the patience ends: the whole group is killed") {
  const auto begin = std::chrono::steady_clock::now();
  const auto slow = shell("sleep 50 & echo $!; sleep 50", 1);
  REQUIRE(!slow);
  CHECK(slow.error().code == Code::program_failed);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
  const std::string& words = slow.error().what;
  const pid_t left = number(trim(std::string_view(words).substr(words.rfind(' ') + 1)));
  REQUIRE(left > 1);
  for (int i = 0; i < 100 && !is_gone(left); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  CHECK(is_gone(left));
  // The output never stops: still killed.
  CHECK(shell("yes", 1).error().code == Code::program_failed);
}

TEST_CASE("what a program leaves in the background is not waited for") {
  const auto begin = std::chrono::steady_clock::now();
  const auto exit = shell("sleep 60 & echo $!");
  REQUIRE(why(exit) == "");
  CHECK(exit->status == 0);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
  const pid_t left = number(trim(exit->output));
  REQUIRE(left > 1);
  ::kill(left, SIGKILL);
}

TEST_CASE("nothing of ours is passed on: environment, files, signals") {
  ::setenv("PROVISION_SECRET", "x", 1);
  host::LinuxProcesses processes;
  const auto environment = processes.run({"env", {}, {}, std::chrono::seconds(5)});
  REQUIRE(why(environment) == "");
  CHECK(environment->output == "PATH=/usr/sbin:/usr/bin:/sbin:/bin\nLC_ALL=C\n");
  const host::Descriptor open(::dup(0));
  const auto files = processes.run({"ls", {"/proc/self/fd"}, {}, std::chrono::seconds(5)});
  REQUIRE(why(files) == "");
  CHECK(files->output == "0\n1\n2\n3\n");
  const auto before = ::signal(SIGPIPE, SIG_IGN);
  const auto signals =
      processes.run({"grep", {"-E", "Sig(Ign|Blk)", "/proc/self/status"}, {}, std::chrono::seconds(5)});
  ::signal(SIGPIPE, before);
  REQUIRE(why(signals) == "");
  // Signals 32 and 33 are glibc's own: its posix_spawn leaves them ignored.
  CHECK(signals->output.starts_with("SigBlk: 0000000000000000\nSigIgn: 0000000"));
  CHECK(signals->output.ends_with("0000000\n"));
}

namespace {

// Another one of us, which is killed while a program of its own works.
void be_killed_at_work(const std::string& mark, const std::string& script) {
  const pid_t other = ::fork();
  REQUIRE(other >= 0);
  if (other == 0) {
    host::LinuxProcesses processes;
    const bool marked = processes.mark_programs(mark, std::chrono::seconds(5), [](const std::string&) {}).has_value();
    const bool ran = marked && processes.run({"sh", {"-c", script + " & kill -9 $PPID; wait"}, {}}).has_value();
    ::_exit(ran ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(other, &status, 0) == other);
  REQUIRE(WIFSIGNALED(status));
}

}  // namespace

TEST_CASE("what an earlier process left at work is waited for, and named") {
  NEED_PRIVATE_FOLDER();
  const std::string mark = new_folder() + "/programs";
  std::string named;
  const auto remember = [&](const std::string& programs) { named += programs; };

  be_killed_at_work(mark, "sleep 1");
  const auto begin = std::chrono::steady_clock::now();
  {
    host::LinuxProcesses processes;
    CHECK(why(processes.mark_programs(mark, std::chrono::seconds(20), remember)) == "");
    CHECK(std::chrono::steady_clock::now() - begin > std::chrono::milliseconds(500));
    CHECK(named.find("sleep (process ") != std::string::npos);
    const auto files = processes.run({"ls", {"-l", "/proc/self/fd/3"}, {}});
    REQUIRE(why(files) == "");
    CHECK(files->output.ends_with(mark + "\n"));
  }
  named.clear();
  CHECK(why(host::LinuxProcesses().mark_programs(mark, std::chrono::seconds(0), remember)) == "");
  CHECK(named == "");
}

TEST_CASE("what an earlier process left at work and does not end is an error") {
  NEED_PRIVATE_FOLDER();
  const std::string mark = new_folder() + "/programs";
  be_killed_at_work(mark, "echo $$; sleep 3");
  const auto held = host::LinuxProcesses().mark_programs(mark, std::chrono::seconds(0), [](const std::string&) {});
  REQUIRE_FALSE(held);
  CHECK(held.error().code == Code::program_failed);
  CHECK(held.error().what.find("of an earlier run has not ended within 0 s") != std::string::npos);
}

TEST_SUITE_END();
