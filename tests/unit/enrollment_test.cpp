// SPDX-License-Identifier: Apache-2.0
// What is enrolled for encrypted volumes: what a config says of it, recovery keys, and the tokens of a header.
#include "plan/enrollment.hpp"

#include <doctest/doctest.h>

#include "plan/key_slots.hpp"
#include "spec/enrollments.hpp"
#include "spec/parse.hpp"

using namespace provision;

namespace {

Secret secret(std::string text) {
  auto made = Secret::taken(std::move(text));
  REQUIRE(made);
  return *std::move(made);
}

spec::Enrollment tpm2(std::vector<std::int64_t> pcrs, const std::string& pin = {}) {
  spec::Enrollment made;
  made.volume = "data";
  made.tpm2.pcrs = std::move(pcrs);
  if (!pin.empty()) {
    made.tpm2.pin.source = pin;
  }
  return made;
}

std::string fault(const spec::Enrollment& enrollment) {
  const auto found = plan::enrollment_fault(enrollment);
  return found ? std::string(found->key) : "";
}

std::string text(std::string_view enrollments, std::string_view more = {}, std::string_view volume = {}) {
  return R"({"ignition": {"version": "3.6.0+provision.1")" + std::string(more) +
         R"(}, "provision": {"enrollments": [)" + std::string(enrollments) +
         R"(]}, "storage": {"luks": [{"name": "data", "device": "/dev/vdb")" + std::string(volume) + "}]}}";
}

std::vector<std::string> notes(const std::string& config) {
  const spec::Parsed parsed = spec::parse("config", config);
  REQUIRE(parsed.config);
  std::vector<std::string> found;
  for (const auto& note : spec::enrollment_notes(parsed).all) {
    found.push_back(to_string(note.origin) + " " + note.text);
  }
  return found;
}

}  // namespace

TEST_CASE("what is enrolled, in words: the PCRs in order, each once, and no PIN") {
  CHECK(plan::enrollment_words(tpm2({7})) == "the TPM (PCR 7)");
  CHECK(plan::enrollment_words(tpm2({7, 0, 7}, "data:,8243")) == "the TPM (PCR 0, 7, with a PIN)");
  spec::Enrollment both = tpm2({7});
  both.recovery_key.path = "/r";
  CHECK(plan::enrollment_words(both) == "the TPM (PCR 7) and a recovery key");
  both.tpm2.pcrs.clear();
  CHECK(plan::enrollment_words(both) == "a recovery key");
}

TEST_CASE("what could never open the volume, or be typed, is refused") {
  CHECK(fault(tpm2({7})).empty());
  CHECK(fault(tpm2({0, 12})) == "pcrs");
  CHECK(fault(tpm2({7}, "data:,8243")).empty());
  CHECK(fault(tpm2({7}, "data:,")) == "pin");
  CHECK(fault(tpm2({7}, "data:,8243%0A")) == "pin");
  CHECK(fault(tpm2({7}, "data:,82%0043")) == "pin");
  // What it is shows when it is fetched.
  CHECK(fault(tpm2({7}, "https://example.com/pin")).empty());
}

TEST_CASE("an enrollment is for a volume of the config that Clevis does not open") {
  const std::string one = R"({"volume": "data", "tpm2": {"pcrs": [7]}})";
  CHECK(notes(text(one)).empty());
  const auto unknown = notes(text(R"({"volume": "date", "tpm2": {"pcrs": [7]}})"));
  REQUIRE(unknown.size() == 1);
  CHECK(unknown[0].ends_with("the config has no encrypted volume \"date\""));
  const auto twice = notes(text(one, {}, R"(, "clevis": {"tpm2": true})"));
  REQUIRE(twice.size() == 1);
  CHECK(twice[0].ends_with("Clevis opens the encrypted volume \"data\""));
  // Another document may have it.
  CHECK(notes(text(R"({"volume": "date", "tpm2": {"pcrs": [7]}})",
                   R"(, "config": {"merge": [{"source": "https://example.com/more"}]})"))
            .empty());
}

TEST_CASE("a later boot needs no key file where a TPM opens the volume") {
  spec::Config config;
  spec::Luks volume;
  volume.name = "data";
  CHECK_FALSE(plan::opens_without_key(config, volume));
  spec::Enrollment recovery;
  recovery.volume = "data";
  recovery.recovery_key.path = "/r";
  config.provision.enrollments = {recovery};
  CHECK_FALSE(plan::opens_without_key(config, volume));
  config.provision.enrollments[0].tpm2.pcrs = {7};
  CHECK(plan::opens_without_key(config, volume));
  volume.name = "other";
  CHECK_FALSE(plan::opens_without_key(config, volume));
  volume.clevis.tpm2 = true;
  CHECK(plan::opens_without_key(config, volume));
}

TEST_CASE("a recovery key is 256 bits in modhex, eight groups of eight") {
  const std::string hex = "0123456789abcdef00000000ffffffff0123456789abcdef00000000ffffffff";
  const auto key = plan::recovery_key_of(secret(hex));
  REQUIRE(key);
  CHECK(key->is("cbdefghi-jklnrtuv-cccccccc-vvvvvvvv-cbdefghi-jklnrtuv-cccccccc-vvvvvvvv"));
  CHECK(plan::recovery_key_of(secret("0123")).error().code == Code::internal);
  CHECK(plan::recovery_key_of(secret(std::string(64, 'x'))).error().code == Code::internal);
}

TEST_CASE("the key slots that tokens have, and of which type") {
  host::LuksSlots slots;
  slots.used = {0, 1, 3, 4};
  slots.tokens = {R"({"type":"systemd-tpm2","keyslots":["1","2"],"tpm2-pin":true})",
                  R"({"type":"systemd-recovery","keyslots":["3"]})",
                  R"({"type":"clevis","keyslots":["1"],"jwe":{}})",
                  R"({"type":"other","keyslots":["x",4,""]})",
                  "no token",
                  R"({"keyslots":["0"]})"};
  CHECK((plan::slots_of_tokens(slots, plan::tpm2_token) == std::vector<int>{1}));
  CHECK((plan::slots_of_tokens(slots, plan::recovery_token) == std::vector<int>{3}));
  CHECK((plan::slots_of_tokens(slots, {}) == std::vector<int>{1, 3}));
  CHECK(plan::slots_of_tokens({}, {}).empty());
}
