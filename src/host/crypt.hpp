// SPDX-License-Identifier: Apache-2.0
// Encrypted volumes: LUKS headers on block devices, and the mappings that show what is in them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "host/disks.hpp"

namespace provision::host {

// What the header on a device says (LUKS2 On-Disk Format Specification 1.1).
struct LuksHeader {
  // 1 or 2; 0: the device has none that is whole.
  std::int64_t version = 0;
  std::string uuid;
  std::string label;
  // Whether each opening lets discards through (the flag "allow-discards", of LUKS2 alone).
  bool discards = false;
  // A key slot is in use. A making that was cut leaves none.
  bool has_key = false;
  // A token of Clevis is there, and the key slot that it opens.
  bool bound = false;
  // The same of a TPM, as systemd-cryptenroll(1) has it (the token "systemd-tpm2"), and of a recovery key
  // ("systemd-recovery").
  bool tpm2 = false;
  bool recovery = false;
  // Its cipher is paes: the volume key is a secure key, which only the CryptoExpress cards that made it can use
  // (s390x).
  bool paes = false;
  // A token says which key that is in truth, as zkey-cryptsetup(1) setvp has it ("paes-verification-pattern").
  bool verified = false;
  bool operator==(const LuksHeader&) const = default;
};

// How a LUKS2 header is made (cryptsetup-luksFormat(8)). What is empty, or 0, is as cryptsetup has it.
struct LuksFormat {
  std::string uuid;
  std::string label;
  std::string subsystem;
  // "aes-xts-plain64", and the volume key's bits.
  std::string cipher;
  std::int64_t key_bits = 0;
  std::string hash;
  // "argon2id", "argon2i", "pbkdf2", and its costs: milliseconds that it shall take, or else iterations; KiB; threads.
  std::string pbkdf;
  std::int64_t pbkdf_milliseconds = 0;
  std::int64_t pbkdf_iterations = 0;
  std::int64_t pbkdf_memory = 0;
  std::int64_t pbkdf_threads = 0;
  // Bytes of an encryption sector: 512 to 4096.
  std::int64_t sector_size = 0;
  // Where the data begins, and to what it is aligned, in sectors of 512 bytes; of the first -1 leaves it to the other.
  std::int64_t offset = -1;
  std::int64_t alignment = 0;
  // Bytes of the metadata and of the room for key slots.
  std::int64_t metadata_size = 0;
  std::int64_t keyslots_size = 0;
  // -1: the first.
  std::int64_t key_slot = -1;
  std::string keyslot_cipher;
  std::int64_t keyslot_key_bits = 0;
  bool operator==(const LuksFormat&) const = default;
};

// How a volume is opened (cryptsetup-open(8)).
struct LuksOpen {
  // The first five are kept in the header, so that each later opening does the same.
  bool persistent = true;
  bool discards = false;
  bool same_cpu_crypt = false;
  bool submit_from_crypt_cpus = false;
  bool no_read_workqueue = false;
  bool no_write_workqueue = false;
  bool read_only = false;
  bool no_keyring = false;
  // -1: any.
  std::int64_t key_slot = -1;
  bool operator==(const LuksOpen&) const = default;
};

// What opens a LUKS2 volume.
struct LuksSlots {
  // The numbers of the key slots in use.
  std::vector<int> used;
  // The tokens in the order of their numbers: JSON objects with "type" and "keyslots" (On-Disk Format, section 3.5).
  std::vector<std::string> tokens;
  bool operator==(const LuksSlots&) const = default;
};

// A mapping that is there.
struct OpenVolume {
  // Of the LUKS header that it was opened by, in its usual form.
  std::string uuid;
  // The kernel's node ("/dev/dm-0").
  std::string node;
  bool operator==(const OpenVolume&) const = default;
};

// Calls for different devices may come at the same time; those that need much memory then wait for each other, by a
// budget that is taken from the machine's.
class Crypt {
 public:
  Crypt() = default;
  Crypt(const Crypt&) = delete;
  Crypt& operator=(const Crypt&) = delete;
  Crypt(Crypt&&) = delete;
  Crypt& operator=(Crypt&&) = delete;
  virtual ~Crypt() = default;

  virtual Result<LuksHeader> header(const DeviceRef& device) = 0;
  // Makes the device a LUKS2 volume with a new random volume key and one key slot, durably. Whatever was there is lost.
  virtual Result<void> format(const DeviceRef& device, const LuksFormat& format, const Secret& key) = 0;
  // The same with that volume key, whatever LuksFormat::key_bits says. It is not empty.
  virtual Result<void> format_with(const DeviceRef& device, const LuksFormat& format, const Secret& key,
                                   const Secret& volume_key) = 0;
  // Opens the volume as /dev/mapper/<name>, which is there on return. False: no key slot is opened by the key, and
  // nothing has changed. With an empty name it only says that.
  virtual Result<bool> open(const DeviceRef& device, const std::string& name, const LuksOpen& options,
                            const Secret& key) = 0;
  // What /dev/mapper/<name> is; nothing: no LUKS volume is open under that name. Code::conflict: another mapping has
  // it.
  virtual Result<std::optional<OpenVolume>> opened(const std::string& name) = 0;
  virtual Result<void> close(const std::string& name) = 0;
  virtual Result<LuksSlots> slots(const DeviceRef& device) = 0;
  // Gives the volume that `key` opens one more key slot, durably, and returns its number. `added` is random, so that
  // deriving from it need not be slow. Code::conflict: no key slot is opened by the key.
  virtual Result<int> add_key(const DeviceRef& device, const Secret& key, const Secret& added) = 0;
  // Durably. Its key slots are in use.
  virtual Result<void> add_token(const DeviceRef& device, const std::string& json) = 0;
  // Durably, and for good. Never the last one: Code::conflict.
  virtual Result<void> remove_slot(const DeviceRef& device, int slot) = 0;
  // Random bytes of the kernel's, as twice as many hex digits.
  virtual Result<Secret> new_key(std::size_t bytes) = 0;
};

}  // namespace provision::host
