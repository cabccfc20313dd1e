// SPDX-License-Identifier: Apache-2.0
#include "host/linux/signatures.hpp"

#include <blkid/blkid.h>

#include <memory>
#include <type_traits>

#include "base/text.hpp"
#include "host/linux/descriptor.hpp"

namespace provision::host {
namespace {

struct Freed {
  void operator()(blkid_probe probe) const { blkid_free_probe(probe); }
};
using Probe = std::unique_ptr<std::remove_pointer_t<blkid_probe>, Freed>;

enum class Chain : std::uint8_t { superblocks, partitions };

Result<Probe> make_probe(int fd, const std::string& node, Chain chain) {
  Probe probe(blkid_new_probe());
  // Offset 0 and size 0: the whole device.
  if (!probe || blkid_probe_set_device(probe.get(), fd, 0, 0) != 0) {
    return io_error("cannot probe " + node);
  }
  blkid_probe_enable_superblocks(probe.get(), chain == Chain::superblocks ? 1 : 0);
  blkid_probe_enable_partitions(probe.get(), chain == Chain::partitions ? 1 : 0);
  return probe;
}

// Labels are the bytes that are on the disk: made printable before anybody shows them or writes them into a plan.
std::string value_of(blkid_probe probe, const char* name) {
  const char* data = nullptr;
  if (blkid_probe_lookup_value(probe, name, &data, nullptr) != 0 || data == nullptr) {
    return {};
  }
  return printable(data);
}

// The results of blkid_do_safeprobe (libblkid's reference, "Low-level probing").
enum : int { found = 0, nothing = 1, ambivalent = -2 };

Error probe_error(const std::string& node) {
  const int saved = errno;
  return {Code::io, "cannot probe " + node + " for signatures", saved};
}

}  // namespace

Result<Signature> probe_signature(int fd, const std::string& node) {
  const Probe probe = TRY(make_probe(fd, node, Chain::superblocks));
  blkid_probe_set_superblocks_flags(probe.get(),
                                    BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID | BLKID_SUBLKS_USAGE);
  errno = 0;
  const int result = blkid_do_safeprobe(probe.get());
  if (result == nothing) {
    return Signature{};
  }
  if (result == ambivalent) {
    return Signature{"ambivalent", {}, {}, true};
  }
  if (result != found) {
    return probe_error(node);
  }
  return Signature{value_of(probe.get(), "TYPE"), value_of(probe.get(), "LABEL"), value_of(probe.get(), "UUID"), false};
}

Result<std::string> probe_table_name(int fd, const std::string& node) {
  const Probe probe = TRY(make_probe(fd, node, Chain::partitions));
  errno = 0;
  const int result = blkid_do_safeprobe(probe.get());
  if (result == nothing) {
    return std::string();
  }
  if (result == ambivalent) {
    return std::string("ambivalent");
  }
  if (result != found) {
    return probe_error(node);
  }
  return value_of(probe.get(), "PTTYPE");
}

Result<void> erase_signatures(int fd, const std::string& node) {
  const Probe probe = TRY(make_probe(fd, node, Chain::superblocks));
  // BADCSUM: also what is recognisable but damaged, as wipefs(8) does.
  blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_MAGIC | BLKID_SUBLKS_BADCSUM);
  // After each wipe libblkid looks again from the same prober on, so that a second copy is found as well. The bound is
  // for a device that drops what is written to it.
  constexpr int most_signatures = 1000;
  for (int i = 0; i < most_signatures; ++i) {
    errno = 0;
    const int result = blkid_do_probe(probe.get());
    if (result == nothing) {
      return {};
    }
    if (result != found) {
      return probe_error(node);
    }
    if (blkid_do_wipe(probe.get(), 0) != 0) {
      return io_error("cannot erase a signature on " + node);
    }
  }
  return Error(Code::io, node + " still has signatures after " + std::to_string(most_signatures) + " were erased");
}

}  // namespace provision::host
