// SPDX-License-Identifier: Apache-2.0
// The files of the root file system while its device is made anew: where they are kept, and how much of them is where.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "plan/operation.hpp"

namespace provision::plan {

// What a file system has that was the root, or is going to be.
enum class RootState : std::uint8_t {
  // Nothing, or a copy that is not whole.
  empty,
  // The whole copy, of which not everything is in its place yet.
  copied,
  whole,
};

struct RootFilesystem {
  host::DeviceRef device;
  std::string format;
  // Its UUID.
  std::string id{};
};

// Where the old root, the new one and the copy are mounted while they are worked on.
inline constexpr std::string_view old_root_path = "/run/provision/root/old";
inline constexpr std::string_view new_root_path = "/run/provision/root/new";
inline constexpr std::string_view keeper_path = "/run/provision/root/keeper";
// The copy in the file system that keeps it, and in the new root until it is whole.
inline constexpr std::string_view copy_name = ".provision-root";

// Whether that file system is there now.
Result<bool> is_there(host::Host& host, const RootFilesystem& filesystem);

// Runs `work` with the file system mounted at `path`; it is unmounted again whatever becomes of that.
Result<void> with_mounted(host::Host& host, const RootFilesystem& filesystem, std::string_view path,
                          std::string_view options, const std::function<Result<void>()>& work);

// Of a file system that is mounted at `path`.
Result<RootState> root_state(host::Files& own, std::string_view path);

// Of a file system with a whole copy, that is mounted at `root`: everything goes to its place.
Result<void> unpack_copy(host::Files& own, std::string_view root);

// The state of a file system that is not mounted; empty where there is no such file system.
Result<RootState> root_state_on(host::Host& host, const RootFilesystem& filesystem);

// Runs `work` with that which keeps the copy at `keeper_path`. Memory stays there, with what is in it.
Result<void> with_keeper(host::Host& host, const RootFilesystem& keeper, const std::function<Result<void>()>& work);

// Whether the whole copy is kept.
Result<bool> is_kept(host::Host& host, const RootFilesystem& keeper);

// Removes the copy, and memory that kept it.
Result<void> forget_copy(host::Host& host, const RootFilesystem& keeper);

// Until the root's name leads to the device: the next thing that the boot does is to mount what has that name, which
// until now the old root had. Not for ever: what follows waits for the name as well.
Result<void> await_name(host::Host& host, const std::string& root, const host::DeviceRef& device);

// What is to be said where the files are nowhere any more.
Error root_is_lost(const std::string& root);

}  // namespace provision::plan
