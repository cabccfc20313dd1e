// SPDX-License-Identifier: Apache-2.0
// How a LUKS2 header is made: as cryptsetup's own program does it (src/cryptsetup.c, luksFormat; src/utils_luks.c,
// set_pbkdf_params), but for the costs of a key slot, which are measured once.
#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/text.hpp"
#include "host/linux/block_device.hpp"
#include "host/linux/crypt.hpp"

namespace provision::host {
namespace {

struct Cipher {
  std::string name;
  std::string mode;
};

// lib/utils_crypt.c, crypt_parse_name_and_mode.
Cipher cipher_of(const std::string& text) {
  const std::string whole = text.empty() ? "aes-xts-plain64" : text;
  const std::size_t dash = whole.find('-');
  if (dash != std::string::npos && dash + 1 < whole.size()) {
    const std::string mode = whole.substr(dash + 1);
    return {whole.substr(0, dash), mode == "plain" ? "cbc-plain" : mode};
  }
  if (whole == "null" || whole == "cipher_null") {
    return {"cipher_null", "ecb"};
  }
  return {whole.substr(0, dash), "cbc-plain"};
}

// XTS takes two keys.
std::size_t volume_key_bytes(const LuksFormat& format, const Cipher& cipher) {
  const std::int64_t usual = cipher.mode.starts_with("xts-") ? 512 : 256;
  return static_cast<std::size_t>((format.key_bits > 0 ? format.key_bits : usual) / 8);
}

const char* or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

// The numbers of a config may be of any size; libcryptsetup's are not.
bool fits(const LuksFormat& format) {
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  const auto small = [](std::int64_t number) { return number >= 0 && number <= most; };
  return small(format.key_bits) && small(format.pbkdf_milliseconds) && small(format.pbkdf_iterations) &&
         small(format.pbkdf_memory) && small(format.pbkdf_threads) && small(format.sector_size) &&
         small(format.alignment) && small(format.keyslot_key_bits) && format.metadata_size >= 0 &&
         format.keyslots_size >= 0 && format.key_slot <= most;
}

std::uint32_t or_usual(std::int64_t number, std::uint32_t usual) {
  return number > 0 ? static_cast<std::uint32_t>(number) : usual;
}

crypt_pbkdf_type kind_of(const LuksFormat& format) {
  const crypt_pbkdf_type& usual = *crypt_get_pbkdf_default(CRYPT_LUKS2);
  crypt_pbkdf_type kind{};
  kind.type = format.pbkdf.empty() ? usual.type : format.pbkdf.c_str();
  kind.hash = format.hash.empty() ? usual.hash : format.hash.c_str();
  kind.time_ms = or_usual(format.pbkdf_milliseconds, usual.time_ms);
  if (std::string_view(kind.type) != CRYPT_KDF_PBKDF2) {
    kind.max_memory_kb = or_usual(format.pbkdf_memory, usual.max_memory_kb);
    kind.parallel_threads = or_usual(format.pbkdf_threads, usual.parallel_threads);
  }
  if (format.pbkdf_iterations > 0) {
    kind.iterations = static_cast<std::uint32_t>(format.pbkdf_iterations);
    kind.time_ms = 0;
    kind.flags = CRYPT_PBKDF_NO_BENCHMARK;
  }
  return kind;
}

// Before anything is written: what libcryptsetup refuses of the costs and sizes.
Result<void> set_sizes(CryptDevice& device, const LuksFormat& format, const std::string& sentence) {
  crypt_set_rng_type(device.get(), CRYPT_RNG_URANDOM);
  if (format.metadata_size > 0 || format.keyslots_size > 0) {
    const int result = crypt_set_metadata_size(device.get(), static_cast<std::uint64_t>(format.metadata_size),
                                               static_cast<std::uint64_t>(format.keyslots_size));
    if (result != 0) {
      return Error(Code::unsupported, sentence + ": LUKS2 has no such sizes of its metadata or room for key slots");
    }
  }
  if (format.offset >= 0) {
    const int result = crypt_set_data_offset(device.get(), static_cast<std::uint64_t>(format.offset));
    if (result != 0) {
      return device.error(sentence, result);
    }
  }
  const crypt_pbkdf_type kind = kind_of(format);
  if (const int result = crypt_set_pbkdf_type(device.get(), &kind); result != 0) {
    return device.error(sentence, result);
  }
  return {};
}

Result<void> write_header(CryptDevice& device, const LuksFormat& format, const Secret& volume_key,
                          const std::string& sentence) {
  const Cipher cipher = cipher_of(format.cipher);
  crypt_params_luks2 parameters{};
  parameters.data_alignment = static_cast<std::size_t>(format.alignment);
  parameters.sector_size = static_cast<std::uint32_t>(format.sector_size);
  parameters.label = or_null(format.label);
  parameters.subsystem = or_null(format.subsystem);
  // Null: libcryptsetup draws one.
  const char* const given = volume_key.empty() ? nullptr : volume_key.view().data();
  const std::size_t size = volume_key.empty() ? volume_key_bytes(format, cipher) : volume_key.size();
  int result = crypt_format(device.get(), CRYPT_LUKS2, cipher.name.c_str(), cipher.mode.c_str(), or_null(format.uuid),
                            given, size, &parameters);
  if (result == 0 && (!format.keyslot_cipher.empty() || format.keyslot_key_bits > 0)) {
    result = crypt_keyslot_set_encryption(device.get(), or_null(format.keyslot_cipher),
                                          static_cast<std::size_t>(format.keyslot_key_bits / 8));
  }
  if (result != 0) {
    return device.error(sentence, result);
  }
  return {};
}

std::string making(const std::string& node) { return "cannot make an encrypted volume of " + node; }

}  // namespace

Result<void> LinuxCrypt::format(const DeviceRef& device, const LuksFormat& format, const Secret& key) {
  return format_with(device, format, key, Secret());
}

Result<void> LinuxCrypt::format_with(const DeviceRef& device, const LuksFormat& format, const Secret& key,
                                     const Secret& volume_key) {
  const BlockDevice found = TRY(find_device(device));
  if (!fits(format)) {
    return Error(Code::unsupported, making(found.node) + ": a number is too large, or less than nothing");
  }
  {
    CryptDevice crypt = TRY(CryptDevice::at(found.node));
    {
      const std::lock_guard lock(cryptsetup_lock());
      TRY(set_sizes(crypt, format, making(found.node)));
      TRY(write_header(crypt, format, volume_key, making(found.node)));
    }
    TRY(add_first_key(crypt, format, found.node, key));
  }
  return make_header_durable(found.node);
}

// What a kind of costs comes to on this machine (lib/utils_benchmark.c, crypt_benchmark_pbkdf_internal).
Result<LinuxCrypt::Costs> LinuxCrypt::measured(CryptDevice& device, const crypt_pbkdf_type& kind,
                                               std::size_t key_bytes) {
  const std::lock_guard lock(measuring_);
  Costs& costs = measured_[Measure{kind.type, kind.hash == nullptr ? "" : kind.hash, kind.time_ms, kind.max_memory_kb,
                                   kind.parallel_threads, key_bytes}];
  if (costs.iterations != 0) {
    return costs;
  }
  // A key that is derived meanwhile would make the machine look slower than it is.
  const auto alone = budget_.take_all();
  crypt_pbkdf_type tried = kind;
  const bool by_iterations = std::string_view(kind.type) == CRYPT_KDF_PBKDF2;
  tried.time_ms = by_iterations ? 1000 : kind.time_ms;
  const std::string_view salt = "0123456789abcdef0123456789abcdef";
  const int result = crypt_benchmark_pbkdf(device.get(), &tried, "foobarfo", 8, salt.data(),
                                           by_iterations ? salt.size() / 2 : salt.size(), key_bytes, nullptr, nullptr);
  if (result < 0) {
    return device.error("cannot measure what deriving a key by " + printable(kind.type) + " costs", result);
  }
  std::uint64_t iterations = tried.iterations;
  if (by_iterations) {
    constexpr std::uint64_t fewest = 1000;
    iterations = std::max(fewest, iterations * kind.time_ms / 1000);
  }
  costs.iterations = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(iterations, static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max())));
  costs.memory = tried.max_memory_kb;
  return costs;
}

