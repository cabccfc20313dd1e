// SPDX-License-Identifier: Apache-2.0
#include "plan/secure_key.hpp"

#include <array>
#include <string>

#include "base/text.hpp"
#include "model/cards.hpp"
#include "plan/operations/make_volume.hpp"
#include "plan/operations/parents.hpp"
#include "plan/operations/programs.hpp"
#include "plan/volume_keys.hpp"

namespace provision::plan {
namespace {

constexpr std::chrono::seconds device_patience{30};
constexpr std::chrono::seconds card_patience{180};
// Of a part of a secure key: a key has some hundred bytes, and so has what zkey notes of it.
constexpr std::size_t max_part = std::size_t{64} << 10U;

// zkey's repository is the initramfs', which goes with it. What an earlier try has left there, zkey would not
// overwrite, and whether that is whole nobody knows.
Result<void> make_room(host::Files& own, const std::string& volume) {
  const std::string top(model::secure_keys_directory);
  TRY(make_private_parents(own, model::secure_key_path(volume, model::secure_key_part), top, {}));
  for (const auto part : model::secure_key_parts) {
    const std::string path = model::secure_key_path(volume, part);
    if (TRY(own.look(path))) {
      TRY(own.remove(path));
    }
  }
  return {};
}

// As Ignition has it made, so that what comes after need not know which of the two it was.
Result<void> generate(host::Host& host, const MakeVolume& operation) {
  TRY(must_have_program(host, "zkey"));
  load_drivers(host, {card_drivers.begin(), card_drivers.end()});
  TRY(make_room(host.own, operation.name));
  host::Command command;
  command.program = "zkey";
  command.arguments = {"generate",
                       "--name",
                       model::secure_key_id(operation.name),
                       "--key-type",
                       "CCA-AESCIPHER",
                       "--xts",
                       "--description",
                       "Secure Key for " + operation.name + " Volume",
                       "--apqns",
                       join(operation.domains, ",")};
  command.patience = card_patience;
  return run_program(host, command);
}

Result<Secret> generated_part(host::Files& own, const std::string& volume, std::string_view part) {
  const std::string path = model::secure_key_path(volume, part);
  if (!TRY(own.look(path))) {
    return Error(Code::not_satisfied, "nothing failed, yet zkey has made no " + path);
  }
  Secret made = TRY(Secret::taken(TRY(own.read(path, max_part))));
  if (made.empty()) {
    return Error(Code::not_satisfied, "nothing failed, yet zkey has left " + path + " empty");
  }
  return made;
}

Result<Secret> new_secure_key(host::Host& host, const MakeVolume& operation) {
  const std::string& name = operation.name;
  TRY_WHILE(generate(host, operation), "having CryptoExpress cards make the volume's key");
  Secret key = TRY(generated_part(host.own, name, model::secure_key_part));
  const Secret info = TRY(generated_part(host.own, name, model::secure_info_part));
  TRY_WHILE(keep_key(host.state, model::secure_key_name(name, model::secure_key_part), key),
            "keeping the volume's secure key until the target has it");
  TRY_WHILE(keep_key(host.state, model::secure_key_name(name, model::secure_info_part), info),
            "keeping what zkey knows of the volume's key until the target has it");
  return key;
}

}  // namespace

Result<std::optional<Secret>> card_key(host::Files& own) {
  if (!TRY(own.look(model::card_key_path))) {
    return std::optional<Secret>{};
  }
  Secret key = TRY(Secret::taken(TRY(own.read(model::card_key_path, max_key_bytes))));
  return key.empty() ? std::optional<Secret>{} : std::optional(std::move(key));
}

// What is known of a key is kept last: where that is, the key is too.
Result<Secret> secure_key_for(host::Host& host, const MakeVolume& operation) {
  auto key = TRY(kept_key(host.state, model::secure_key_name(operation.name, model::secure_key_part)));
  const auto info = TRY(kept_key(host.state, model::secure_key_name(operation.name, model::secure_info_part)));
  return key && info ? Result<Secret>(*std::move(key)) : new_secure_key(host, operation);
}

// The passphrase comes through a pipe: it stands in no file. What reads it wants no regular one (zkey-cryptsetup.c,
// get_password_file).
Result<void> ensure_pattern(host::Host& host, const MakeVolume& operation, const Secret& key) {
  if (!operation.cex || TRY(host.crypt.header(operation.device)).verified) {
    return {};
  }
  TRY(must_have_program(host, "zkey-cryptsetup"));
  load_drivers(host, {card_drivers.begin(), card_drivers.end()});
  const std::string node = TRY(host.disks.await(operation.device, device_patience));
  host::Command command;
  command.program = "zkey-cryptsetup";
  command.arguments = {"setvp", node, "--key-file", "/dev/stdin"};
  command.secret_input = &key;
  command.patience = card_patience;
  TRY_WHILE(run_program(host, command), "noting which key the volume key is");
  TRY(host.disks.flush(operation.device));
  if (!TRY(host.crypt.header(operation.device)).verified) {
    return Error(Code::not_satisfied,
                 "nothing failed, yet the header of " + volume_words(operation.name) + " has no verification pattern");
  }
  return {};
}

}  // namespace provision::plan
