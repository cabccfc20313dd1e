// SPDX-License-Identifier: Apache-2.0
#include "host/linux/tpm.hpp"

#include <unistd.h>

#include <array>
#include <charconv>

#include "host/linux/descriptor.hpp"

namespace provision::host {
namespace {

// TPM_ST_SESSIONS, TPM_CC_PCR_Event, TPM_RS_PW.
constexpr std::uint16_t with_sessions = 0x8002;
constexpr std::uint32_t pcr_event = 0x0000013C;
constexpr std::uint32_t by_password = 0x40000009;

// Tag, size, code: of commands and of answers.
constexpr std::size_t header_bytes = 10;
constexpr std::size_t most_answer_bytes = 4096;

// All numbers are big-endian.
void put_16(std::string& bytes, std::uint32_t number) {
  bytes += static_cast<char>(number >> 8U & 0xFFU);
  bytes += static_cast<char>(number & 0xFFU);
}

void put_32(std::string& bytes, std::uint32_t number) {
  put_16(bytes, number >> 16U);
  put_16(bytes, number);
}

std::uint32_t number_at(std::string_view bytes, std::size_t offset) {
  std::uint32_t number = 0;
  for (const char byte : bytes.substr(offset, 4)) {
    number = number << 8U | static_cast<unsigned char>(byte);
  }
  return number;
}

// As the TCG's tables of response codes have them.
std::string hex_of(std::uint32_t number) {
  std::array<char, 8> digits{};
  const auto* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  return std::string(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

bool is_whole(std::string_view answer) {
  return answer.size() >= header_bytes && answer.size() >= number_at(answer, 2);
}

// A TPM gives its answer in one read, a socket perhaps in pieces.
Result<std::string> read_answer(int tpm) {
  std::string answer;
  std::array<char, most_answer_bytes> piece{};
  while (!is_whole(answer)) {
    const ssize_t count = uninterrupted([&] { return ::read(tpm, piece.data(), piece.size()); });
    if (count < 0) {
      return Error(Code::tpm_failed, "the TPM's answer cannot be read", errno);
    }
    if (count == 0 || answer.size() > most_answer_bytes) {
      return Error(Code::tpm_failed, "the TPM gave no whole answer");
    }
    answer.append(piece.data(), static_cast<std::size_t>(count));
  }
  return answer;
}

}  // namespace

std::string pcr_event_command(std::uint32_t pcr, std::string_view event) {
  std::string rest;
  put_32(rest, pcr);
  // One session: the password, no nonce, no attributes, and an empty secret.
  put_32(rest, 4 + 2 + 1 + 2);
  put_32(rest, by_password);
  put_16(rest, 0);
  rest += '\0';
  put_16(rest, 0);
  put_16(rest, static_cast<std::uint32_t>(event.size()));
  rest += event;
  std::string command;
  put_16(command, with_sessions);
  put_32(command, static_cast<std::uint32_t>(header_bytes + rest.size()));
  put_32(command, pcr_event);
  return command + rest;
}

Result<void> extend_pcr(int tpm, std::uint32_t pcr, std::string_view event) {
  const std::string command = pcr_event_command(pcr, event);
  // The driver takes a command in one write only.
  const ssize_t count = uninterrupted([&] { return ::write(tpm, command.data(), command.size()); });
  if (count != static_cast<ssize_t>(command.size())) {
    return Error(Code::tpm_failed, "the TPM takes no command", count < 0 ? errno : 0);
  }
  const std::string answer = TRY(read_answer(tpm));
  if (const std::uint32_t code = number_at(answer, 6); code != 0) {
    return Error(Code::tpm_failed,
                 "the TPM refused to extend PCR " + std::to_string(pcr) + ": its response code is 0x" + hex_of(code));
  }
  return {};
}

}  // namespace provision::host
