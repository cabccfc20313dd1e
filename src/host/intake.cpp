// SPDX-License-Identifier: Apache-2.0
#include "host/intake.hpp"

namespace provision::host {

Intake::Intake(const FetchRequest& request, Sink& sink)
    : sink_(sink), packed_(request.compression == "gzip"), expected_(request.expected), max_bytes_(request.max_bytes) {
  reset();
}

void Intake::reset() {
  wire_bytes_ = 0;
  bytes_ = 0;
  unpacker_ = packed_ ? std::make_unique<Gunzip>() : nullptr;
  hasher_ = std::make_unique<Hasher>(expected_ ? expected_->function() : HashFunction::sha256);
}

Result<void> Intake::restart() {
  if (wire_bytes_ == 0) {
    return {};
  }
  reset();
  return sink_.restart();
}

Result<void> Intake::pass(std::string_view bytes) {
  if (bytes.size() > max_bytes_ - bytes_) {
    return Error(Code::bad_contents, "it is longer than " + std::to_string(max_bytes_) + " bytes");
  }
  bytes_ += bytes.size();
  hasher_->add(bytes);
  return sink_.write(bytes);
}

Result<void> Intake::add(std::string_view wire) {
  wire_bytes_ += wire.size();
  if (!unpacker_) {
    return pass(wire);
  }
  return unpacker_->add(wire, [this](std::string_view bytes) { return pass(bytes); });
}

Result<Fetched> Intake::finish() {
  if (unpacker_) {
    TRY(unpacker_->finish());
  }
  Fetched fetched{bytes_, hasher_->finish()};
  if (expected_ && fetched.digest != *expected_) {
    return Error(Code::bad_contents,
                 "its hash is " + fetched.digest.brief() + "… and not " + expected_->brief() + "…, as the config says");
  }
  return fetched;
}

}  // namespace provision::host
