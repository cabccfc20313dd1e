// SPDX-License-Identifier: Apache-2.0
#include "host/linux/crypt_device.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.hpp"
#include "host/linux/block_device.hpp"
#include "host/linux/descriptor.hpp"

namespace provision::host {
namespace {

// Nothing of it is key material: libcryptsetup names devices, ciphers and numbers.
void collect(int level, const char* message, void* user) noexcept {
  if (level != CRYPT_LOG_ERROR || user == nullptr || message == nullptr) {
    return;
  }
  auto& said = *static_cast<std::string*>(user);
  const std::string line(trim(message));
  if (!line.empty() && said.size() < 1000) {
    said += (said.empty() ? "" : " ") + printable(line);
  }
}

// Without a handle there is nobody to tell, and without a callback it would go to the standard error.
void prepare() {
  crypt_set_log_callback(nullptr, collect, nullptr);
  // With its locks libcryptsetup would mend a broken copy of a header when it merely reads the other, and leave a
  // directory in /run. What they are for, two programs that write one header at the same time, the engine's own lock
  // keeps away.
  static_cast<void>(crypt_metadata_locking(nullptr, 0));
}

// A first call of its own makes libcryptsetup set up its random numbers and its algorithms, which it does without a
// lock; what derives keys comes later and finds them there.
void set_up_algorithms(crypt_device* device) {
  static_cast<void>(crypt_set_pbkdf_type(device, crypt_get_pbkdf_default(CRYPT_LUKS2)));
}

int negative(int result) { return result < 0 ? result : -EINVAL; }

}  // namespace

Result<void> make_header_durable(const std::string& node) {
  const Descriptor file = TRY(open_device(node, O_RDONLY));
  if (uninterrupted([&] { return ::fsync(file.get()); }) != 0) {
    return io_error("cannot make the header of the encrypted volume on " + node + " durable");
  }
  return {};
}

std::mutex& cryptsetup_lock() {
  static std::mutex lock;
  return lock;
}

CryptDevice::CryptDevice(crypt_device* device) : said_(std::make_unique<std::string>()), device_(device) {
  crypt_set_log_callback(device, collect, said_.get());
}

void CryptDevice::Freed::operator()(crypt_device* device) const {
  const std::lock_guard lock(cryptsetup_lock());
  crypt_free(device);
}

Result<CryptDevice> CryptDevice::at(const std::string& node) {
  crypt_device* device = nullptr;
  int result = 0;
  {
    const std::lock_guard lock(cryptsetup_lock());
    prepare();
    result = crypt_init(&device, node.c_str());
    if (result == 0) {
      set_up_algorithms(device);
    }
  }
  if (result != 0) {
    return Error(Code::io, "cannot look at " + node, -negative(result));
  }
  return CryptDevice(device);
}

Result<CryptDevice> CryptDevice::of_mapping(const std::string& name) {
  crypt_device* device = nullptr;
  int result = 0;
  {
    const std::lock_guard lock(cryptsetup_lock());
    prepare();
    result = crypt_init_by_name(&device, name.c_str());
  }
  if (result != 0) {
    return Error(Code::io, "cannot look at the mapping " + printable(name), -negative(result));
  }
  return CryptDevice(device);
}

Error CryptDevice::error(std::string sentence, int negative_errno) const {
  const Code code = negative_errno == -EBUSY     ? Code::device_busy
                    : negative_errno == -ENOTSUP ? Code::unsupported
                                                 : Code::io;
  if (complaints().empty()) {
    return {code, std::move(sentence), -negative(negative_errno)};
  }
  return {code, std::move(sentence) + ": " + complaints()};
}

}  // namespace provision::host
