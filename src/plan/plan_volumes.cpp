// SPDX-License-Identifier: Apache-2.0
#include "plan/plan_volumes.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "model/cards.hpp"
#include "model/observe.hpp"
#include "model/volume_groups.hpp"
#include "plan/clevis.hpp"
#include "plan/enrollment.hpp"
#include "plan/identity.hpp"
#include "plan/luks_options.hpp"
#include "plan/operations/make_volume.hpp"
#include "plan/plan_arrays.hpp"
#include "plan/plan_volume_groups.hpp"
#include "plan/site.hpp"
#include "spec/inline_bytes.hpp"

namespace provision::plan {
namespace {

std::string volume_place(std::size_t index) { return "$.storage.luks." + std::to_string(index); }

const spec::Luks& asked_volume(const Question& question, std::size_t index) {
  return question.config().storage.luks[index];
}

Origin place_of(const Question& question, std::size_t index, std::string_view key) {
  const spec::Luks& volume = asked_volume(question, index);
  return question.origin(volume.place, volume_place(index) + "." + std::string(key), key);
}

bool wipes(const spec::Luks& volume) { return volume.wipe_volume.value_or(false); }
bool has_key(const spec::Luks& volume) { return !volume.key_file.source.value_or("").empty(); }

// The UUID that the user gives: an option counts more than the field, as for cryptsetup, which reads it later.
Result<std::string> given_uuid(const Question& question, std::size_t index) {
  const spec::Luks& volume = asked_volume(question, index);
  const auto options = luks_format_options(volume.options);
  if (!options) {
    Error error = options.error();
    return std::move(error).at(place_of(question, index, "options"));
  }
  const auto field = Uuid::parse(volume.uuid.value_or(""));
  if (!field && !volume.uuid.value_or("").empty()) {
    return Error(Code::bad_config, "\"" + printable(*volume.uuid) + "\" is no UUID")
        .at(place_of(question, index, "uuid"));
  }
  return !options->uuid.empty() ? options->uuid : field ? field->text() : std::string{};
}

std::string derived_uuid(const Question& question, std::size_t index, const host::DeviceRef& device) {
  const Identity identity{question.inventory.machine, spec::meaning(question.config())};
  const model::DiskView* const disk = question.inventory.disk(device.disk);
  return identity.volume(disk != nullptr ? disk->facts : host::DiskFacts{}, volume_place(index)).text();
}

// What is enrolled for the volume; null: nothing.
const spec::Enrollment* enrollment_of(const Question& question, const spec::Luks& volume) {
  const auto index = enrollment_for(question.config(), volume.name);
  return index ? &question.config().provision.enrollments[*index] : nullptr;
}

bool is_for_tpm2(const Question& question, const spec::Luks& volume) {
  const spec::Enrollment* const asked = enrollment_of(question, volume);
  return asked != nullptr && enrolls_tpm2(*asked);
}

MakeVolume operation_of(const Question& question, std::size_t index, const host::DeviceRef& device) {
  const spec::Luks& volume = asked_volume(question, index);
  MakeVolume made;
  made.name = volume.name;
  made.device = device;
  made.label = volume.label.value_or("");
  made.key = has_key(volume) ? volume_place(index) + ".keyFile" : "";
  made.discard = volume.discard.value_or(false);
  made.bound = wants_binding(volume);
  if (is_for_tpm2(question, volume)) {
    made.enrolled = enrollment_place(*enrollment_for(question.config(), volume.name));
  }
  made.cex = model::wants_card(volume);
  if (made.cex) {
    made.domains = question.inventory.cards.domains;
  }
  made.options = volume.options;
  made.open_options = volume.open_options;
  return made;
}

// --- What is there already

std::string words_on(const model::VolumeView& view) {
  return view.header.version == 1 ? "a LUKS1 volume" : model::describe(view.signature);
}

struct Fault {
  std::string_view key;
  std::string what;
};

// Of one whose volume key cards are to protect.
std::optional<Fault> card_fault(const Question& question, const host::LuksHeader& header) {
  if (!header.paes) {
    return Fault{"cex", "no CryptoExpress card protects its volume key"};
  }
  if (!header.verified) {
    return Fault{"cex", "its header has no verification pattern, since its making was not brought to an end"};
  }
  if (!question.inventory.cards.key) {
    return Fault{"device",
                 "the image's initramfs has no " + std::string(model::card_key_path) + ", so that nothing opens it"};
  }
  return std::nullopt;
}

// The same as below of what opens it.
std::optional<Fault> opening_fault(const Question& question, const spec::Luks& volume, const host::LuksHeader& header) {
  const bool bound = wants_binding(volume) && header.bound;
  if (wants_binding(volume) && !bound) {
    return Fault{"clevis", "it is not bound by Clevis, so that nothing opens it in later boots"};
  }
  if (model::wants_card(volume)) {
    return card_fault(question, header);
  }
  const bool enrolled = is_for_tpm2(question, volume) && header.tpm2;
  if (!has_key(volume) && !bound && !enrolled) {
    return Fault{"device", is_for_tpm2(question, volume)
                               ? "no keyFile is given, and no TPM is enrolled for it, so that nothing opens it"
                               : "no keyFile is given, so that nothing opens it"};
  }
  const spec::Enrollment* const asked = enrollment_of(question, volume);
  if (!has_key(volume) && asked != nullptr && enrolls_recovery_key(*asked) && !header.recovery) {
    return Fault{"device", "it has no recovery key, and without a keyFile none can be enrolled"};
  }
  return std::nullopt;
}

// Why the volume that is there cannot be the one of the config; nothing: it can. Whether the key opens it only trying
// tells. `uuid` is the one that the user gives; `ours`: it is open, and has the UUID that the config gives or makes.
std::optional<Fault> reuse_fault(const Question& question, const spec::Luks& volume, const host::LuksHeader& header,
                                 const std::string& uuid, bool ours) {
  if (auto fault = ours ? std::nullopt : opening_fault(question, volume, header)) {
    return fault;
  }
  if (volume.label && *volume.label != header.label) {
    return Fault{"label", "its label is \"" + printable(header.label) + "\", not \"" + printable(*volume.label) + "\""};
  }
  if (!uuid.empty() && uuid != header.uuid) {
    return Fault{"uuid", "its UUID is " + header.uuid + ", not " + uuid};
  }
  if (volume.discard.value_or(false) != header.discards) {
    return Fault{"discard", header.discards ? "its header lets discards through, and discard is not set"
                                            : "its header lets no discards through, and discard is set"};
  }
  return std::nullopt;
}

Error not_reusable(const Question& question, std::size_t index, const std::string& fault, std::string_view key) {
  const spec::Luks& volume = asked_volume(question, index);
  return Error(Code::conflict, volume.device.value_or("") + " holds an encrypted volume, and " + fault +
                                   ": change the config, or set wipeVolume to make it anew, and what it holds is lost")
      .at(place_of(question, index, key));
}

// --- Making one

// Whether this machine can make, or open, one whose volume key cards protect.
Result<void> check_cards(const Question& question, std::size_t index, bool made) {
  const model::CardsView& cards = question.inventory.cards;
  if (!model::wants_card(asked_volume(question, index))) {
    return {};
  }
  if (!cards.bus) {
    return Error(Code::device_missing,
                 "this machine can have no CryptoExpress cards: its kernel has no bus for them (/sys/bus/ap), which "
                 "those of s390x have")
        .at(place_of(question, index, "cex"));
  }
  if (cards.domains.empty()) {
    return Error(Code::device_missing,
                 "no domain of a CryptoExpress card in CCA mode is online (lszcrypt shows which there are)")
        .at(place_of(question, index, "cex"));
  }
  if (made && !cards.zkey) {
    return Error(Code::program_missing,
                 "CryptoExpress cards make keys by zkey and zkey-cryptsetup, which the package s390-tools has: one of "
                 "them is not here")
        .at(place_of(question, index, "cex"));
  }
  return {};
}

Result<void> check_device(const Question& question, const model::Inventory& after, std::size_t index) {
  const std::string device = asked_volume(question, index).device.value_or("");
  const auto fault = [&](const std::string& what) {
    return Error(Code::bad_config, device + what).at(place_of(question, index, "device"));
  };
  if (const auto* const array = array_of(question, after, device)) {
    return fault(" is a device of the RAID array " + printable(array->name) +
                 ": it cannot be an encrypted volume as well");
  }
  if (const auto* const group = volume_group_on(question, after, device)) {
    return fault(" is a device of the volume group " + printable(group->name) +
                 ": it cannot be an encrypted volume as well");
  }
  if (const auto* const inner = model::volume_named(question.config(), device)) {
    return Error(Code::unsupported, "a volume in the encrypted volume " + printable(inner->name) +
                                        " cannot be made by this version of provision yet")
        .at(place_of(question, index, "device"));
  }
  const auto* const first = volume_on(question, after, device);
  if (first != &asked_volume(question, index)) {
    return fault(" is the device of the encrypted volume " + printable(first->name) + " already");
  }
  return {};
}

Result<void> check_key(const Question& question, std::size_t index) {
  const spec::Resource& key = asked_volume(question, index).key_file;
  if (!has_key(asked_volume(question, index)) || !spec::is_inline(key)) {
    return {};
  }
  auto bytes = spec::inline_bytes(key);
  if (!bytes) {
    return std::move(bytes).error().at(place_of(question, index, "keyFile"));
  }
  const bool empty = bytes->empty();
  wipe(*bytes);
  if (empty) {
    return Error(Code::bad_config, "the key is empty").at(place_of(question, index, "keyFile"));
  }
  return {};
}

Result<void> check_free(const Question& question, std::size_t index, const Site& site, const std::string& uuid) {
  const spec::Luks& volume = asked_volume(question, index);
  const std::string device = volume.device.value_or("");
  const bool blank = !site.signature || site.signature->type.empty();
  const auto* const view = question.inventory.volume(volume.name);
  if (!blank && !wipes(volume)) {
    const std::string words = view != nullptr ? words_on(*view) : model::describe(*site.signature);
    const bool goes = view != nullptr && is_table_given_up(question, view->device);
    return Error(Code::conflict, device + " holds " + words + ", and wipeVolume is not set" +
                                     (goes ? ": it cannot be taken over into the table that wipeTable makes anew; set "
                                             "wipeVolume, and what it holds is lost, or leave wipeTable out"
                                           : ""))
        .at(place_of(question, index, "device"));
  }
  // The very one that is to be made anew is closed for that.
  const bool is_its_own = view != nullptr && view->is_open() && view->open == uuid;
  if (view != nullptr && !view->open.empty() && !is_its_own) {
    return Error(Code::device_busy, model::volume_path(volume.name) + " is open already")
        .at(place_of(question, index, "name"));
  }
  std::vector<std::string> users = site.users;
  std::erase_if(users, [&](const std::string& user) { return is_its_own && user == volume_words(volume.name); });
  if (!users.empty()) {
    return Error(Code::device_busy, device + " is in use: " + used_by(users)).at(place_of(question, index, "device"));
  }
  return {};
}

Result<Site> volume_site(const Question& question, const model::Inventory& after, const Plan& plan, std::size_t index) {
  auto found =
      site_of(question, after, plan, asked_volume(question, index).device.value_or(""), "be an encrypted volume");
  if (!found) {
    return std::move(found).error().at(place_of(question, index, "device"));
  }
  return found;
}

Result<Step> making_step(const Question& question, std::size_t index, const Site& site) {
  const spec::Luks& volume = asked_volume(question, index);
  const std::string given = TRY(given_uuid(question, index));
  const std::string uuid = given.empty() ? derived_uuid(question, index, site.device) : given;
  TRY(check_free(question, index, site, uuid));
  TRY(check_key(question, index));
  Step step;
  step.why = wipes(volume) ? "wipeVolume is set" : site.signature ? "the device is blank" : "the device is new";
  step.assumes = model::fingerprint(site.signature.value_or(host::Signature{}));
  step.afresh = wipes(volume);
  if (wipes(volume)) {
    step.replaces = site.maker != nullptr                                    ? std::string(replaces_anything)
                    : step.assumes != std::string(model::absent_fingerprint) ? step.assumes
                                                                             : "";
  }
  MakeVolume made = operation_of(question, index, site.device);
  made.uuid = uuid;
  step.operation = std::move(made);
  return step;
}

Result<std::optional<Step>> volume_step_for(const Question& question, const model::Inventory& after, const Plan& plan,
                                            std::size_t index) {
  const spec::Luks& volume = asked_volume(question, index);
  TRY(check_device(question, after, index));
  auto existing = TRY(existing_volume(question, index));
  const auto* const view = question.inventory.volume(volume.name);
  if (existing && view->is_open()) {
    return std::optional<Step>{};
  }
  TRY(check_cards(question, index, !existing));
  const Site site = TRY(volume_site(question, after, plan, index));
  Step step;
  if (existing) {
    step.why = "the volume is there, and is not open";
    step.assumes = model::fingerprint(view->signature);
    existing->device = site.device;
    step.operation = *std::move(existing);
  } else {
    step = TRY(making_step(question, index, site));
  }
  step.id = volume_step(volume.name);
  step.origin = question.origin(volume.place, volume_place(index));
  step.after = needs_of(plan, site);
  return std::optional(std::move(step));
}

// For one that is made, now or by an earlier run of this first boot.
std::optional<Step> binding_step(const Question& question, std::size_t index, const std::optional<Step>& making,
                                 const host::DeviceRef& device, const std::string& uuid) {
  const spec::Luks& volume = asked_volume(question, index);
  const auto* const view = question.inventory.volume(volume.name);
  const bool is_bound = making ? std::get<MakeVolume>(making->operation).there : view != nullptr && view->header.bound;
  if (!wants_binding(volume) || is_bound) {
    return std::nullopt;
  }
  Step step;
  step.id = "binding:" + volume.name;
  step.why = "clevis is set";
  step.origin = question.origin(volume.clevis.place, volume_place(index) + ".clevis");
  step.assumes = std::string(unbound_fingerprint);
  if (making) {
    step.after = {making->id};
  }
  step.operation = BindVolume{volume.name, device, uuid, volume_place(index), binding_words(volume.clevis)};
  return step;
}

// For what is enrolled and not there yet.
std::optional<Step> enrollment_step(const Question& question, std::size_t index, const std::optional<Step>& making,
                                    const host::DeviceRef& device, const std::string& uuid) {
  const spec::Luks& volume = asked_volume(question, index);
  const auto number = enrollment_for(question.config(), volume.name);
  if (!number) {
    return std::nullopt;
  }
  const spec::Enrollment& asked = question.config().provision.enrollments[*number];
  const auto* const view = question.inventory.volume(volume.name);
  const bool made = making && !std::get<MakeVolume>(making->operation).there;
  const host::LuksHeader header = made || view == nullptr ? host::LuksHeader{} : view->header;
  const bool tpm2 = enrolls_tpm2(asked);
  const bool recovery = enrolls_recovery_key(asked);
  if ((!tpm2 || header.tpm2) && (!recovery || header.recovery)) {
    return std::nullopt;
  }
  Step step;
  step.id = "enrollment:" + volume.name;
  step.why = "later boots open the volume by it";
  step.origin = question.origin(asked.place, enrollment_place(*number));
  step.assumes = std::string(unenrolled_fingerprint);
  if (making) {
    step.after = {making->id};
  }
  step.operation =
      EnrollVolume{volume.name, device, uuid, enrollment_place(*number), made, enrollment_words(asked), tpm2, recovery};
  return step;
}

Result<void> plan_volume(const Question& question, const model::Inventory& after, Plan& plan, std::size_t index) {
  const auto step = TRY(volume_step_for(question, after, plan, index));
  const auto* const view = question.inventory.volume(asked_volume(question, index).name);
  host::DeviceRef device;
  std::string uuid;
  if (step) {
    const auto& made = std::get<MakeVolume>(step->operation);
    device = made.device;
    uuid = made.uuid;
    plan.steps.push_back(*step);
  } else if (view != nullptr) {
    device = view->device;
    uuid = view->header.uuid;
  } else {
    return {};
  }
  if (auto binding = binding_step(question, index, step, device, uuid)) {
    plan.steps.push_back(*std::move(binding));
  }
  if (auto enrollment = enrollment_step(question, index, step, device, uuid)) {
    plan.steps.push_back(*std::move(enrollment));
  }
  return {};
}

}  // namespace

const spec::Luks* volume_on(const Question& question, const model::Inventory& after, const std::string& device) {
  const auto& volumes = question.config().storage.luks;
  const host::DeviceRef ref = model::resolve(after, device);
  const auto found = std::find_if(volumes.begin(), volumes.end(), [&](const spec::Luks& volume) {
    return model::is_same_device(model::resolve(after, volume.device.value_or("")), ref);
  });
  return found == volumes.end() ? nullptr : &*found;
}

Result<std::optional<MakeVolume>> existing_volume(const Question& question, std::size_t index) {
  const spec::Luks& volume = asked_volume(question, index);
  const auto* const view = question.inventory.volume(volume.name);
  if (view == nullptr || wipes(volume) || view->header.version != 2 || is_table_given_up(question, view->device)) {
    return std::optional<MakeVolume>{};
  }
  const std::string uuid = TRY(given_uuid(question, index));
  const std::string chosen = uuid.empty() ? derived_uuid(question, index, view->device) : uuid;
  const bool ours = view->is_open() && view->header.uuid == chosen;
  if (const auto fault = reuse_fault(question, volume, view->header, uuid, ours)) {
    return not_reusable(question, index, fault->what, fault->key);
  }
  MakeVolume there = operation_of(question, index, view->device);
  there.uuid = view->header.uuid;
  there.label = view->header.label;
  there.there = true;
  return std::optional(std::move(there));
}

bool is_on_logical_volume(const spec::Config& config, const spec::Luks& volume) {
  return model::logical_volume_named(config, volume.device.value_or("")).has_value();
}

Result<void> plan_volumes(const Question& question, const model::Inventory& after, VolumePlace place, Plan& plan) {
  for (std::size_t i = 0; i < question.config().storage.luks.size(); ++i) {
    const bool on_logical = is_on_logical_volume(question.config(), asked_volume(question, i));
    if (on_logical == (place == VolumePlace::on_logical_volumes)) {
      TRY(plan_volume(question, after, plan, i));
    }
  }
  return {};
}

}  // namespace provision::plan
