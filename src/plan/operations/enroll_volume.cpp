// SPDX-License-Identifier: Apache-2.0
// EnrollVolume: a TPM, or a recovery key, opens the volume in the boots to come.
//
// In two phases, as BindVolume: here key slots are added beside the one of the key that the volume was made with, or
// was opened by, which is kept beside the journal. Only the end of the first boot removes that one where it was drawn,
// if a TPM opens the volume (stages/volumes.cpp).
//
// A key slot and its token are two changes of the header. A cut between them leaves a slot that nobody can open, which
// is removed: of a volume that was there, the slots that it had are noted beside the journal before another one is
// added. A recovery key is kept there, durably, before its slot is added.
#include <charconv>

#include "base/text.hpp"
#include "model/observe.hpp"
#include "plan/enrollment.hpp"
#include "plan/key_slots.hpp"
#include "plan/operations/make_volume.hpp"
#include "plan/volume_keys.hpp"

namespace provision::plan {
namespace {

constexpr std::chrono::seconds device_patience{30};
constexpr std::size_t recovery_bytes = 32;

bool is_complete(const host::LuksHeader& header, const EnrollVolume& operation) {
  return header.version == 2 && header.uuid == operation.uuid && (!operation.tpm2 || header.tpm2) &&
         (!operation.recovery || header.recovery);
}

// One a line.
std::vector<int> numbers_of(std::string_view text) {
  std::vector<int> numbers;
  for (const auto line : split(text, '\n')) {
    int number = 0;
    if (std::from_chars(line.begin(), line.end(), number).ec == std::errc()) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

Result<void> add_recovery_key(host::Host& host, const EnrollVolume& operation, const Secret& key) {
  const std::string name = model::recovery_name(operation.name);
  auto recovery = TRY(kept_key(host.state, name));
  if (!recovery) {
    const Secret drawn = TRY(host.crypt.new_key(recovery_bytes));
    recovery = TRY(recovery_key_of(drawn));
    TRY_WHILE(keep_key(host.state, name, *recovery), "keeping the recovery key until the target has it");
  }
  return enroll_recovery_key(host, operation.device, key, *recovery);
}

// The key slots that the volume had before this first boot.
Result<std::vector<int>> slots_before(host::Host& host, const EnrollVolume& operation) {
  if (operation.made) {
    return std::vector<int>{};
  }
  const std::string name = model::slots_name(operation.name);
  const auto noted = TRY(kept_key(host.state, name));
  if (noted) {
    return numbers_of(noted->view());
  }
  const host::LuksSlots slots = TRY(host.crypt.slots(operation.device));
  std::string text;
  for (const int slot : slots.used) {
    text += std::to_string(slot) + "\n";
  }
  const Secret note = TRY(Secret::taken(std::move(text)));
  TRY_WHILE(keep_key(host.state, name, note), "noting which key slots the volume has");
  return slots.used;
}

Result<void> enroll(Work& work, const EnrollVolume& operation, const spec::Enrollment& enrollment, const Secret& pin) {
  host::Host& host = work.host;
  const auto key = TRY(kept_key(host.state, operation.name));
  if (!key) {
    return Error(Code::conflict, "the key of " + volume_words(operation.name) + " is not kept any more");
  }
  const auto before = TRY(slots_before(host, operation));
  if (operation.recovery && !TRY(host.crypt.header(operation.device)).recovery) {
    TRY(add_recovery_key(host, operation, *key));
  }
  TRY(remove_strays(host, operation.device, *key, before));
  if (operation.tpm2 && !TRY(host.crypt.header(operation.device)).tpm2) {
    TRY(enroll_tpm2(host, operation.device, enrollment, *key, pin));
  }
  return {};
}

// Whatever this first boot has enrolled has to open the volume now.
Result<void> prove(host::Host& host, const EnrollVolume& operation, const Secret& pin) {
  if (!is_complete(TRY(host.crypt.header(operation.device)), operation)) {
    return Error(Code::not_satisfied,
                 "nothing failed, yet " + volume_words(operation.name) + " has not all that is enrolled for it");
  }
  const auto recovery = TRY(kept_key(host.state, model::recovery_name(operation.name)));
  if (recovery && !TRY(host.crypt.open(operation.device, {}, {}, *recovery))) {
    return Error(Code::not_satisfied, "its recovery key does not open " + volume_words(operation.name));
  }
  if (operation.tpm2) {
    TRY_WHILE(open_by_tpm2(host, operation.device, {}, {}, pin), "trying whether the TPM opens the volume");
  }
  return {};
}

}  // namespace

Result<Observation> observe(host::Host& host, const EnrollVolume& operation) {
  TRY(host.disks.await(operation.device, device_patience));
  Observation observation;
  const bool complete = is_complete(TRY(host.crypt.header(operation.device)), operation);
  observation.state = complete ? State::satisfied : State::absent;
  observation.fingerprint = std::string(complete ? enrolled_fingerprint : unenrolled_fingerprint);
  observation.found = complete ? "a volume that is enrolled" : "a volume that is not enrolled";
  return observation;
}

Result<void> apply(Work& work, const EnrollVolume& operation) {
  const spec::Enrollment& enrollment = *TRY(work.contents.enrollment(operation.enrollment));
  Secret pin;
  if (operation.tpm2) {
    pin = TRY(pin_of(work.host.fetcher, work.contents, operation.enrollment));
  }
  if (!is_complete(TRY(work.host.crypt.header(operation.device)), operation)) {
    TRY(enroll(work, operation, enrollment, pin));
  }
  return prove(work.host, operation, pin);
}

void predict(model::Inventory& inventory, const EnrollVolume& operation) {
  for (auto& view : inventory.volumes) {
    if (view.name == operation.name) {
      view.recovery_kept = view.recovery_kept || (operation.recovery && !view.header.recovery);
      view.header.tpm2 = view.header.tpm2 || operation.tpm2;
      view.header.recovery = view.header.recovery || operation.recovery;
    }
  }
}

std::string describe(const EnrollVolume& operation) {
  return "enroll " + operation.what + " for " + volume_words(operation.name);
}

// Tokens do not prove that what they are for was seen to open the volume.
Traits traits(const EnrollVolume& /*operation*/) {
  return {.sync_path = {}, .observation_proves = false, .lasts = true, .keeps = true};
}

}  // namespace provision::plan