Result<void> LinuxCrypt::add_first_key(CryptDevice& device, const LuksFormat& format, const std::string& node,
                                       const Secret& key) {
  // As libcryptsetup has fitted it to the machine: no more threads than processors, no more than half of the memory.
  crypt_pbkdf_type kind = *crypt_get_pbkdf_type(device.get());
  const std::string type = kind.type;
  const std::string hash = kind.hash == nullptr ? "" : kind.hash;
  kind.type = type.c_str();
  kind.hash = or_null(hash);
  if ((kind.flags & CRYPT_PBKDF_NO_BENCHMARK) == 0) {
    std::size_t key_bytes = 0;
    static_cast<void>(crypt_keyslot_get_encryption(device.get(), CRYPT_ANY_SLOT, &key_bytes));
    const Costs costs = TRY(measured(device, kind, key_bytes));
    kind.iterations = costs.iterations;
    kind.max_memory_kb = type == CRYPT_KDF_PBKDF2 ? 0 : costs.memory;
    kind.time_ms = 0;
    kind.flags |= CRYPT_PBKDF_NO_BENCHMARK;
  }
  const auto share = budget_.take(kind.max_memory_kb);
  int result = crypt_set_pbkdf_type(device.get(), &kind);
  if (result == 0) {
    const int slot = format.key_slot < 0 ? CRYPT_ANY_SLOT : static_cast<int>(format.key_slot);
    result = crypt_keyslot_add_by_volume_key(device.get(), slot, nullptr, 0, key.empty() ? "" : key.view().data(),
                                             key.size());
  }
  if (result < 0) {
    return device.error(making(node), result);
  }
  return {};
}

}  // namespace provision::host
