// SPDX-License-Identifier: Apache-2.0
// The superblocks of md, format 1: what a device says of the RAID array that it is a member of. Read here, since
// libblkid tells the UUID and the name only, and mdadm what it knows in words for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "host/linux/block_device.hpp"

namespace provision::host {

// The bytes of a superblock with the roles of 384 devices, which are all that mdadm makes (super1.c).
inline constexpr std::size_t array_superblock_bytes = 1024;

// What `bytes` say, if they are a whole superblock that was made for `sector` (units of 512 bytes); nothing otherwise.
// (kernel: include/uapi/linux/raid/md_p.h, mdp_superblock_1; drivers/md/md.c, super_1_load.)
std::optional<ArrayMember> parse_array_superblock(std::string_view bytes, std::uint64_t sector);

// `fd` is the device, open for reading. No `array`: it is no member.
Result<ArrayMember> read_array_member(int fd, const BlockDevice& device);

}  // namespace provision::host
