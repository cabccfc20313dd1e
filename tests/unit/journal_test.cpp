// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "base/text.hpp"
#include "run/journal.hpp"
#include "unit/memory_files.hpp"

using namespace provision;
using run::Journal;
using test::MemoryFiles;

namespace {

const std::string path = "/journal";

plan::Plan plan_with(const std::string& step_id) {
  plan::Plan plan;
  plan.stage = "files";
  plan.steps.resize(1);
  plan.steps[0].id = step_id;
  plan.steps[0].operation = plan::PutFile{"/a", plan::generated("x"), {}, {}, Digest::sha256("x"), 0600, 1, 2, false};
  return plan;
}

Journal opened(MemoryFiles& files) {
  auto journal = Journal::open(files);
  REQUIRE(journal);
  return *std::move(journal);
}

}  // namespace

TEST_CASE("journal: what was recorded is read back") {
  MemoryFiles files;
  {
    Journal journal = opened(files);
    REQUIRE(journal.begin({"0.1.0", Digest::sha256("config"), "fw_cfg", "boot-1"}));
    REQUIRE(journal.planned(plan_with("file:/a")));
    REQUIRE(journal.started("files", "file:/a"));
    REQUIRE(journal.done("files", "file:/a"));
    REQUIRE(journal.stage_done("files", "boot-1"));
  }
  const Journal journal = opened(files);
  CHECK(journal.begun()->config == Digest::sha256("config"));
  CHECK(journal.begun()->engine == "0.1.0");
  REQUIRE(journal.stage("files") != nullptr);
  CHECK(*journal.stage("files")->plan == plan_with("file:/a"));
  CHECK(journal.stage("files")->done_in == "boot-1");
  CHECK(journal.history("files", "file:/a").done);
  CHECK_FALSE(journal.complete());
  CHECK(journal.stage("disks") == nullptr);
}

namespace {

// Records in `files` a begun stage of one step, cuts the text to `size` bytes, and goes on as a later run would.
void begin_cut_and_go_on(MemoryFiles& files, std::size_t size) {
  Journal first = opened(files);
  REQUIRE(first.begin({"0.1.0", Digest::sha256("config"), "fw_cfg", "boot-1"}));
  REQUIRE(first.planned(plan_with("file:/a")));
  const std::size_t durable = files.contents[path].size();
  REQUIRE(first.started("files", "file:/a"));
  files.contents[path].resize(std::min(files.contents[path].size(), durable + size));
  Journal second = opened(files);
  REQUIRE(second.resumed("files", "boot-2"));
}

std::size_t length_of_started() {
  MemoryFiles files;
  Journal journal = opened(files);
  REQUIRE(journal.started("files", "file:/a"));
  return files.contents[path].size();
}

}  // namespace

TEST_CASE("journal: cut anywhere in the last record, nothing before and nothing after is lost") {
  for (std::size_t size = 0; size <= length_of_started(); ++size) {
    CAPTURE(size);
    MemoryFiles files;
    begin_cut_and_go_on(files, size);
    const Journal journal = opened(files);
    REQUIRE(journal.begun());
    REQUIRE(journal.stage("files") != nullptr);
    CHECK(journal.stage("files")->interrupted);
    CHECK(journal.history("files", "file:/a").may_have_begun);
  }
}

TEST_CASE("journal: torn twice in a row") {
  for (std::size_t size = 1; size < length_of_started(); size += 7) {
    CAPTURE(size);
    MemoryFiles files;
    begin_cut_and_go_on(files, size);
    {
      Journal journal = opened(files);
      REQUIRE(journal.started("files", "file:/a"));
    }
    files.contents[path].resize(files.contents[path].size() - 5);
    {
      Journal journal = opened(files);
      REQUIRE(journal.stage_done("files", "boot-3"));
    }
    CHECK(opened(files).stage("files")->done_in == "boot-3");
  }
}

TEST_CASE("journal: a record that cannot be read in the middle is damage, and said") {
  MemoryFiles files;
  {
    Journal journal = opened(files);
    REQUIRE(journal.begin({"0.1.0", Digest::sha256("config"), "fw_cfg", "boot-1"}));
    REQUIRE(journal.planned(plan_with("file:/a")));
    REQUIRE(journal.started("files", "file:/a"));
  }
  files.contents[path][200] = static_cast<char>(files.contents[path][200] ^ 1);
  const auto journal = Journal::open(files);
  REQUIRE_FALSE(journal);
  CHECK(journal.error().code == Code::journal_damaged);
}

TEST_CASE("journal: another format is refused in words that name both engines") {
  MemoryFiles files;
  const std::string json = R"({"kind":"begin","format":2,"engine":"9.9.9","config":"","document":"","boot":""})";
  files.contents[path] = Digest::sha256(json).hex().substr(0, 16) + " " + json + "\n";
  const auto journal = Journal::open(files);
  REQUIRE_FALSE(journal);
  CHECK(journal.error().code == Code::journal_other_format);
  CHECK(journal.error().what.find("9.9.9") != std::string::npos);
  CHECK(journal.error().what.find(PROVISION_VERSION) != std::string::npos);
}

TEST_CASE("journal: after a stop in good order only recorded steps may have begun") {
  MemoryFiles files;
  Journal journal = opened(files);
  REQUIRE(journal.begin({"0.1.0", Digest::sha256("config"), "fw_cfg", "boot-1"}));
  REQUIRE(journal.planned(plan_with("file:/a")));
  REQUIRE(journal.started("files", "file:/a"));
  REQUIRE(journal.failed("files", "file:/a", "disk full"));
  REQUIRE(journal.resumed("files", "boot-2"));
  CHECK(journal.history("files", "file:/a").may_have_begun);
  CHECK_FALSE(journal.history("files", "file:/b").may_have_begun);
}

