// SPDX-License-Identifier: Apache-2.0
// Matching the partitions of the config with those of a disk.
#include <doctest/doctest.h>

#include "plan/layout.hpp"
#include "plan/partitions.hpp"

using namespace provision;
using Kind = plan::Change::Kind;

namespace {

constexpr std::int64_t mib = 2048;
const Uuid linux_type = *Uuid::parse("0fc63daf-8483-4772-8e79-3d69d8477de4");

host::Partition entry(std::int64_t number, std::int64_t at, std::int64_t size, const std::string& label) {
  return {number, at * mib, size * mib, linux_type, Uuid::derive({"entry", label}), label};
}

// 1000 MiB; "a" from 1 to 101 and "b" from 301 to 501 MiB.
host::Table table() {
  host::Table made;
  made.kind = host::TableKind::gpt;
  made.disk_guid = Uuid::derive({"disk"});
  plan::set_usable(made, {512, 1000 * mib, {}, {}, {}});
  made.partitions = {entry(1, 1, 100, "a"), entry(2, 301, 200, "b")};
  return made;
}

// Plans with `wishes`; their derived GUIDs go by their place in the list.
struct Planner {
  std::vector<spec::Partition> asked;

  Result<plan::Match> operator()(const host::Table& on) const {
    std::vector<plan::Wish> wishes;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      wishes.push_back({asked[i], {"c", static_cast<std::uint32_t>(i), 1, ""}, Uuid::derive({std::to_string(i)})});
    }
    return plan::match_partitions(on, wishes, 512);
  }
};

spec::Partition wish(std::int64_t number, std::optional<std::int64_t> start = {}, std::optional<std::int64_t> size = {},
                     std::optional<std::string> label = {}) {
  spec::Partition made;
  made.number = number;
  made.start_mib = start;
  made.size_mib = size;
  made.label = std::move(label);
  return made;
}

spec::Partition wiping(spec::Partition made) {
  made.wipe_partition_entry = true;
  return made;
}

spec::Partition resizing(spec::Partition made) {
  made.resize = true;
  return made;
}

spec::Partition absent(std::int64_t number) {
  spec::Partition made = wish(number);
  made.should_exist = false;
  return made;
}

std::string error_of(const Result<plan::Match>& match) {
  return match ? std::string() : std::string(row(match.error().code).name) + ": " + match.error().what;
}

// "1@1+100 2@301+200", in MiB.
std::string places(const Result<plan::Match>& match) {
  std::string text;
  REQUIRE_MESSAGE(match, error_of(match));
  for (const auto& p : match->table.partitions) {
    text += (text.empty() ? "" : " ") + std::to_string(p.number) + "@" + std::to_string(p.start / mib) + "+" +
            std::to_string(p.size / mib);
  }
  return text;
}

// What a run leaves is what the next run wants.
void check_stable(const Planner& planner, const plan::Match& first) {
  const auto again = planner(first.table);
  REQUIRE_MESSAGE(again, error_of(again));
  CHECK(again->table == first.table);
  CHECK(again->changes.empty());
}

}  // namespace

TEST_CASE("partitions: what is so already stays") {
  for (const auto& asked : {wish(1), wish(1, 1, 100, "a"), wiping(wish(1, 1)), resizing(wish(1, {}, 100))}) {
    const auto match = Planner{{asked}}(table());
    REQUIRE(match);
    CHECK(match->table == table());
    CHECK(match->changes.empty());
  }
}

