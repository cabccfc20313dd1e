// SPDX-License-Identifier: Apache-2.0
// LUKS headers on loop devices, beside those that the program cryptsetup makes with the same options.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "host/linux/crypt.hpp"
#include "host/linux/disks.hpp"
#include "host/linux/processes.hpp"
#include "loop_disk.hpp"
#include "support/skip.hpp"
#include "surroundings.hpp"

using namespace provision;
using namespace provision::host;
using test::LoopDisk;
using test::must_run;
using test::why;

namespace {

constexpr std::string_view some_uuid = "3b7a1c52-90d4-4e1f-8a66-0c5d2f9be713";
constexpr std::string_view some_key = "a key of words\nwith a line's end";

Secret secret(std::string_view text) {
  auto made = Secret::taken(std::string(text));
  REQUIRE(why(made).empty());
  return *std::move(made);
}

std::string key_file(std::string_view key) {
  std::string path = test::new_folder() + "/key";
  test::write_file(path, key);
  return path;
}

// Costs that take no time.
LuksFormat quick() {
  LuksFormat format;
  format.uuid = some_uuid;
  format.pbkdf = "pbkdf2";
  format.pbkdf_iterations = 1000;
  return format;
}

std::vector<std::string> quick_options() {
  return {"--uuid", std::string(some_uuid), "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000"};
}

void format_by_program(const std::string& node, std::string_view key, const std::vector<std::string>& options) {
  std::vector<std::string> arguments{"luksFormat", "--batch-mode", "--type", "luks2", "--key-file", key_file(key)};
  arguments.insert(arguments.end(), options.begin(), options.end());
  arguments.push_back(node);
  must_run("cryptsetup", arguments);
}

// The metadata without what is random or measured.
std::string metadata(const std::string& node) {
  auto json = nlohmann::json::parse(must_run("cryptsetup", {"luksDump", "--dump-json-metadata", node}));
  for (auto& slot : json["keyslots"]) {
    slot["kdf"].erase("salt");
  }
  for (auto& digest : json["digests"]) {
    for (const char* name : {"salt", "digest", "iterations"}) {
      digest.erase(name);
    }
  }
  return json.dump(1);
}

// "Label:", "Subsystem:", "UUID:" stand before the areas.
std::string names(const std::string& node) {
  const std::string dump = must_run("cryptsetup", {"luksDump", node});
  return dump.substr(0, dump.find("Data segments:"));
}

bool opens(const std::string& node, std::string_view key) {
  LinuxProcesses processes;
  const auto exit = processes.run(
      {"cryptsetup", {"open", "--test-passphrase", "--key-file", key_file(key), node}, {}, std::chrono::seconds(60)});
  REQUIRE(why(exit).empty());
  return exit->status == 0;
}

std::string first_bytes(const LoopDisk& disk) { return test::read_bytes(disk.node(), 0, 4U << 20U); }

// What comes to the standard error while `call` runs.
template <class Call>
std::string said_while(Call call) {
  const std::string path = test::new_folder() + "/said";
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(file >= 0);
  std::fflush(nullptr);
  const int before_1 = ::dup(1);
  const int before_2 = ::dup(2);
  ::dup2(file, 1);
  ::dup2(file, 2);
  call();
  std::fflush(nullptr);
  ::dup2(before_1, 1);
  ::dup2(before_2, 2);
  ::close(before_1);
  ::close(before_2);
  const off_t size = ::lseek(file, 0, SEEK_END);
  ::close(file);
  return test::read_bytes(path, 0, static_cast<std::size_t>(size));
}

struct Case {
  const char* name;
  LuksFormat format;
  std::vector<std::string> options;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  const auto add = [&](const char* name, auto change, std::vector<std::string> more) {
    LuksFormat format = quick();
    change(format);
    std::vector<std::string> options = quick_options();
    options.insert(options.end(), more.begin(), more.end());
    all.push_back({name, format, options});
  };
  add("nothing asked for", [](LuksFormat&) {}, {});
  add("a label and a subsystem",
      [](LuksFormat& f) {
        f.label = "data";
        f.subsystem = "provision";
      },
      {"--label", "data", "--subsystem", "provision"});
  add("another cipher and size of key",
      [](LuksFormat& f) {
        f.cipher = "aes-cbc-essiv:sha256";
        f.key_bits = 128;
        f.hash = "sha512";
      },
      {"--cipher", "aes-cbc-essiv:sha256", "--key-size", "128", "--hash", "sha512"});
  add("a cipher whose size of key is the usual one", [](LuksFormat& f) { f.cipher = "aes-cbc-plain64"; },
      {"--cipher", "aes-cbc-plain64"});
  add("sectors of 4096 bytes", [](LuksFormat& f) { f.sector_size = 4096; }, {"--sector-size", "4096"});
  add("an offset", [](LuksFormat& f) { f.offset = 16384; }, {"--offset", "16384"});
  add("an alignment", [](LuksFormat& f) { f.alignment = 10240; }, {"--align-payload", "10240"});
  add("sizes of the header",
      [](LuksFormat& f) {
        f.metadata_size = 65536;
        f.keyslots_size = 1 << 20;
      },
      {"--luks2-metadata-size", "65536", "--luks2-keyslots-size", "1048576"});
  add("another slot", [](LuksFormat& f) { f.key_slot = 3; }, {"--key-slot", "3"});
  add("a cipher of its own for the slots",
      [](LuksFormat& f) {
        f.keyslot_cipher = "aes-cbc-plain64";
        f.keyslot_key_bits = 256;
      },
      {"--keyslot-cipher", "aes-cbc-plain64", "--keyslot-key-size", "256"});
  for (const char* kind : {"argon2i", "argon2id"}) {
    LuksFormat format;
    format.uuid = some_uuid;
    format.pbkdf = kind;
    format.pbkdf_iterations = 4;
    format.pbkdf_memory = 64;
    format.pbkdf_threads = 1;
    all.push_back({kind,
                   format,
                   {"--uuid", std::string(some_uuid), "--pbkdf", kind, "--pbkdf-force-iterations", "4",
                    "--pbkdf-memory", "64", "--pbkdf-parallel", "1"}});
  }
  return all;
}

}  // namespace

