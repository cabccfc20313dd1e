// SPDX-License-Identifier: Apache-2.0
#include "plan/enrollment.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "host/firmware.hpp"
#include "plan/clevis.hpp"
#include "plan/key_slots.hpp"
#include "plan/operations/programs.hpp"
#include "plan/volume_keys.hpp"
#include "spec/inline_bytes.hpp"

namespace provision::plan {
namespace {

// Some TPMs take seconds for each of their commands.
constexpr std::chrono::seconds tpm_patience{180};
constexpr std::chrono::seconds device_patience{30};
// systemd's alphabet (modhex), which is typed alike on most keyboards, in the order of the hex digits.
constexpr std::string_view modhex = "cbdefghijklnrtuv";
constexpr std::size_t recovery_digits = 64;
constexpr std::size_t group_digits = 8;

std::vector<std::int64_t> sorted_pcrs(const spec::Enrollment& enrollment) {
  std::vector<std::int64_t> pcrs = enrollment.tpm2.pcrs;
  std::sort(pcrs.begin(), pcrs.end());
  pcrs.erase(std::unique(pcrs.begin(), pcrs.end()), pcrs.end());
  return pcrs;
}

std::string joined_pcrs(const spec::Enrollment& enrollment, const std::string& between) {
  std::vector<std::string> numbers;
  for (const auto pcr : sorted_pcrs(enrollment)) {
    numbers.push_back(std::to_string(pcr));
  }
  return join(numbers, between);
}

// It comes to programs as a line of text, and in a variable of their environment.
bool is_one_line(std::string_view pin) {
  constexpr unsigned char space = 0x20;
  constexpr unsigned char del = 0x7f;
  return !pin.empty() && std::none_of(pin.begin(), pin.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < space || byte == del;
  });
}

constexpr std::string_view pin_words = "a PIN is text of one line, without a line end";

// What it is shows when it is fetched, if it is far.
std::optional<std::string> pin_fault(const spec::Resource& pin) {
  if (pin.source.value_or("").empty() || !spec::is_inline(pin)) {
    return std::nullopt;
  }
  auto bytes = spec::inline_bytes(pin);
  if (!bytes) {
    return bytes.error().what;
  }
  const bool fine = is_one_line(*bytes);
  wipe(*bytes);
  return fine ? std::nullopt : std::optional(std::string(pin_words));
}

std::vector<std::string> flags_of(const host::LuksOpen& options) {
  std::vector<std::string> flags;
  const auto add = [&](bool wanted, std::string_view flag) {
    if (wanted) {
      flags.emplace_back(flag);
    }
  };
  add(options.discards, "--allow-discards");
  add(options.same_cpu_crypt, "--perf-same_cpu_crypt");
  add(options.submit_from_crypt_cpus, "--perf-submit_from_crypt_cpus");
  add(options.no_read_workqueue, "--perf-no_read_workqueue");
  add(options.no_write_workqueue, "--perf-no_write_workqueue");
  add(options.read_only, "--readonly");
  add(options.no_keyring, "--disable-keyring");
  return flags;
}

// A slot that the key opens and that no token has; -1: there is none.
Result<int> slot_without_token(host::Host& host, const host::DeviceRef& device, const Secret& key) {
  const host::LuksSlots slots = TRY(host.crypt.slots(device));
  const auto known = slots_of_tokens(slots, {});
  for (const int slot : slots.used) {
    const bool is_known = std::find(known.begin(), known.end(), slot) != known.end();
    if (!is_known && TRY(opens_slot(host, device, slot, key))) {
      return slot;
    }
  }
  return -1;
}

}  // namespace

std::optional<std::size_t> enrollment_for(const spec::Config& config, std::string_view volume) {
  const auto& all = config.provision.enrollments;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const spec::Enrollment& one) { return one.volume == volume; });
  return found == all.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - all.begin()));
}

std::string enrollment_place(std::size_t index) { return "$.provision.enrollments." + std::to_string(index); }

bool enrolls_tpm2(const spec::Enrollment& enrollment) { return !enrollment.tpm2.pcrs.empty(); }

bool enrolls_recovery_key(const spec::Enrollment& enrollment) {
  return !enrollment.recovery_key.path.value_or("").empty();
}

bool has_pin(const spec::Enrollment& enrollment) { return !enrollment.tpm2.pin.source.value_or("").empty(); }

bool opens_without_key(const spec::Config& config, const spec::Luks& volume) {
  const auto index = enrollment_for(config, volume.name);
  return wants_binding(volume) || (index && enrolls_tpm2(config.provision.enrollments[*index]));
}

std::string enrollment_words(const spec::Enrollment& enrollment) {
  std::vector<std::string> words;
  if (enrolls_tpm2(enrollment)) {
    const std::string pcrs = joined_pcrs(enrollment, ", ");
    words.push_back("the TPM (PCR " + pcrs + (has_pin(enrollment) ? ", with a PIN)" : ")"));
  }
  if (enrolls_recovery_key(enrollment)) {
    words.emplace_back("a recovery key");
  }
  return join(words, " and ");
}