TEST_CASE("partitions: the matrix of what is there, what shall be, and what may be wiped") {
  const auto kind_of = [](const spec::Partition& asked) {
    const Planner planner{{asked}};
    const auto match = planner(table());
    if (!match) {
      CHECK(match.error().code == Code::conflict);
      CHECK(match.error().origin->document == "c");
      return std::string("conflict");
    }
    check_stable(planner, *match);
    const auto& changes = match->changes;
    if (changes.empty()) {
      return std::string("nothing");
    }
    CHECK(changes.size() == 1);
    constexpr std::array<std::string_view, 4> names{"created", "replaced", "resized", "deleted"};
    return std::string(names.at(static_cast<std::size_t>(changes[0].kind)));
  };
  // Not there.
  CHECK(kind_of(absent(5)) == "nothing");
  CHECK(kind_of(wiping(absent(5))) == "nothing");
  CHECK(kind_of(wish(5)) == "created");
  CHECK(kind_of(wiping(wish(5))) == "created");
  // There, and shall not be.
  CHECK(kind_of(absent(2)) == "conflict");
  CHECK(kind_of(wiping(absent(2))) == "deleted");
  // There, and matches.
  CHECK(kind_of(wish(2, 301, 200, "b")) == "nothing");
  CHECK(kind_of(wiping(wish(2, 301, 200, "b"))) == "nothing");
  // There, and another.
  CHECK(kind_of(wish(2, {}, {}, "c")) == "conflict");
  CHECK(kind_of(wish(2, 302)) == "conflict");
  CHECK(kind_of(wish(2, {}, 100)) == "conflict");
  CHECK(kind_of(wiping(wish(2, {}, {}, "c"))) == "replaced");
  CHECK(kind_of(wiping(wish(2, 310))) == "replaced");
  // Another size alone.
  CHECK(kind_of(resizing(wish(2, {}, 100))) == "resized");
  CHECK(kind_of(resizing(wish(2, 301, 100, "b"))) == "resized");
  CHECK(kind_of(wiping(resizing(wish(2, {}, 100)))) == "resized");
  CHECK(kind_of(resizing(wish(2, 300, 100))) == "conflict");
  CHECK(kind_of(resizing(wish(2, {}, 100, "c"))) == "conflict");
  CHECK(kind_of(wiping(resizing(wish(2, {}, 100, "c")))) == "replaced");
}

TEST_CASE("partitions: a resized one keeps all but its size, one made anew keeps nothing") {
  auto match = Planner{{resizing(wish(2, {}, 50))}}(table());
  REQUIRE(match);
  host::Partition expected = entry(2, 301, 50, "b");
  CHECK(match->table.partitions[1] == expected);
  match = Planner{{wiping(wish(2, 301, 50))}}(table());
  REQUIRE(match);
  expected.guid = Uuid::derive({"0"});
  expected.label = "";
  CHECK(match->table.partitions[1] == expected);
}

TEST_CASE("partitions: a start or size of 0 is what there is room for") {
  CHECK(places(Planner{{resizing(wish(2, {}, 0))}}(table())) == "1@1+100 2@301+698");
  CHECK(places(Planner{{resizing(wish(1, {}, 0))}}(table())) == "1@1+300 2@301+200");
  CHECK(error_of(Planner{{wish(2, {}, 0)}}(table())).starts_with("conflict: partition 2 exists and has"));
  // The largest free block without it begins behind partition 1.
  CHECK(places(Planner{{wiping(wish(2, 0, 200))}}(table())) == "1@1+100 2@101+200");
  CHECK(error_of(Planner{{wish(2, 0)}}(table())).starts_with("conflict: partition 2 exists and starts at"));
}

TEST_CASE("partitions: others fill a free block to its last sector, which is as good as to the last MiB") {
  host::Table full = table();
  full.partitions[1].size = full.last - full.partitions[1].start + 1;
  const auto match = Planner{{resizing(wish(2, {}, 0))}}(full);
  REQUIRE(match);
  CHECK(match->table == full);
}

TEST_CASE("partitions: room is made before it is given away") {
  // The order of the config does not matter for what shrinks, goes or moves.
  CHECK(places(Planner{{wish(5, 350, 100), resizing(wish(2, {}, 49))}}(table())) == "1@1+100 2@301+49 5@350+100");
  CHECK(places(Planner{{wish(5, 310, 100), wiping(absent(2))}}(table())) == "1@1+100 5@310+100");
  CHECK(places(Planner{{wish(5, 310, 100), wiping(wish(2, 500, 10))}}(table())) == "1@1+100 2@500+10 5@310+100");
  // What stays is never in the way of itself, and always in that of others.
  CHECK(places(Planner{{wish(5, 0, 0), wish(2)}}(table())) == "1@1+100 2@301+200 5@501+498");
  CHECK(error_of(Planner{{wish(5, 310, 10), wish(2)}}(table())).starts_with("bad-config: the partition would overlap"));
  CHECK(
      error_of(Planner{{resizing(wish(1, {}, 301))}}(table())).starts_with("bad-config: the partition would overlap"));
}