TEST_SUITE_BEGIN("native crypt");

TEST_CASE("a volume is made as cryptsetup makes it with the same options") {
  NEED_LOOPS();
  NEED_PROGRAM("cryptsetup");
  LinuxCrypt crypt;
  for (const auto& one : cases()) {
    INFO(one.name);
    const LoopDisk ours(32, 512);
    const LoopDisk theirs(32, 512);
    REQUIRE(why(crypt.format(ours.ref(), one.format, secret(some_key))).empty());
    format_by_program(theirs.node(), some_key, one.options);
    CHECK(metadata(ours.node()) == metadata(theirs.node()));
    CHECK(names(ours.node()) == names(theirs.node()));
    CHECK(opens(ours.node(), some_key));
    const auto header = crypt.header(ours.ref());
    REQUIRE(why(header).empty());
    CHECK(*header == LuksHeader{2, std::string(some_uuid), one.format.label, false, true});
    CHECK(*crypt.header(theirs.ref()) == *header);
    CHECK(crypt.open(theirs.ref(), "", {}, secret(some_key)).value_or(false));
    CHECK_FALSE(crypt.open(theirs.ref(), "", {}, secret("another")).value_or(true));
  }
}

// As Ignition has it made, but for the program; whose key it is only a CryptoExpress card could tell.
TEST_CASE("a volume of the cipher paes with a volume key of ours is made as cryptsetup makes it") {
  NEED_LOOPS();
  NEED_PROGRAM("cryptsetup");
  LinuxCrypt crypt;
  const LoopDisk ours(32, 512);
  const LoopDisk theirs(32, 512);
  std::string secure_key;
  for (int i = 0; i < 272; ++i) {
    secure_key += static_cast<char>(i * 7 % 256);
  }
  LuksFormat format = quick();
  format.cipher = "paes-xts-plain64";
  format.sector_size = 4096;
  REQUIRE(why(crypt.format_with(ours.ref(), format, secret(some_key), secret(secure_key))).empty());
  const std::string key = key_file(secure_key);
  std::vector<std::string> options = quick_options();
  options.insert(options.end(), {"--volume-key-file", key, "--cipher", "paes-xts-plain64", "--key-size", "2176",
                                 "--sector-size", "4096"});
  format_by_program(theirs.node(), some_key, options);
  CHECK(metadata(ours.node()) == metadata(theirs.node()));
  CHECK(opens(ours.node(), some_key));
  CHECK(crypt.open(ours.ref(), "", {}, secret(some_key)).value_or(false));
  CHECK_FALSE(crypt.open(ours.ref(), "", {}, secret("another")).value_or(true));
  const std::string dumped = test::new_folder() + "/dumped";
  must_run("cryptsetup", {"luksDump", "--batch-mode", "--dump-volume-key", "--volume-key-file", dumped, "--key-file",
                          key_file(some_key), ours.node()});
  CHECK((test::read_bytes(dumped, 0, secure_key.size()) == secure_key));
  const auto header = crypt.header(ours.ref());
  REQUIRE(why(header).empty());
  CHECK(header->paes);
  CHECK_FALSE(header->verified);
  // The form that zkey-cryptsetup gives it.
  REQUIRE(why(crypt.add_token(ours.ref(), R"({"type":"paes-verification-pattern","keyslots":[],)"
                                          R"("verification-pattern":"0123"})"))
              .empty());
  CHECK(crypt.header(ours.ref())->verified);
  CHECK(opens(ours.node(), some_key));
}

