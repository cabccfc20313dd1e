// SPDX-License-Identifier: Apache-2.0
// MakeVolume: an encrypted volume (LUKS2) on a device, by libcryptsetup, and open.
//
// The order in which it is made lets a power cut come anywhere: what was on the device goes, then the key is kept, then
// the header is written with it, then the volume is opened. So a header that is there beside a kept key was made for
// it, and one that the kept key does not open is an unfinished one. A secure key of CryptoExpress cards is made and
// kept before all that; the header gets its verification pattern before the volume is opened.
#include "plan/operations/make_volume.hpp"

#include "base/text.hpp"
#include "model/cards.hpp"
#include "model/observe.hpp"
#include "plan/clevis.hpp"
#include "plan/enrollment.hpp"
#include "plan/luks_options.hpp"
#include "plan/operations/device_content.hpp"
#include "plan/operations/programs.hpp"
#include "plan/secure_key.hpp"
#include "plan/volume_keys.hpp"

namespace provision::plan {
namespace {

constexpr std::chrono::seconds device_patience{30};
// As 8192 hex digits (spec: storage.luks.keyFile, where there is none).
constexpr std::size_t drawn_key_bytes = 4096;

bool is_of(const host::LuksHeader& header, const MakeVolume& operation) {
  return header.version == 2 && header.uuid == operation.uuid;
}

Result<bool> is_open(host::Host& host, const MakeVolume& operation) {
  const auto open = TRY(host.crypt.opened(operation.name));
  if (open && open->uuid != operation.uuid) {
    return Error(Code::device_busy,
                 model::volume_path(operation.name) + " is another volume that is open: " + open->uuid);
  }
  return open.has_value();
}

// One that cards protect has the key that later boots of the image have, if they have one.
Result<Secret> made_key(host::Host& host, const MakeVolume& operation) {
  if (operation.cex) {
    auto key = TRY(card_key(host.own));
    if (key) {
      return *std::move(key);
    }
  }
  return host.crypt.new_key(drawn_key_bytes);
}

// The config's or a new one, which is kept before it is used.
Result<Secret> new_key(Work& work, const MakeVolume& operation) {
  Secret key;
  if (operation.key.empty()) {
    key = TRY(made_key(work.host, operation));
  } else {
    key = TRY_WHILE(configured_key(work.host.fetcher, work.contents, operation.key), "getting the volume's key");
  }
  TRY_WHILE(keep_key(work.host.state, operation.name, key),
            "keeping the volume's key until the first boot is complete");
  return key;
}

Result<void> make_blank(host::Host& host, const host::DeviceRef& device) {
  const host::Signature there = TRY(host.disks.probe(device));
  return there.type.empty() ? Result<void>{} : erase_content(host, device);
}

Result<void> must_open(host::Host& host, const MakeVolume& operation, const Secret& key, Code code) {
  if (!TRY(open_volume(host, operation, key))) {
    return Error(code, "its key does not open " + volume_words(operation.name) + " on " + operation.device.path);
  }
  return {};
}

// What is there already, by the key that the config gives, or the initramfs has for cards, which the target is to get;
// or else by Clevis or the TPM.
Result<void> open_as_it_is(Work& work, const MakeVolume& operation) {
  if (operation.key.empty() && !operation.cex) {
    return operation.enrolled.empty() ? open_by_binding(work.host, operation)
                                      : open_by_enrollment(work.host, work.contents, operation);
  }
  const auto kept = TRY(kept_key(work.host.state, operation.name));
  if (kept && TRY(open_volume(work.host, operation, *kept))) {
    return {};
  }
  const Secret key = TRY_WHILE(key_from_elsewhere(work.host, work.contents, operation), "getting the volume's key");
  TRY(must_open(work.host, operation, key, Code::conflict));
  return keep_key(work.host.state, operation.name, key);
}

// What it shows is noise. Where a cipher of the options leaves that out, what was there before shows through. Something
// stands on it only if that was seen to already.
Result<void> finish(host::Host& host, const MakeVolume& operation) {
  const host::DeviceRef shown{model::volume_path(operation.name), {}, 0};
  const auto users = TRY(host.disks.users(shown));
  return users.empty() ? make_blank(host, shown) : Result<void>{};
}

Result<void> must_have_programs(host::Host& host, const MakeVolume& operation) {
  if (operation.bound) {
    TRY(must_have_program(host, "clevis"));
  }
  if (!operation.enrolled.empty()) {
    TRY(must_have_program(host, "systemd-cryptenroll"));
    TRY(must_have_program(host, "cryptsetup"));
  }
  return operation.cex ? must_have_program(host, "zkey-cryptsetup") : Result<void>{};
}

// What the options say of the cipher does not count beside a secure key's, as with Ignition, whose arguments for that
// come after them: tools add options for a cipher to each volume (Butane, for FIPS mode).
Result<void> write_header(host::Host& host, const MakeVolume& operation, const Secret& key, const Secret& volume_key) {
  host::LuksFormat format = TRY(format_of(operation));
  if (!operation.cex) {
    return host.crypt.format(operation.device, format, key);
  }
  format.cipher = paes_cipher;
  format.key_bits = static_cast<std::int64_t>(volume_key.size()) * 8;
  return host.crypt.format_with(operation.device, format, key, volume_key);
}

// By its key that is kept. False: that does not open it, and nothing has changed.
Result<bool> go_on(host::Host& host, const MakeVolume& operation, const host::LuksHeader& header, const Secret& key) {
  if (operation.cex && !header.verified) {
    const bool opens = TRY(host.crypt.open(operation.device, {}, {}, key));
    if (!opens) {
      return false;
    }
    TRY(ensure_pattern(host, operation, key));
  }
  return open_volume(host, operation, key);
}

Result<void> make(Work& work, const MakeVolume& operation) {
  TRY(format_of(operation));
  TRY(must_have_programs(work.host, operation));
  Secret volume_key;
  if (operation.cex) {
    volume_key = TRY(secure_key_for(work.host, operation));
  }
  auto key = TRY(kept_key(work.host.state, operation.name));
  TRY(make_blank(work.host, operation.device));
  if (!key) {
    key = TRY(new_key(work, operation));
  }
  TRY(write_header(work.host, operation, *key, volume_key));
  TRY(ensure_pattern(work.host, operation, *key));
  TRY(must_open(work.host, operation, *key, Code::not_satisfied));
  return finish(work.host, operation);
}

}  // namespace

std::string volume_words(const std::string& name) { return "the encrypted volume " + printable(name); }

Result<host::LuksFormat> format_of(const MakeVolume& operation) {
  host::LuksFormat format = TRY(luks_format_options(operation.options));
  format.uuid = operation.uuid;
  format.label = format.label.empty() ? operation.label : format.label;
  return format;
}

Result<host::LuksOpen> opening_of(const MakeVolume& operation) {
  host::LuksOpen options = TRY(luks_open_options(operation.open_options));
  options.discards = options.discards || operation.discard;
  options.persistent = !operation.there;
  return options;
}

Result<bool> open_volume(host::Host& host, const MakeVolume& operation, const Secret& key) {
  load_drivers(host, {volume_drivers.begin(), volume_drivers.end()});
  if (operation.cex) {
    load_drivers(host, {card_drivers.begin(), card_drivers.end()});
  }
  return host.crypt.open(operation.device, operation.name, TRY(opening_of(operation)), key);
}

Result<Secret> key_from_elsewhere(host::Host& host, const ContentSource& contents, const MakeVolume& operation) {
  if (!operation.key.empty()) {
    return configured_key(host.fetcher, contents, operation.key);
  }
  auto key = TRY(card_key(host.own));
  if (!key) {
    return Error(Code::conflict, "the image's initramfs has no " + std::string(model::card_key_path) +
                                     ", by which it would open " + volume_words(operation.name));
  }
  return *std::move(key);
}

Result<void> open_by_binding(host::Host& host, const MakeVolume& operation) {
  load_drivers(host, {volume_drivers.begin(), volume_drivers.end()});
  const host::LuksOpen options = TRY(opening_of(operation));
  const bool opens = TRY_WHILE(open_bound(host, operation.device, operation.name, options),
                               "opening " + volume_words(operation.name) + " by Clevis");
  if (!opens) {
    return Error(Code::conflict, volume_words(operation.name) + " on " + operation.device.path +
                                     " is bound to nothing that Clevis knows");
  }
  return {};
}

Result<void> open_by_enrollment(host::Host& host, const ContentSource& contents, const MakeVolume& operation) {
  load_drivers(host, {volume_drivers.begin(), volume_drivers.end()});
  const host::LuksOpen options = TRY(opening_of(operation));
  const Secret pin = TRY(pin_of(host.fetcher, contents, operation.enrolled));
  TRY_WHILE(open_by_tpm2(host, operation.device, operation.name, options, pin),
            "opening " + volume_words(operation.name) + " by the TPM");
  return {};
}

Result<Observation> observe(host::Host& host, const MakeVolume& operation) {
  TRY(host.disks.await(operation.device, device_patience));
  const host::Signature seen = TRY(model::content_of(host, operation.device));
  Observation observation;
  observation.fingerprint = model::fingerprint(seen);
  observation.found = model::describe(seen);
  const bool open = TRY(is_open(host, operation));
  if (open && (!operation.cex || operation.there)) {
    observation.state = State::satisfied;
    return observation;
  }
  const host::LuksHeader header = TRY(host.crypt.header(operation.device));
  if (open) {
    observation.state = header.verified ? State::satisfied : State::partly_ours;
    return observation;
  }
  const bool ours = is_of(header, operation);
  observation.state = ours ? State::partly_ours : seen.type.empty() ? State::absent : State::foreign;
  return observation;
}

Result<void> apply(Work& work, const MakeVolume& operation) {
  const bool open = TRY(is_open(work.host, operation));
  if (open && operation.there) {
    return {};
  }
  const auto key = TRY(kept_key(work.host.state, operation.name));
  if (open && key) {
    TRY(ensure_pattern(work.host, operation, *key));
    return finish(work.host, operation);
  }
  if (open) {
    // It is of an earlier provisioning, and to be made anew.
    TRY(work.host.crypt.close(operation.name));
  }
  if (operation.there) {
    return open_as_it_is(work, operation);
  }
  const host::LuksHeader header = TRY(work.host.crypt.header(operation.device));
  if (is_of(header, operation) && header.has_key) {
    if (key && TRY(go_on(work.host, operation, header, *key))) {
      return finish(work.host, operation);
    }
  }
  return make(work, operation);
}

void predict(model::Inventory& inventory, const MakeVolume& operation) {
  const host::LuksFormat format = format_of(operation).value_or(host::LuksFormat{});
  const host::Signature signature{"crypto_LUKS", format.label, operation.uuid, false};
  predict_content(inventory, operation.device, signature);
  if (inventory.volume(operation.name) == nullptr) {
    inventory.volumes.push_back({operation.name, operation.device, {}, {}, {}, {}, false});
  }
  for (auto& view : inventory.volumes) {
    if (view.name == operation.name) {
      view.signature = signature;
      const host::LuksHeader was = operation.there ? view.header : host::LuksHeader{};
      const bool discards = opening_of(operation).value_or(host::LuksOpen{}).discards;
      const bool is_paes = operation.there ? was.paes : operation.cex;
      view.header = {2,         operation.uuid, format.label, discards, true,
                     was.bound, was.tpm2,       was.recovery, is_paes,  operation.there ? was.verified : operation.cex};
      view.open = operation.uuid;
      view.secure_key_kept = view.secure_key_kept || (operation.cex && !operation.there);
    }
  }
}

std::string describe(const MakeVolume& operation) {
  const std::string key = !operation.key.empty() ? "with the config's key"
                          : operation.cex        ? "by CryptoExpress cards: " + join(operation.domains, ", ")
                          : operation.there && operation.bound ? "by Clevis"
                          : operation.there                    ? "by the TPM"
                                                               : "with a key made by chance";
  return std::string(operation.there ? "open " : "make ") + volume_words(operation.name) + " on " +
         printable(operation.device.path) + " (LUKS2, " + key + ")";
}

// It can only be open if it is whole. What it shows is not known to be blank before the step has ended.
Traits traits(const MakeVolume& operation) {
  return {.sync_path = {}, .observation_proves = operation.there, .lasts = true};
}

}  // namespace provision::plan
