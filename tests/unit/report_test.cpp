// SPDX-License-Identifier: Apache-2.0
// The report and the status: values with a JSON form, and what is read off what a first boot leaves.
#include <doctest/doctest.h>

#include "fields/json.hpp"
#include "memory_files.hpp"
#include "run/journal.hpp"
#include "run/last_failure.hpp"
#include "run/status.hpp"

using namespace provision;
using namespace provision::run;
using provision::test::MemoryFiles;

namespace {

Report example() {
  Report report;
  report.engine = "provision 0.1.0";
  report.spec = "3.4.0";
  report.plan_format = 1;
  report.journal_format = 1;
  report.platform = "qemu";
  report.document = "a config";
  report.config = Digest::sha256("meaning").text();
  report.sources = {{"user", "a config", Digest::sha256("bytes")}};
  report.measured = "no TPM 2.0";
  report.earlier_failure = "then\n\nthe screen";
  report.boot = "b";
  report.date = "2026-11-28T11:00:00Z";
  StageReport files;
  files.name = "files";
  files.result = "done";
  files.date = "1970-01-01T00:00:03Z";
  files.started_microseconds = 3'000'000;
  files.microseconds = 500;
  files.notices = {"same", "same"};
  files.steps = {{"file:/a", "write /a", "applied", 3'000'100, 200}, {"file:/b", "write /b", "already", 0, 0}};
  report.stages = {files};
  report.initrd = {{"volume", "root", "u", "rd.luks.name=u=root", true}};
  return report;
}

class FixedClock final : public host::Clock {
 public:
  std::chrono::microseconds monotonic() override { return now; }
  std::string wall() override { return "2026-11-28T11:00:00Z"; }
  void sleep(std::chrono::milliseconds time) override { now += time; }
  std::chrono::microseconds now{1000};
};

class Told final : public Listener {
 public:
  void on(const Event& event) override { events.push_back(event.text); }
  std::vector<std::string> events;
};

void put(MemoryFiles& files, std::string_view path, const std::string& text) {
  REQUIRE(files.replace(path, text, 0600, {}));
}

void begin_stage(Report& report, const std::string& name, const std::string& result) {
  StageReport stage;
  stage.name = name;
  stage.result = result;
  report.stages.push_back(std::move(stage));
}

Status status_of(MemoryFiles& machine, MemoryFiles& state) {
  auto status = observe_status(machine, state);
  REQUIRE(status);
  return *std::move(status);
}

}  // namespace

TEST_CASE("a report is written and read back") {
  MemoryFiles files;
  CHECK(read_report(files, report_path).value() == std::nullopt);
  REQUIRE(save_report(files, example()));
  CHECK(load_report(files) == example());
}

TEST_CASE("a report that cannot be read is an error, and none for the stage that goes on with it") {
  for (const std::string text : {"", "{", R"({"stages": 1})", R"({"version": 2, "engine": "provision 9"})"}) {
    CAPTURE(text);
    MemoryFiles files;
    put(files, report_path, text);
    CHECK_FALSE(read_report(files, report_path));
    CHECK(load_report(files) == Report{});
  }
}

TEST_CASE("what happens in a stage is recorded and handed on") {
  FixedClock clock;
  Told told;
  Recorder recorder(told, clock);
  recorder.on({Event::Kind::notice, {}, "mind this", {}});
  recorder.on({Event::Kind::step_skipped, "a", "make a", {}});
  recorder.on({Event::Kind::step_started, "b", "make b", {}});
  recorder.on({Event::Kind::step_started, "c", "make c", {}});
  clock.now = std::chrono::microseconds(1700);
  recorder.on({Event::Kind::step_done, "b", "make b", std::chrono::microseconds(600)});
  StageReport stage;
  recorder.add_to(stage);
  CHECK(stage.notices == std::vector<std::string>{"mind this"});
  CHECK(stage.steps == std::vector<StepReport>{{"a", "make a", "already", 0, 0},
                                               {"b", "make b", "applied", 1000, 600},
                                               {"c", "make c", "failed", 1000, 700}});
  CHECK(told.events.size() == 5);
}

