// SPDX-License-Identifier: Apache-2.0
// main() of every doctest binary, with a reporter that prints what tools/test counts:
//     PASS name | FAIL name: why | SKIP name: what is missing
// one line per test case, and the further failures of a case indented below its line.

// A sanitizer's own report says more about a crash than doctest's signal handler, which would take its place.
#if defined(__SANITIZE_ADDRESS__)
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DOCTEST_CONFIG_NO_POSIX_SIGNALS
#endif
#endif

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "support/skip.hpp"

namespace {

std::mutex& guard() {
  static std::mutex mutex;
  return mutex;
}

std::string& skip_reason() {
  static std::string reason;
  return reason;
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::replace(text.begin(), text.end(), '\r', ' ');
  return text;
}

std::string where(const char* file, int line) {
  const std::string path = file;
  const std::size_t slash = path.find_last_of('/');
  return (slash == std::string::npos ? path : path.substr(slash + 1)) + ":" + std::to_string(line);
}

std::string context() {
  std::string text;
  const int count = doctest::IReporter::get_num_active_contexts();
  const doctest::IContextScope* const* scopes = doctest::IReporter::get_active_contexts();
  for (int i = 0; i < count; ++i) {
    doctest::String shown;
    {
      std::ostringstream stream;
      scopes[i]->stringify(&stream);
      shown = doctest::String(stream.str().c_str());
    }
    text += std::string(" [") + shown.c_str() + "]";
  }
  return text;
}

class LineReporter final : public doctest::IReporter {
 public:
  explicit LineReporter(const doctest::ContextOptions& options) : options_(options) {}

  void report_query(const doctest::QueryData& query) override {
    if (!options_.list_test_cases) {
      return;
    }
    for (unsigned i = 0; i < query.num_data; ++i) {
      std::printf("%s\n", name_of(*query.data[i]).c_str());
    }
  }

  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats& /*stats*/) override {}

  void test_case_start(const doctest::TestCaseData& test) override {
    const std::lock_guard lock(guard());
    name_ = name_of(test);
    failures_.clear();
    skip_reason().clear();
  }

  void test_case_reenter(const doctest::TestCaseData& /*test*/) override {}

  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    const std::lock_guard lock(guard());
    if (!stats.testCaseSuccess) {
      if (failures_.empty()) {
        failures_.push_back("failed for a reason of doctest's own, flags " + std::to_string(stats.failure_flags));
      }
      std::printf("FAIL %s: %s\n", name_.c_str(), failures_.front().c_str());
      for (std::size_t i = 1; i < failures_.size(); ++i) {
        std::printf("    %s\n", failures_[i].c_str());
      }
    } else if (!skip_reason().empty()) {
      std::printf("SKIP %s: %s\n", name_.c_str(), one_line(skip_reason()).c_str());
    } else {
      std::printf("PASS %s\n", name_.c_str());
    }
    std::fflush(stdout);
  }

  void test_case_exception(const doctest::TestCaseException& exception) override {
    const std::lock_guard lock(guard());
    failures_.push_back(std::string(exception.is_crash ? "crashed: " : "exception: ") +
                        one_line(exception.error_string.c_str()) + context());
  }

  void subcase_start(const doctest::SubcaseSignature& signature) override {
    const std::lock_guard lock(guard());
    subcases_.emplace_back(signature.m_name.c_str());
  }

  void subcase_end() override {
    const std::lock_guard lock(guard());
    subcases_.pop_back();
  }

  void log_assert(const doctest::AssertData& data) override {
    if (!data.m_failed) {
      return;
    }
    const std::lock_guard lock(guard());
    std::string text = where(data.m_file, data.m_line) + ": ";
    for (const std::string& subcase : subcases_) {
      text += "(" + subcase + ") ";
    }
    text += std::string(doctest::assertString(data.m_at)) + "( " + data.m_expr + " )";
    if (data.m_threw) {
      text += std::string(" threw ") + data.m_exception.c_str();
    } else if (data.m_decomp.size() > 0) {
      text += std::string(" is ") + data.m_decomp.c_str();
    }
    failures_.push_back(one_line(text + context()));
  }

  void log_message(const doctest::MessageData& message) override {
    const std::lock_guard lock(guard());
    const std::string text = where(message.m_file, message.m_line) + ": " + message.m_string.c_str();
    if ((message.m_severity & doctest::assertType::is_warn) == 0) {
      failures_.push_back(one_line(text));
    } else {
      std::fprintf(stderr, "  note: %s\n", text.c_str());
    }
  }

  void test_case_skipped(const doctest::TestCaseData& test) override {
    // Only those marked so in the source: a filter on the command line is not a skip.
    if (test.m_skip && !options_.no_skip) {
      std::printf("SKIP %s: switched off in the source\n", name_of(test).c_str());
    }
  }

 private:
  static std::string name_of(const doctest::TestCaseData& test) {
    const std::string suite = test.m_test_suite != nullptr ? test.m_test_suite : "";
    return one_line((suite.empty() ? "" : suite + ": ") + test.m_name);
  }

  const doctest::ContextOptions& options_;
  std::string name_;
  std::vector<std::string> subcases_;
  std::vector<std::string> failures_;
};

}  // namespace

namespace provision::test {

void note_skip(std::string what_is_missing) {
  const std::lock_guard lock(guard());
  skip_reason() = std::move(what_is_missing);
}

}  // namespace provision::test

REGISTER_REPORTER("lines", 1, LineReporter);

int main(int argc, char** argv) {
  doctest::Context context;
  context.setOption("reporters", "lines");
  context.setOption("no-intro", true);
  context.applyCommandLine(argc, argv);
  return context.run();
}