TEST_CASE("journal: once interrupted, a later stop in good order does not make it forget") {
  MemoryFiles files;
  Journal journal = opened(files);
  REQUIRE(journal.begin({"0.1.0", Digest::sha256("config"), "fw_cfg", "boot-1"}));
  REQUIRE(journal.planned(plan_with("file:/a")));
  REQUIRE(journal.resumed("files", "boot-2"));
  REQUIRE(journal.failed("files", "file:/b", "disk full"));
  REQUIRE(journal.resumed("files", "boot-3"));
  CHECK(opened(files).history("files", "file:/a").may_have_begun);
}

TEST_CASE("journal: a completed one is forgotten by a new beginning") {
  MemoryFiles files;
  Journal journal = opened(files);
  REQUIRE(journal.begin({"0.1.0", Digest::sha256("config"), "fw_cfg", "boot-1"}));
  REQUIRE(journal.planned(plan_with("file:/a")));
  REQUIRE(journal.completed());
  CHECK(opened(files).complete());
  REQUIRE(journal.begin({"0.1.0", Digest::sha256("other"), "fw_cfg", "boot-2"}));
  CHECK_FALSE(opened(files).complete());
  CHECK(opened(files).stage("files") == nullptr);
}

TEST_CASE("journal: whether anything can have been done") {
  MemoryFiles files;
  Journal journal = opened(files);
  REQUIRE(journal.begin({"0.1.0", Digest::sha256("config"), "fw_cfg", "boot-1"}));
  CHECK(journal.nothing_done());
  REQUIRE(journal.planned(plan_with("file:/a")));
  CHECK_FALSE(journal.nothing_done());  // The power may have gone just now.
  REQUIRE(journal.failed("files", "file:/a", "conflict"));
  CHECK(journal.nothing_done());
  REQUIRE(journal.resumed("files", "boot-2"));
  REQUIRE(journal.started("files", "file:/a"));
  REQUIRE(journal.failed("files", "file:/a", "disk full"));
  CHECK_FALSE(journal.nothing_done());
}

TEST_CASE("journal: what was noted of a result is found again, the last of it") {
  MemoryFiles files;
  auto journal = Journal::open(files);
  REQUIRE(journal);
  CHECK(journal->note("files", "file:/a") == nullptr);
  REQUIRE(journal->noted("files", "file:/a", Digest::sha256("first"), false));
  REQUIRE(journal->noted("files", "file:/a", Digest::sha256("second"), true));
  const auto again = Journal::open(files);
  REQUIRE(again);
  REQUIRE(again->note("files", "file:/a") != nullptr);
  CHECK(*again->note("files", "file:/a") == Digest::sha256("second"));
  CHECK(again->note("files", "file:/b") == nullptr);
}

TEST_CASE("journal: what another config takes over is left behind, but for the stages that stay") {
  MemoryFiles files;
  {
    Journal journal = opened(files);
    REQUIRE(journal.begin({"0.1.0", Digest::sha256("config"), "fw_cfg", "boot-1", Digest::sha256("machine"), "seed"}));
    plan::Plan disks = plan_with("table:/dev/vdb");
    disks.stage = "disks";
    REQUIRE(journal.planned(disks));
    REQUIRE(journal.stage_done("disks", "boot-1"));
    plan::Plan two = plan_with("file:/a");
    two.steps.push_back(two.steps[0]);
    two.steps[1].id = "file:/b";
    REQUIRE(journal.planned(two));
    REQUIRE(journal.started("files", "file:/a"));
    REQUIRE(journal.failed("files", "file:/a", "no"));
  }
  const std::string before = files.contents.at(path);
  const auto ids = [](const Journal& journal) {
    std::string text;
    for (const auto& step : journal.left_behind()) {
      text += step.id + " ";
    }
    return text;
  };
  Journal kept = opened(files);
  CHECK(kept.begun()->machine == Digest::sha256("machine"));
  CHECK(kept.begun()->seed == "seed");
  CHECK(ids(kept).empty());
  REQUIRE(kept.take_over({"0.1.0", Digest::sha256("other"), "fw_cfg", "boot-2"}, {"disks"}));
  for (const Journal& journal : {kept, opened(files)}) {
    CHECK(journal.begun()->config == Digest::sha256("other"));
    CHECK(ids(journal) == "file:/a ");
    CHECK(journal.stage("files") == nullptr);
    REQUIRE(journal.stage("disks") != nullptr);
    CHECK(journal.stage("disks")->done_in == "boot-1");
  }
  // What was left behind stays known, whoever takes over after that.
  REQUIRE(kept.take_over({"0.1.0", Digest::sha256("third"), "fw_cfg", "boot-3"}, {}));
  CHECK(ids(opened(files)) == "file:/a table:/dev/vdb ");
  CHECK(opened(files).stage("disks") == nullptr);
  // Nobody said that the run of the plan ended: any of its steps may have been begun.
  files.contents.at(path) = before.substr(0, before.rfind('\n', before.size() - 2) + 1);
  Journal cut = opened(files);
  REQUIRE(cut.take_over({"0.1.0", Digest::sha256("other"), "fw_cfg", "boot-2"}, {"disks"}));
  CHECK(ids(cut) == "file:/a file:/b ");
}