TEST_CASE("sectors are as large as the disk's own") {
  NEED_LOOPS();
  NEED_PROGRAM("cryptsetup");
  LinuxCrypt crypt;
  const LoopDisk ours(32, 4096);
  const LoopDisk theirs(32, 4096);
  REQUIRE(why(crypt.format(ours.ref(), quick(), secret(some_key))).empty());
  format_by_program(theirs.node(), some_key, quick_options());
  CHECK(metadata(ours.node()) == metadata(theirs.node()));
}

TEST_CASE("what an encrypted volume costs by itself is measured once, and is what cryptsetup asks for") {
  NEED_LOOPS();
  NEED_PROGRAM("cryptsetup");
  LinuxCrypt crypt;
  std::vector<std::string> costs;
  std::vector<LoopDisk> disks;
  LuksFormat format;
  format.pbkdf_milliseconds = 100;
  format.pbkdf_memory = 65536;
  constexpr std::size_t count = 2;
  disks.reserve(count);
  while (disks.size() < count) {
    disks.emplace_back(32, 512);
  }
  {
    std::vector<std::jthread> both;
    both.reserve(count);
    for (const auto& disk : disks) {
      both.emplace_back([&] { CHECK(why(crypt.format(disk.ref(), format, secret(some_key))).empty()); });
    }
  }
  for (const auto& disk : disks) {
    const auto json = nlohmann::json::parse(must_run("cryptsetup", {"luksDump", "--dump-json-metadata", disk.node()}));
    const auto& kdf = json["keyslots"]["0"]["kdf"];
    CHECK(kdf["type"] == "argon2id");
    CHECK(kdf["time"].get<int>() >= 4);
    CHECK(kdf["memory"].get<int>() <= 65536);
    costs.push_back(kdf["time"].dump() + " " + kdf["memory"].dump() + " " + kdf["cpus"].dump());
    CHECK(opens(disk.node(), some_key));
  }
  CHECK(costs[0] == costs[1]);
}

