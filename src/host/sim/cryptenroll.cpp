// SPDX-License-Identifier: Apache-2.0
#include "host/sim/cryptenroll.hpp"

#include <algorithm>
#include <charconv>

#include "host/sim/seams.hpp"
#include "host/sim/zkey.hpp"

namespace provision::host::sim {
namespace {

constexpr std::string_view tpm2_type = R"("type":"systemd-tpm2")";
constexpr std::string_view recovery_type = R"("type":"systemd-recovery")";

Exit no(std::string why) { return Exit{1, std::move(why), 0}; }

bool has(const Command& command, std::string_view argument) {
  return std::find(command.arguments.begin(), command.arguments.end(), argument) != command.arguments.end();
}

std::string_view secret(const Secret* given) { return given == nullptr ? std::string_view{} : given->view(); }

std::string pin_part(std::string_view pin) {
  return pin.empty() ? R"("tpm2-pin":false)" : R"("tpm2-pin":true,"simulated":")" + std::string(pin) + "\"";
}

bool has_token(const Luks& header, std::string_view type) {
  return std::any_of(header.tokens.begin(), header.tokens.end(), [&](const std::string& token) {
    return token.find(type) != std::string::npos && header.keys.contains(slot_of_token(token));
  });
}

}  // namespace

std::string tpm2_token(int slot, std::string_view pin) {
  return "{" + std::string(tpm2_type) + R"(,"keyslots":[")" + std::to_string(slot) + R"("],"tpm2-pcrs":[7],)" +
         pin_part(pin) + "}";
}

std::string recovery_token(int slot) {
  return "{" + std::string(recovery_type) + R"(,"keyslots":[")" + std::to_string(slot) + R"("]})";
}

int slot_of_token(std::string_view json) {
  constexpr std::string_view start = R"("keyslots":[")";
  const std::size_t at = json.find(start);
  int slot = -1;
  if (at != std::string_view::npos) {
    const std::string_view number = json.substr(at + start.size());
    std::from_chars(number.begin(), number.end(), slot);
  }
  return slot;
}

void note_tokens(Luks& header) {
  header.header.bound = has_token(header, R"("type":"clevis")");
  header.header.tpm2 = has_token(header, tpm2_type);
  header.header.recovery = has_token(header, recovery_type);
  header.header.verified = has_pattern(header);
}

Exit run_cryptenroll(World& world, const Command& command, bool torn) {
  const bool known = has(command, "--unlock-key-file=/dev/stdin") && has(command, "--tpm2-device=auto");
  const auto device = command.arguments.empty() ? std::nullopt : world.find(command.arguments.back());
  Luks* const header = device ? world.luks(*device) : nullptr;
  if (!known || header == nullptr) {
    return no("Failed to load LUKS2 superblock: Invalid argument");
  }
  if (!world.spec().has_tpm) {
    return no("No TPM2 device found.");
  }
  const bool opens = std::any_of(header->keys.begin(), header->keys.end(),
                                 [&](const auto& slot) { return slot.second == secret(command.secret_input); });
  if (!opens) {
    return no("Password incorrect.");
  }
  const std::string_view pin = command.secret_variable == "NEWPIN" ? secret(command.secret_value) : "";
  if (has(command, "--tpm2-with-pin=yes") != !pin.empty()) {
    return no("Failed to ask for user password: no terminal");
  }
  int slot = 0;
  while (header->keys.contains(slot)) {
    ++slot;
  }
  header->keys[slot] = "sealed in the TPM for slot " + std::to_string(slot);
  if (!torn) {
    header->tokens.push_back(tpm2_token(slot, pin));
  }
  note_tokens(*header);
  world.touch(device->node);
  return Exit{};
}

Exit run_cryptsetup(World& world, const Command& command) {
  const bool test = has(command, "--test-passphrase");
  const std::size_t operands = test ? 1 : 2;
  if (command.arguments.size() < operands + 1 || command.arguments.front() != "open" || !has(command, "--token-only")) {
    return no("cryptsetup: these arguments are not known here");
  }
  const auto device = world.find(command.arguments[command.arguments.size() - operands]);
  const Luks* const header = device ? world.luks(*device) : nullptr;
  if (header == nullptr || !header->header.tpm2 || !world.spec().has_tpm) {
    return no("Token (type systemd-tpm2) requires additional missing resource.");
  }
  const std::string wanted = pin_part(secret(command.secret_input));
  const bool opens = std::any_of(header->tokens.begin(), header->tokens.end(), [&](const std::string& token) {
    return token.find(tpm2_type) != std::string::npos && token.find(wanted) != std::string::npos;
  });
  if (!opens) {
    return no("No usable token is available.");
  }
  const std::string& name = command.arguments.back();
  if (test) {
    return Exit{};
  }
  if (world.find("/dev/mapper/" + name) || !unused(world, {device->node, "", 0})) {
    return no("Device " + name + " already exists, or " + device->node + " is in use.");
  }
  world.open_volume(*device, name);
  return Exit{};
}

}  // namespace provision::host::sim