std::optional<EnrollmentFault> enrollment_fault(const spec::Enrollment& enrollment) {
  const auto& pcrs = enrollment.tpm2.pcrs;
  if (std::find(pcrs.begin(), pcrs.end(), std::int64_t{host::config_pcr}) != pcrs.end()) {
    return EnrollmentFault{&enrollment.tpm2.place, "tpm2", "pcrs",
                           "the first boot measures its config into PCR " + std::to_string(host::config_pcr) +
                               ", and later ones do not: the TPM would never open the volume"};
  }
  if (auto fault = pin_fault(enrollment.tpm2.pin)) {
    return EnrollmentFault{&enrollment.tpm2.place, "tpm2", "pin", *std::move(fault)};
  }
  return std::nullopt;
}

Result<Secret> pin_of(host::Fetcher& fetcher, const ContentSource& contents, const std::string& path) {
  if (!has_pin(*TRY(contents.enrollment(path)))) {
    return Secret();
  }
  Secret pin = TRY_WHILE(configured_key(fetcher, contents, path + ".tpm2.pin"), "getting the PIN of the TPM");
  if (!is_one_line(pin.view())) {
    return Error(Code::bad_contents, std::string(pin_words));
  }
  return pin;
}

Result<void> enroll_tpm2(host::Host& host, const host::DeviceRef& device, const spec::Enrollment& enrollment,
                         const Secret& key, const Secret& pin) {
  TRY(must_have_program(host, "systemd-cryptenroll"));
  host::Command command;
  command.program = "systemd-cryptenroll";
  command.arguments = {"--unlock-key-file=/dev/stdin", "--tpm2-device=auto",
                       "--tpm2-pcrs=" + joined_pcrs(enrollment, "+")};
  command.secret_input = &key;
  if (!pin.empty()) {
    command.arguments.emplace_back("--tpm2-with-pin=yes");
    command.secret_variable = "NEWPIN";
    command.secret_value = &pin;
  }
  command.arguments.push_back(TRY(host.disks.await(device, device_patience)));
  command.patience = tpm_patience;
  TRY(run_program(host, command));
  return host.disks.flush(device);
}

Result<void> open_by_tpm2(host::Host& host, const host::DeviceRef& device, const std::string& name,
                          const host::LuksOpen& options, const Secret& pin) {
  TRY(must_have_program(host, "cryptsetup"));
  const std::string node = TRY(host.disks.await(device, device_patience));
  host::Command command;
  command.program = "cryptsetup";
  command.arguments = {"open", "--type", "luks2", "--token-only", "--token-type", std::string(tpm2_token)};
  const auto flags = name.empty() ? std::vector<std::string>{"--test-passphrase"} : flags_of(options);
  command.arguments.insert(command.arguments.end(), flags.begin(), flags.end());
  command.arguments.push_back(node);
  if (!name.empty()) {
    command.arguments.push_back(name);
  }
  // Where the token wants a PIN, it is asked for, and read from here.
  command.secret_input = &pin;
  command.patience = tpm_patience;
  return run_program(host, command);
}

Result<Secret> recovery_key_of(const Secret& hex) {
  constexpr std::string_view digits = "0123456789abcdef";
  if (hex.size() != recovery_digits) {
    return Error(Code::internal, "a recovery key is made of " + std::to_string(recovery_digits) + " digits");
  }
  constexpr std::size_t dashes = recovery_digits / group_digits - 1;
  Secret key = TRY(Secret::sized(recovery_digits + dashes));
  std::size_t at = 0;
  for (std::size_t i = 0; i < recovery_digits; ++i) {
    if (i > 0 && i % group_digits == 0) {
      key.data()[at++] = '-';
    }
    const std::size_t digit = digits.find(hex.view()[i]);
    if (digit == std::string_view::npos) {
      return Error(Code::internal, "a recovery key is made of hex digits");
    }
    key.data()[at++] = modhex[digit];
  }
  return key;
}

Result<void> enroll_recovery_key(host::Host& host, const host::DeviceRef& device, const Secret& key,
                                 const Secret& recovery) {
  int slot = TRY(slot_without_token(host, device, recovery));
  if (slot < 0) {
    slot = TRY(host.crypt.add_key(device, key, recovery));
  }
  return host.crypt.add_token(
      device, R"({"type":")" + std::string(recovery_token) + R"(","keyslots":[")" + std::to_string(slot) + R"("]})");
}

Result<void> remove_key_of_enrolled(host::Host& host, const host::DeviceRef& device, const Secret& key) {
  if (slots_of_tokens(TRY(host.crypt.slots(device)), tpm2_token).empty()) {
    return Error(Code::conflict, "no TPM is enrolled for " + device.path + ": without its key nothing would open it");
  }
  return remove_slots_of(host, device, key);
}

}  // namespace provision::plan