TEST_CASE("a header is told from none, and LUKS1 from LUKS2") {
  NEED_LOOPS();
  NEED_PROGRAM("cryptsetup");
  LinuxCrypt crypt;
  const LoopDisk blank(32, 512);
  CHECK(*crypt.header(blank.ref()) == LuksHeader{});
  const LoopDisk first(32, 512);
  must_run("cryptsetup", {"luksFormat", "--batch-mode", "--type", "luks1", "--uuid", std::string(some_uuid),
                          "--iter-time", "10", "--key-file", key_file(some_key), first.node()});
  const auto old = crypt.header(first.ref());
  REQUIRE(why(old).empty());
  CHECK(*old == LuksHeader{1, std::string(some_uuid), "", false, true});
  const auto opened = crypt.open(first.ref(), "", {}, secret(some_key));
  REQUIRE_FALSE(opened);
  CHECK(why(opened).find(first.node()) != std::string::npos);

  const LoopDisk second(32, 512);
  REQUIRE(why(crypt.format(second.ref(), quick(), secret(some_key))).empty());
  must_run("cryptsetup", {"luksKillSlot", "--batch-mode", second.node(), "0"});
  CHECK(*crypt.header(second.ref()) == LuksHeader{2, std::string(some_uuid), "", false, false});
  CHECK_FALSE(crypt.open(second.ref(), "", {}, secret(some_key)).value_or(true));
  CHECK(crypt.header({"/dev/no-such-disk", {}, 0}).error().code == Code::device_missing);
}

TEST_CASE("one whole copy of a header is enough, and looking at it mends nothing") {
  NEED_LOOPS();
  NEED_PROGRAM("cryptsetup");
  LinuxCrypt crypt;
  // The copies begin at 0 and at 16 KiB.
  for (const std::uint64_t torn : {std::uint64_t{0}, std::uint64_t{16384}}) {
    const LoopDisk disk(32, 512);
    REQUIRE(why(crypt.format(disk.ref(), quick(), secret(some_key))).empty());
    test::write_bytes(disk.node(), torn, std::string(4096, '\0'));
    const std::string before = first_bytes(disk);
    CHECK(crypt.header(disk.ref())->version == 2);
    CHECK(crypt.open(disk.ref(), "", {}, secret(some_key)).value_or(false));
    CHECK((first_bytes(disk) == before));
  }
  const LoopDisk disk(32, 512);
  REQUIRE(why(crypt.format(disk.ref(), quick(), secret(some_key))).empty());
  test::write_bytes(disk.node(), 4096, "torn");
  test::write_bytes(disk.node(), 16384 + 4096, "torn");
  CHECK(*crypt.header(disk.ref()) == LuksHeader{});
}

TEST_CASE("a key may be of any bytes, and nothing is said of it") {
  NEED_LOOPS();
  NEED_PROGRAM("cryptsetup");
  LinuxCrypt crypt;
  auto made = crypt.new_key(4096);
  REQUIRE(why(made).empty());
  CHECK(made->size() == 8192);
  CHECK((made->view().find_first_not_of("0123456789abcdef") == std::string_view::npos));
  CHECK_FALSE(crypt.new_key(4096)->is(made->view()));
  using namespace std::string_view_literals;
  for (const std::string_view key : {made->view(), "a\0b\nc\n"sv, "\0b"sv, "\n"sv}) {
    const LoopDisk disk(32, 512);
    const std::string said = said_while([&] {
      CHECK(why(crypt.format(disk.ref(), quick(), secret(key))).empty());
      CHECK(crypt.open(disk.ref(), "", {}, secret(key)).value_or(false));
      CHECK_FALSE(crypt.open(disk.ref(), "", {}, secret(std::string(key) + "x")).value_or(true));
      CHECK_FALSE(crypt.open(disk.ref(), "", {}, secret(key.substr(0, key.size() - 1))).value_or(true));
      CHECK_FALSE(crypt.header({"/dev/null", {}, 0}));
    });
    CHECK(said.empty());
    CHECK(opens(disk.node(), key));
  }
}

