// SPDX-License-Identifier: Apache-2.0
#include "host/sim/clevis.hpp"

#include "base/text.hpp"

namespace provision::host::sim {
namespace {

constexpr std::string_view mark = "simulated-";

Exit no(std::string why) { return Exit{1, "clevis: " + std::move(why), 0}; }

Result<Exit> answer(const Command& command, std::string_view text) {
  if (command.answer == nullptr || text.size() > command.answer->size()) {
    return Error(Code::program_failed, "there is no room for what clevis answers");
  }
  text.copy(command.answer->data(), text.size());
  return Exit{0, "", text.size()};
}

// The parts of a JWE in its compact form (RFC 7516, section 7.1), with the plaintext in the place of the ciphertext.
Result<Exit> encrypt(const Command& command, std::string_view input) {
  if (command.arguments.size() != 3 || !command.arguments[2].starts_with('{')) {
    return no("Configuration is malformed!");
  }
  return answer(command, std::string(mark) + command.arguments[1] + "..iv." + std::string(input) + ".tag");
}

Result<Exit> decrypt(const Command& command, std::string_view input) {
  const auto parts = split(input, '.');
  if (parts.size() != 5 || !parts[0].starts_with(mark)) {
    return no("JWE is missing the required 'clevis.pin' header property!");
  }
  return answer(command, parts[3]);
}

}  // namespace

std::string clevis_token(const std::string& passphrase, int slot) {
  return R"({"type":"clevis","keyslots":[")" + std::to_string(slot) + R"("],"jwe":{"ciphertext":")" + passphrase +
         R"(","encrypted_key":"","iv":"iv","protected":")" + std::string(mark) + R"(sss","tag":"tag"}})";
}

Result<Exit> run_clevis(const Command& command) {
  const std::string_view input = command.secret_input != nullptr ? command.secret_input->view() : command.input;
  const std::string verb = command.arguments.empty() ? "" : command.arguments[0];
  if (verb == "encrypt") {
    return encrypt(command, input);
  }
  return verb == "decrypt" ? decrypt(command, input) : Result<Exit>(no("Command is invalid"));
}

}  // namespace provision::host::sim
