// SPDX-License-Identifier: Apache-2.0
// BindVolume: Clevis opens the volume in the boots to come.
//
// In two phases, so that no cut leaves a volume that nobody can open. Here the volume gets a second key slot, whose
// passphrase Clevis has encrypted, and that is tried; the key that the volume was made with stays, and is kept beside
// the journal. Only the end of the first boot removes that one, before it forgets the key (stages/volumes.cpp).
#include "base/text.hpp"
#include "plan/clevis.hpp"
#include "plan/operations/make_volume.hpp"
#include "plan/volume_keys.hpp"

namespace provision::plan {
namespace {

constexpr std::chrono::seconds device_patience{30};

Result<bool> is_bound(host::Host& host, const BindVolume& operation) {
  const host::LuksHeader header = TRY(host.crypt.header(operation.device));
  return header.version == 2 && header.uuid == operation.uuid && header.bound;
}

Result<void> bind(Work& work, const BindVolume& operation, const spec::Clevis& clevis) {
  const auto key = TRY(kept_key(work.host.state, operation.name));
  if (!key) {
    return Error(Code::conflict, "the key of " + volume_words(operation.name) + " is not kept any more");
  }
  return bind_volume(work.host, operation.device, clevis, *key);
}

}  // namespace

Result<Observation> observe(host::Host& host, const BindVolume& operation) {
  TRY(host.disks.await(operation.device, device_patience));
  Observation observation;
  const bool bound = TRY(is_bound(host, operation));
  observation.state = bound ? State::satisfied : State::absent;
  observation.fingerprint = std::string(bound ? bound_fingerprint : unbound_fingerprint);
  observation.found = bound ? "a volume that is bound" : "a volume that is not bound";
  return observation;
}

Result<void> apply(Work& work, const BindVolume& operation) {
  const spec::Clevis& clevis = TRY(work.contents.volume(operation.volume))->clevis;
  if (!TRY(is_bound(work.host, operation))) {
    TRY(bind(work, operation, clevis));
  }
  if (!can_be_tried(clevis)) {
    return {};
  }
  const bool opens =
      TRY_WHILE(open_bound(work.host, operation.device, {}, {}), "trying whether Clevis opens the volume");
  if (!opens) {
    return Error(Code::not_satisfied, "nothing failed, yet " + volume_words(operation.name) + " is not bound");
  }
  return {};
}

void predict(model::Inventory& inventory, const BindVolume& operation) {
  for (auto& view : inventory.volumes) {
    if (view.name == operation.name) {
      view.header.bound = true;
    }
  }
}

std::string describe(const BindVolume& operation) {
  return "bind " + volume_words(operation.name) + " to " + operation.to;
}

// That it is bound does not prove that it was seen to open.
Traits traits(const BindVolume& /*operation*/) {
  return {.sync_path = {}, .observation_proves = false, .lasts = true, .keeps = true};
}

}  // namespace provision::plan