TEST_CASE("what cannot be made is refused by name, in libcryptsetup's words") {
  NEED_LOOPS();
  LinuxCrypt crypt;
  const LoopDisk disk(32, 512);
  const std::string before = first_bytes(disk);
  LuksFormat format = quick();
  format.sector_size = 1000;
  std::string said;
  const auto refused = [&] {
    std::string sentence;
    said += said_while([&] { sentence = why(crypt.format(disk.ref(), format, secret(some_key))); });
    CHECK(sentence.find(disk.node()) != std::string::npos);
    return sentence;
  };
  CHECK(refused().find("Unsupported encryption sector size") != std::string::npos);
  format = quick();
  format.hash = "no-such-hash";
  CHECK(refused().find("no-such-hash") != std::string::npos);
  format = quick();
  format.uuid = "no uuid";
  CHECK(refused().find("UUID") != std::string::npos);
  format = quick();
  format.metadata_size = 12345;
  CHECK_FALSE(refused().empty());
  format = quick();
  format.pbkdf_iterations = std::int64_t{1} << 40U;
  CHECK_FALSE(refused().empty());
  CHECK(said.empty());
  CHECK((first_bytes(disk) == before));
  {
    const Descriptor held(::open(disk.node().c_str(), O_RDONLY | O_EXCL | O_CLOEXEC));
    REQUIRE(held.valid());
    CHECK(crypt.format(disk.ref(), quick(), secret(some_key)).error().code == Code::device_busy);
  }
}

TEST_CASE("options that are for each opening are kept in the header, and stay there") {
  NEED_LOOPS();
  NEED_PROGRAM("cryptsetup");
  if (::access("/sys/class/misc/device-mapper", F_OK) == 0) {
    SKIP_TEST("a kernel without device-mapper");
  }
  LinuxCrypt crypt;
  const LoopDisk disk(32, 512);
  REQUIRE(why(crypt.format(disk.ref(), quick(), secret(some_key))).empty());
  LuksOpen options;
  options.discards = true;
  options.no_read_workqueue = true;
  const std::string before = first_bytes(disk);
  CHECK_FALSE(crypt.open(disk.ref(), "provision-test", options, secret("wrong")).value_or(true));
  CHECK((first_bytes(disk) == before));
  CHECK_FALSE(crypt.header(disk.ref())->discards);
  std::string sentence;
  const std::string said =
      said_while([&] { sentence = why(crypt.open(disk.ref(), "provision-test", options, secret(some_key))); });
  CHECK(said.empty());
  CHECK(sentence.find(disk.node()) != std::string::npos);
  CHECK(crypt.header(disk.ref())->discards);
  CHECK(names(disk.node()).find("allow-discards no-read-workqueue") != std::string::npos);
  CHECK(crypt.opened("provision-test").value().has_value() == false);
  CHECK(crypt.open(disk.ref(), "a/b", options, secret(some_key)).error().code == Code::unsupported);
}

TEST_CASE("a volume is opened and closed under its name") {
  NEED_LOOPS();
  if (::access("/sys/class/misc/device-mapper", F_OK) != 0) {
    SKIP_TEST("device-mapper in the kernel");
  }
  LinuxCrypt crypt;
  const LoopDisk disk(32, 512);
  REQUIRE(why(crypt.format(disk.ref(), quick(), secret(some_key))).empty());
  LuksOpen options;
  options.discards = true;
  const std::string name = "provision-test-" + std::to_string(::getpid());
  CHECK_FALSE(crypt.open(disk.ref(), name, options, secret("wrong")).value_or(true));
  CHECK(crypt.opened(name).value().has_value() == false);
  REQUIRE(why(crypt.open(disk.ref(), name, options, secret(some_key))).empty());
  CHECK(::access(("/dev/mapper/" + name).c_str(), F_OK) == 0);
  const auto there = crypt.opened(name);
  REQUIRE(why(there).empty());
  REQUIRE(there->has_value());
  CHECK((*there)->uuid == some_uuid);
  CHECK(crypt.header(disk.ref())->discards);
  CHECK(crypt.open(disk.ref(), name, options, secret(some_key)).error().code == Code::conflict);
  REQUIRE(why(crypt.close(name)).empty());
  CHECK(crypt.opened(name).value().has_value() == false);
}

TEST_SUITE_END();