TEST_CASE("partitions: without a number they come last and take the lowest free one") {
  const Planner planner{{wish(0, {}, 10, "x"), wish(3, {}, 20), wish(0, {}, 30, "y")}};
  const auto match = planner(table());
  CHECK(places(match) == "1@1+100 2@301+200 3@501+20 4@521+10 5@531+30");
  check_stable(planner, *match);
}

TEST_CASE("partitions: the number of one that goes is free, and the next run leaves it alone") {
  const Planner planner{{wiping(absent(1)), wish(0, {}, 10, "x")}};
  const auto match = planner(table());
  CHECK(places(match) == "1@501+10 2@301+200");
  check_stable(planner, *match);
  host::Table empty = table();
  empty.partitions.clear();
  const Planner without_wipe{{absent(1), wish(0, {}, 10, "x")}};
  const auto fresh = without_wipe(empty);
  CHECK(places(fresh) == "1@1+10");
  check_stable(without_wipe, *fresh);
}

TEST_CASE("partitions: a GUID is there once") {
  spec::Partition asked = wish(5);
  asked.guid = entry(1, 1, 1, "a").guid.text();
  const std::vector<plan::Wish> wishes{{asked, {}, entry(1, 1, 1, "a").guid}};
  const auto match = plan::match_partitions(table(), wishes, 512);
  CHECK(error_of(match) == "conflict: the GUID is that of partition 1 already");
}

TEST_CASE("partitions: unaligned ones of others are kept, and may be filled up") {
  host::Table odd = table();
  odd.partitions = {{1, 34, 1000, linux_type, Uuid::derive({"odd"}), "odd"}};
  CHECK(Planner{{wish(1, {}, {}, "odd")}}(odd)->table == odd);
  const auto grown = Planner{{resizing(wish(1, {}, 0))}}(odd);
  REQUIRE(grown);
  CHECK(grown->table.partitions[0].start == 34);
  CHECK((grown->table.partitions[0].start + grown->table.partitions[0].size) % mib == 0);
}

TEST_CASE("partitions: what writing a table loses") {
  const host::Table old = table();
  host::Table wanted = old;
  CHECK(plan::keeps_all(old, wanted));
  wanted.partitions.push_back(entry(3, 600, 10, "c"));
  wanted.partitions[0].size += mib;
  CHECK(plan::keeps_all(old, wanted));
  wanted.partitions[0].size -= 2 * mib;
  CHECK_FALSE(plan::keeps_all(old, wanted));
  wanted = old;
  wanted.partitions[1].label = "other";
  CHECK_FALSE(plan::keeps_all(old, wanted));
  wanted = old;
  wanted.disk_guid = Uuid::derive({"another"});
  CHECK_FALSE(plan::keeps_all(old, wanted));
  host::Table image = old;
  image.disk_guid = *Uuid::parse("00000000-0000-0000-0000-000000000001");
  CHECK(plan::keeps_all(image, wanted));
  // The GUID of a damaged table tells whether anything of it was read.
  host::Table torn = old;
  torn.kind = host::TableKind::damaged;
  CHECK(plan::keeps_all(torn, table()));
  torn.disk_guid = *Uuid::parse("00000000-0000-0000-0000-000000000001");
  CHECK_FALSE(plan::keeps_all(torn, table()));
  CHECK_FALSE(plan::keeps_all({}, table()));
}

TEST_CASE("layout: the room from a sector on") {
  CHECK(plan::room_at(table(), 1 * mib) == 0);
  CHECK(plan::room_at(table(), 150 * mib) == 151 * mib);
  CHECK(plan::room_at(table(), 101 * mib) == 200 * mib);
  CHECK(plan::room_at(table(), 501 * mib) == table().last + 1 - 501 * mib);
  CHECK(plan::room_at(table(), 1) == 0);
  CHECK(plan::room_at(table(), 2000 * mib) == 0);
}
