// SPDX-License-Identifier: Apache-2.0
// Encrypted volumes: the options of cryptsetup as they are read, and the keys that are kept.
#include <doctest/doctest.h>

#include "plan/luks_options.hpp"
#include "plan/operations/make_volume.hpp"
#include "plan/volume_keys.hpp"
#include "unit/memory_files.hpp"

using namespace provision;

namespace {

host::LuksFormat format_of_options(const std::vector<std::string>& options) {
  const auto format = plan::luks_format_options(options);
  REQUIRE(format);
  return format.value();
}

std::string fault_of_format(const std::vector<std::string>& options) {
  const auto format = plan::luks_format_options(options);
  REQUIRE(!format);
  return to_string(format.error());
}

Secret secret(std::string text) {
  auto made = Secret::taken(std::move(text));
  REQUIRE(made);
  return *std::move(made);
}

}  // namespace

TEST_CASE("options of luksFormat are read in each of their forms") {
  const auto format = format_of_options({"--pbkdf", "argon2id", "--pbkdf-memory=65536", "-c", "aes-xts-plain64",
                                         "-s256", "-i=500", "--sector-size", "4096", "--luks2-metadata-size", "64k",
                                         "--luks2-keyslots-size=16MiB", "--label", "from options", "-q"});
  CHECK(format.pbkdf == "argon2id");
  CHECK(format.pbkdf_memory == 65536);
  CHECK(format.cipher == "aes-xts-plain64");
  CHECK(format.key_bits == 256);
  CHECK(format.pbkdf_milliseconds == 500);
  CHECK(format.sector_size == 4096);
  CHECK(format.metadata_size == 65536);
  CHECK(format.keyslots_size == 16777216);
  CHECK(format.label == "from options");
  CHECK(format.offset == -1);
  CHECK(format.key_slot == -1);
}

TEST_CASE("of an option that comes twice the last one counts") {
  CHECK(format_of_options({"--key-slot", "1", "-S", "3"}).key_slot == 3);
}

TEST_CASE("options of luksFormat that cannot be carried out are refused by name") {
  CHECK(fault_of_format({"--integrity", "hmac-sha256"}).find("\"--integrity\"") != std::string::npos);
  CHECK(fault_of_format({"--pbkdf"}).find("needs a value") != std::string::npos);
  CHECK(fault_of_format({"--batch-mode=yes"}).find("takes no value") != std::string::npos);
  CHECK(fault_of_format({"--pbkdf", "scrypt"}).find("argon2id") != std::string::npos);
  CHECK(fault_of_format({"--type", "luks1"}).find("luks2") != std::string::npos);
  CHECK(fault_of_format({"--uuid", "no"}).find("no UUID") != std::string::npos);
  CHECK(fault_of_format({"--key-size", "257"}).find("no number") != std::string::npos);
  CHECK(fault_of_format({"--sector-size", "1000"}).find("no number") != std::string::npos);
  CHECK(fault_of_format({"--key-slot", "32"}).find("no number") != std::string::npos);
  CHECK(fault_of_format({"--iter-time", "-5"}).find("no number") != std::string::npos);
  CHECK(fault_of_format({"--luks2-metadata-size", "1x"}).find("no number") != std::string::npos);
  CHECK(fault_of_format({"--pbkdf", "pbkdf2", "--pbkdf-memory", "64"}).find("pbkdf2") != std::string::npos);
  CHECK(fault_of_format({"--offset", "8", "--align-payload", "8"}).find("exclude") != std::string::npos);
  CHECK(fault_of_format({""}).find("no argument") != std::string::npos);
  CHECK(fault_of_format({"-"}).find("no argument") != std::string::npos);
  CHECK(fault_of_format({"/dev/sda"}).find("no argument") != std::string::npos);
}

TEST_CASE("options of luksOpen are read, repeated ones too") {
  const auto open = plan::luks_open_options(
      {"--allow-discards", "--perf-no_read_workqueue", "--perf-no_read_workqueue", "--key-slot", "2"});
  REQUIRE(open);
  CHECK(open->discards);
  CHECK(open->no_read_workqueue);
  CHECK(!open->no_write_workqueue);
  CHECK(open->key_slot == 2);
  CHECK(!plan::luks_open_options({"--frobnicate"}));
}

TEST_CASE("the config's own fields and the options come together") {
  plan::MakeVolume volume;
  volume.uuid = "5b6e2f5c-7d0a-4d43-93a1-000000000001";
  volume.label = "field";
  volume.discard = true;
  CHECK(plan::format_of(volume)->label == "field");
  CHECK(plan::format_of(volume)->uuid == volume.uuid);
  CHECK(plan::opening_of(volume)->discards);
  CHECK(plan::opening_of(volume)->persistent);
  volume.options = {"--label", "option"};
  CHECK(plan::format_of(volume)->label == "option");
  volume.there = true;
  CHECK(!plan::opening_of(volume)->persistent);
}

TEST_CASE("a key is kept until all are forgotten") {
  test::MemoryFiles state;
  const auto none = plan::kept_key(state, "data");
  REQUIRE(none);
  CHECK(!none->has_value());
  REQUIRE(plan::keep_key(state, "data", secret(std::string("a\0b\n", 4))));
  const auto kept = plan::kept_key(state, "data");
  REQUIRE(kept);
  REQUIRE(kept->has_value());
  CHECK((*kept)->is(std::string_view("a\0b\n", 4)));
  REQUIRE(plan::forget_keys(state));
  CHECK(!plan::kept_key(state, "data").value().has_value());
  CHECK(plan::forget_keys(state));
}

TEST_CASE("a secret is moved, never shared, and its text is wiped") {
  std::string text(100, 'k');
  Secret one = secret(std::move(text));
  CHECK(text.empty());  // NOLINT(bugprone-use-after-move): that it is wiped is what is tested
  CHECK(one.size() == 100);
  const Secret other = std::move(one);
  CHECK(one.empty());  // NOLINT(bugprone-use-after-move): it is empty by contract
  CHECK(other.is(std::string(100, 'k')));
  CHECK(!other.is(std::string(99, 'k')));
  CHECK(!other.is(std::string(100, 'l')));
}