TEST_CASE("the status of a machine, by what is there") {
  MemoryFiles machine;
  MemoryFiles state;
  CHECK(status_of(machine, state).state == Provisioning::not_provisioned);

  SUBCASE("only what Ignition leaves") {
    put(machine, "/etc/.ignition-result.json",
        R"({"provisioningBootID": "x", "provisioningDate": "then", "userConfigProvided": true, "previousReport": {}})");
    const Status status = status_of(machine, state);
    CHECK(status.state == Provisioning::provisioned);
    REQUIRE(status.result);
    CHECK(status.result->date == "then");
    CHECK(status.result->config_provided);
    CHECK_FALSE(status.report);
  }
  SUBCASE("a result file that is none says nothing") {
    put(machine, "/etc/.ignition-result.json", "{");
    CHECK(status_of(machine, state).state == Provisioning::not_provisioned);
  }
  SUBCASE("a later boot: the report that was kept") {
    put(machine, kept_report_path, report_text(example()));
    const Status status = status_of(machine, state);
    CHECK(status.state == Provisioning::provisioned);
    CHECK(status.report == example());
  }
  SUBCASE("the first boot, under way") {
    put(machine, kept_report_path, report_text(example()));
    Report report = example();
    begin_stage(report, "disks", "running");
    put(machine, report_path, report_text(report));
    plan::Plan plan;
    plan.stage = "disks";
    for (const char* const id : {"a", "b", "c"}) {
      plan::Step step;
      step.id = id;
      step.operation = plan::RemoveLink{std::string("/") + id, "/t"};
      plan.steps.push_back(step);
    }
    Journal journal = Journal::open(state).value();
    REQUIRE(journal.begin({"0.1.0", Digest::sha256("c"), "c", "b"}));
    REQUIRE(journal.planned(plan));
    REQUIRE(journal.started("disks", "a"));
    REQUIRE(journal.done("disks", "a"));
    REQUIRE(journal.started("disks", "b"));
    const Status status = status_of(machine, state);
    CHECK(status.state == Provisioning::in_progress);
    REQUIRE(status.under_way.size() == 1);
    CHECK(status.under_way.front().stage == "disks");
    CHECK(status.under_way.front().sentence == plan::describe(plan.steps[1].operation));
  }
  SUBCASE("the first boot failed") {
    Report report = example();
    begin_stage(report, "disks", "failed");
    put(machine, report_path, report_text(report));
    put(machine, failure_path, "the screen");
    const Status status = status_of(machine, state);
    CHECK(status.state == Provisioning::failed);
    CHECK(status.failure == "the screen");
  }
  SUBCASE("it could not even begin") {
    put(machine, failure_path, "the screen");
    CHECK(status_of(machine, state).state == Provisioning::failed);
  }
  SUBCASE("it ended well after all") {
    Report report = example();
    begin_stage(report, "complete", "done");
    put(machine, report_path, report_text(report));
    put(machine, failure_path, "the screen of an earlier try");
    const Status status = status_of(machine, state);
    CHECK(status.state == Provisioning::provisioned);
    CHECK(status.failure.empty());
  }
  SUBCASE("a damaged report is no answer") {
    put(machine, kept_report_path, "{");
    CHECK_FALSE(observe_status(machine, state));
  }
}

TEST_CASE("what a boot stopped with is kept, as far as it is not too long") {
  MemoryFiles state;
  CHECK(kept_failure(state).empty());
  CHECK(forget_failure(state));
  const Error error = Error(Code::conflict, "something\nis there").while_("writing /etc/x");
  const std::string summary = failure_summary("2026-11-28T11:00:00Z", "b", "files", error);
  CHECK(summary == "2026-11-28T11:00:00Z, boot b, stage files: something\\x0ais there, while writing /etc/x");
  REQUIRE(keep_failure(state, summary, "+---+\n"));
  CHECK(kept_failure(state) == summary + "\n\n+---+\n");
  CHECK(summary_of(kept_failure(state)) == summary);
  REQUIRE(forget_failure(state));
  CHECK(kept_failure(state).empty());

  std::string screen(40000, '\xa4');
  for (std::size_t i = 0; i < screen.size(); i += 2) {
    screen[i] = '\xc3';
  }
  for (const char* const lead : {"x", "xx"}) {
    REQUIRE(keep_failure(state, lead, screen));
    CHECK(kept_failure(state).size() >= 32767);
    CHECK(kept_failure(state).size() <= 32768);
    // Whole characters of two bytes.
    CHECK((kept_failure(state).size() - std::string_view(lead).size()) % 2 == 0);
  }
  CHECK(failure_summary("", "", "", Error(Code::io, std::string(5000, 'x'))).size() == 1000);
}

TEST_CASE("where the journal is, by the generator's word") {
  MemoryFiles machine;
  CHECK(state_directory(machine).value() == "/run/provision/volatile");
  put(machine, "/run/provision.env", "PLATFORM_ID=qemu\nPROVISION_STATE=/run/provision/state/provision\n");
  CHECK(state_directory(machine).value() == "/run/provision/state/provision");
}
