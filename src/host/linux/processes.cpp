// SPDX-License-Identifier: Apache-2.0
#include "host/linux/processes.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <thread>

#include "base/text.hpp"
#include "host/linux/descriptor.hpp"
#include "host/linux/process_start.hpp"

namespace provision::host {
namespace {

using Instant = std::chrono::steady_clock::time_point;

constexpr std::array<std::string_view, 4> search_path{"/usr/sbin", "/usr/bin", "/sbin", "/bin"};
constexpr std::size_t kept_bytes = 4096;
constexpr int marked_file = 3;
constexpr std::chrono::milliseconds mark_pause{5};
// How long a killed program may take to go: one that waits for a dead device can't be killed at all.
constexpr std::chrono::seconds killing_patience{10};

bool is_program(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

Result<std::string> find_program(const std::string& program) {
  // A relative path would depend on where this process happens to stand.
  if (program.starts_with('/') && is_program(program)) {
    return program;
  }
  if (program.find('/') == std::string::npos && !program.empty()) {
    for (const auto directory : search_path) {
      std::string path = std::string(directory) + "/" + program;
      if (is_program(path)) {
        return path;
      }
    }
  }
  return Error(Code::program_missing, "there is no program " + program);
}

// The input as a file in memory: it can't block, it can't end us with SIGPIPE, and it goes when the last user closes
// it.
Result<Descriptor> input_file(std::string_view input) {
  if (input.empty()) {
    Descriptor empty(uninterrupted([] { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }));
    return empty.valid() ? Result<Descriptor>(std::move(empty)) : io_error("cannot open /dev/null");
  }
  // Linux 6.3 and later want to be told that this will not be executed; older ones do not know the flag
  // (memfd_create(2)).
  constexpr unsigned no_exec = 0x0008U;
  Descriptor file(::memfd_create("input", MFD_CLOEXEC | no_exec));
  if (!file.valid() && errno == EINVAL) {
    file = Descriptor(::memfd_create("input", MFD_CLOEXEC));
  }
  if (!file.valid()) {
    return io_error("cannot make a file in memory for a program's input");
  }
  TRY(write_all(file.get(), input, "a program's input"));
  if (::lseek(file.get(), 0, SEEK_SET) != 0) {
    return io_error("cannot rewind a program's input");
  }
  return file;
}

// "NEWPIN=1234" with the zero byte that ends it; empty: the command has no such variable.
Result<Secret> secret_setting(const Command& command) {
  if (command.secret_value == nullptr) {
    return Secret();
  }
  const std::string start = command.secret_variable + "=";
  Secret setting = TRY(Secret::sized(start.size() + command.secret_value->size() + 1));
  start.copy(setting.data(), start.size());
  command.secret_value->view().copy(setting.data() + start.size(), command.secret_value->size());
  return setting;
}

class SpawnSettings {
 public:
  // `answer` is its stdout, `output` its stderr. `mark`: what the program holds as 3, or -1.
  SpawnSettings(int input, int answer, int output, int mark) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    failure_ = ::posix_spawn_file_actions_adddup2(&actions_, input, 0);
    note(::posix_spawn_file_actions_adddup2(&actions_, answer, 1));
    note(::posix_spawn_file_actions_adddup2(&actions_, output, 2));
    if (mark >= 0) {
      note(::posix_spawn_file_actions_adddup2(&actions_, mark, marked_file));
    }
    note(::posix_spawn_file_actions_addclosefrom_np(&actions_, mark >= 0 ? marked_file + 1 : marked_file));
    // Ignored signals and the mask are inherited through exec: the program gets neither of ours.
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    note(::posix_spawnattr_setsigmask(&attributes_, &none));
    note(::posix_spawnattr_setsigdefault(&attributes_, &all));
    note(::posix_spawnattr_setpgroup(&attributes_, 0));
    note(::posix_spawnattr_setflags(&attributes_,
                                    POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  SpawnSettings(SpawnSettings&&) = delete;
  SpawnSettings& operator=(SpawnSettings&&) = delete;
  ~SpawnSettings() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  // 0, or an errno value. `setting`: what the environment has besides; empty: nothing.
  int spawn(pid_t& pid, const std::string& path, const Command& command, Secret& setting) const {
    if (failure_ != 0) {
      return failure_;
    }
    std::string name = command.program;
    std::vector<std::string> arguments = command.arguments;
    std::vector<char*> argv{name.data()};
    for (auto& argument : arguments) {
      argv.push_back(argument.data());
    }
    argv.push_back(nullptr);
    std::string search = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    std::string locale = "LC_ALL=C";
    std::array<char*, 4> environment{search.data(), locale.data(), setting.data(), nullptr};
    // It returns when the program has closed what it had of ours.
    const std::lock_guard lock(starting_lock());
    return ::posix_spawn(&pid, path.c_str(), &actions_, &attributes_, argv.data(), environment.data());
  }

 private:
  void note(int result) { failure_ = failure_ != 0 ? failure_ : result; }

  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
  int failure_ = 0;
};

int milliseconds_until(Instant deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
}

struct Pipe {
  Descriptor reader;
  Descriptor writer;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return io_error("cannot make a pipe for a program's output");
  }
  Pipe pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  // Our end alone; the program's stays as programs expect it.
  ::fcntl(pipe.reader.get(), F_SETFL, O_NONBLOCK);
  return pipe;
}

// Takes what the pipe holds now; false when nothing can come any more.
bool drain_words(int pipe, std::string& output) {
  std::array<char, 16384> buffer{};
  while (true) {
    const ssize_t count = uninterrupted([&] { return ::read(pipe, buffer.data(), buffer.size()); });
    if (count <= 0) {
      return count < 0 && errno == EAGAIN;
    }
    output.append(buffer.data(), static_cast<std::size_t>(count));
    if (output.size() > 8 * kept_bytes) {
      output.erase(0, output.size() - 2 * kept_bytes);
    }
  }
}

// What a program writes: its words, and its answer where one is wanted.
class Outputs {
 public:
  explicit Outputs(Secret* room) : room_(room) {}

  Result<void> open() {
    words_pipe_ = TRY(make_pipe());
    if (room_ != nullptr) {
      answer_pipe_ = TRY(make_pipe());
    }
    return {};
  }

  [[nodiscard]] int words_writer() const { return words_pipe_.writer.get(); }
  [[nodiscard]] int answer_writer() const { return (room_ != nullptr ? answer_pipe_ : words_pipe_).writer.get(); }
  void close_writers() {
    static_cast<void>(words_pipe_.writer.close());
    static_cast<void>(answer_pipe_.writer.close());
  }

  // For poll(2), which passes over -1.
  [[nodiscard]] int words_reader() const { return words_open_ ? words_pipe_.reader.get() : -1; }
  [[nodiscard]] int answer_reader() const { return room_ != nullptr && answer_open_ ? answer_pipe_.reader.get() : -1; }
  void drain() {
    words_open_ = words_open_ && drain_words(words_pipe_.reader.get(), words_);
    answer_open_ = room_ != nullptr && answer_open_ && drain_answer();
  }

  [[nodiscard]] const std::string& words() const { return words_; }
  [[nodiscard]] std::size_t answered() const { return answered_; }
  [[nodiscard]] bool has_overrun() const { return overrun_; }

 private:
  bool drain_answer() {
    while (true) {
      // A byte past the end tells that there are more.
      char more = 0;
      const bool full = answered_ == room_->size();
      char* const place = full ? &more : room_->data() + answered_;
      const std::size_t size = full ? 1 : room_->size() - answered_;
      const ssize_t count = uninterrupted([&] { return ::read(answer_pipe_.reader.get(), place, size); });
      if (count <= 0) {
        return count < 0 && errno == EAGAIN;
      }
      overrun_ = overrun_ || full;
      answered_ += full ? 0 : static_cast<std::size_t>(count);
    }
  }

  Secret* room_;
  Pipe words_pipe_;
  Pipe answer_pipe_;
  std::string words_;
  std::size_t answered_ = 0;
  bool words_open_ = true;
  bool answer_open_ = true;
  bool overrun_ = false;
};

// Until the program has ended. What it left in the background may hold the pipes open still: it is not waited for.
Result<bool> wait_for_end(int process, Outputs& outputs, Instant deadline) {
  while (true) {
    std::array<pollfd, 3> events{pollfd{process, POLLIN, 0}, pollfd{outputs.words_reader(), POLLIN, 0},
                                 pollfd{outputs.answer_reader(), POLLIN, 0}};
    const int left = milliseconds_until(deadline);
    if (uninterrupted([&] { return ::poll(events.data(), events.size(), left); }) < 0) {
      return io_error("cannot wait for a program");
    }
    outputs.drain();
    if (events[0].revents != 0) {
      return true;
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return false;
    }
  }
}

bool is_locked_now(int file) {
  return uninterrupted([&] { return ::flock(file, LOCK_EX | LOCK_NB); }) == 0;
}

// Those that hold `path` open as their 3, as "mkfs.xfs (process 71)"; for a person, so what ends meanwhile may be
// missing.
std::string marked_programs(const std::string& path) {
  std::vector<std::string> found;
  const std::string ours = std::to_string(::getpid());
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string pid = entry.path().filename();
    const auto file = std::filesystem::read_symlink(entry.path() / "fd" / std::to_string(marked_file), ignored);
    if (!ignored && file == path && pid != ours) {
      found.push_back(printable(trim(kernel_text("/proc/" + pid + "/comm"))) + " (process " + pid + ")");
    }
  }
  return found.empty() ? "a program" : join(found, ", ");
}

Error outlived(const Command& command, const std::string& output, bool gone) {
  std::string sentence =
      command.program + " did not end within " + std::to_string(command.patience.count()) + " s and ";
  sentence += gone ? "was killed" : "cannot be killed";
  const std::string tail = printable_tail(output);
  return {Code::program_failed, tail.empty() ? sentence : sentence + "; its last words: " + tail};
}

}  // namespace

std::string printable_tail(std::string_view output) {
  const auto cut = [](std::string_view text) {
    text.remove_prefix(text.size() > kept_bytes ? text.size() - kept_bytes : 0);
    while (!text.empty() && (static_cast<unsigned char>(text.front()) & 0xC0U) == 0x80U) {
      text.remove_prefix(1);
    }
    return text;
  };
  std::string shown;
  for (const auto line : split(output.size() > kept_bytes ? cut(output) : output, '\n')) {
    shown += printable(line);
    shown += '\n';
  }
  shown.pop_back();
  return shown.size() > kept_bytes ? std::string(cut(shown)) : shown;
}

Result<void> LinuxProcesses::must_have(const std::string& program) {
  TRY(find_program(program));
  return {};
}

Result<Exit> LinuxProcesses::run(const Command& command) {
  const std::string path = TRY(find_program(command.program));
  const Descriptor input =
      TRY(input_file(command.secret_input != nullptr ? command.secret_input->view() : command.input));
  Secret setting = TRY(secret_setting(command));
  Outputs outputs(command.answer);
  TRY(outputs.open());
  const Instant deadline = std::chrono::steady_clock::now() + command.patience;
  pid_t pid = -1;
  const SpawnSettings settings(input.get(), outputs.answer_writer(), outputs.words_writer(), mark_.get());
  const int failure = settings.spawn(pid, path, command, setting);
  if (failure != 0) {
    return Error(Code::program_failed, "cannot start " + path, failure);
  }
  outputs.close_writers();
  // By number: <sys/pidfd.h> of glibc 2.36 can't be used from C++.
  const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process.valid()) {
    const int saved = errno;
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return io_error("cannot watch " + path, saved);
  }
  const auto ended = wait_for_end(process.get(), outputs, deadline);
  if (!ended || !*ended) {
    ::kill(-pid, SIGKILL);
    const auto killing = std::chrono::steady_clock::now() + killing_patience;
    const auto gone = wait_for_end(process.get(), outputs, killing);
    if (gone && *gone) {
      ::waitpid(pid, nullptr, 0);
    }
    return ended ? outlived(command, outputs.words(), gone && *gone) : ended.error();
  }
  int status = 0;
  if (uninterrupted([&] { return ::waitpid(pid, &status, 0); }) != pid) {
    return io_error("cannot learn how " + path + " ended");
  }
  if (outputs.has_overrun()) {
    return Error(Code::program_failed,
                 command.program + " answers with more than " + std::to_string(command.answer->size()) + " bytes");
  }
  return Exit{WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), printable_tail(outputs.words()),
              outputs.answered()};
}

Result<void> LinuxProcesses::mark_programs(const std::string& path, std::chrono::seconds patience,
                                           const std::function<void(const std::string& programs)>& waiting) {
  constexpr int flags = O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY;
  Descriptor file(uninterrupted([&] { return ::open(path.c_str(), flags, 0600); }));
  if (!file.valid()) {
    return io_error("cannot open " + path);
  }
  const Instant deadline = std::chrono::steady_clock::now() + patience;
  bool told = false;
  while (!is_locked_now(file.get())) {
    if (errno != EWOULDBLOCK) {
      return io_error("cannot lock " + path);
    }
    if (!told) {
      told = true;
      waiting(marked_programs(path));
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return Error(Code::program_failed, marked_programs(path) + " of an earlier run has not ended within " +
                                             std::to_string(patience.count()) + " s");
    }
    std::this_thread::sleep_for(mark_pause);
  }
  mark_ = std::move(file);
  return {};
}

}  // namespace provision::host
