// SPDX-License-Identifier: Apache-2.0
// libcryptsetup's handle of a device, and what it says when something fails.
#pragma once

#include <libcryptsetup.h>

#include <memory>
#include <mutex>
#include <string>

#include "base/result.hpp"

namespace provision::host {

// Held during every call of libcryptsetup but the deriving of keys, which takes seconds: what it knows of device-mapper
// and of its own settings is kept for the whole process, without a lock of its own.
std::mutex& cryptsetup_lock();

// What was written to the device is on the medium.
Result<void> make_header_durable(const std::string& node);

class CryptDevice {
 public:
  // By the kernel's node.
  static Result<CryptDevice> at(const std::string& node);
  // Of an open mapping.
  static Result<CryptDevice> of_mapping(const std::string& name);

  [[nodiscard]] crypt_device* get() const { return device_.get(); }
  // What has been complained of since the last call of forget().
  [[nodiscard]] const std::string& complaints() const { return *said_; }
  void forget() { said_->clear(); }
  // Of a call that returned `negative_errno`: the sentence, and what was complained of or else the errno's text.
  [[nodiscard]] Error error(std::string sentence, int negative_errno) const;

 private:
  // Takes the lock: the last to go, also where a function returns early.
  struct Freed {
    void operator()(crypt_device* device) const;
  };

  explicit CryptDevice(crypt_device* device);

  // Its address stays: the handle has it.
  std::unique_ptr<std::string> said_;
  std::unique_ptr<crypt_device, Freed> device_;
};

}  // namespace provision::host
