// SPDX-License-Identifier: Apache-2.0
// The files of the root file system, and of others that must be kept, while their devices are made anew: where they
// are kept, and how much of them is where.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "plan/operation.hpp"

namespace provision::plan {

// Removes what has the path, a directory with all that is in it; nothing to do where nothing is there.
Result<void> remove_tree(host::Files& own, const std::string& path);

// What a file system has whose files are kept, or that is going to get them.
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

// Where the old file system, the new one and the copy are mounted while they are worked on, and the copy's name: in the
// file system that keeps it, and in the new one until it is whole. Each of those that are kept has its own.
struct Places {
  std::string before;
  std::string after;
  std::string keeper;
  std::string copy;
};

// `kept` as in SaveRoot.
Places places_of(const std::string& kept);

RootFilesystem keeper_of(const SaveRoot& operation);
RootFilesystem keeper_of(const RestoreRoot& operation);

// "the root file system, LABEL=ROOT," or "the file system LABEL=boot", for a sentence that goes on. `name` as in
// SaveRoot::root.
std::string kept_words(const std::string& kept, const std::string& name);

// Whether that file system is there now.
Result<bool> is_there(host::Host& host, const RootFilesystem& filesystem);

// Runs `work` with the file system mounted at `path`; it is unmounted again whatever becomes of that.
Result<void> with_mounted(host::Host& host, const RootFilesystem& filesystem, std::string_view path,
                          std::string_view options, const std::function<Result<void>()>& work);

// Of a file system that is mounted at `path`; `copy` is the copy's name. The journal's directory is nothing that it
// has.
Result<RootState> root_state(host::Files& own, std::string_view path, std::string_view copy,
                             const model::JournalPlace& journal = {});

// Of a file system with a whole copy, that is mounted at `root`: everything goes to its place, the stamp first, since
// without it a boot loader that is there by then would begin no first boot. The journal that was copied with all else
// goes nowhere: a later one is there.
Result<void> unpack_copy(host::Files& own, std::string_view root, std::string_view copy,
                         const model::JournalPlace& journal = {});

// The state of a file system that is not mounted, or at the journal's place; empty where there is no such file system.
Result<RootState> root_state_on(host::Host& host, const RootFilesystem& filesystem, const Places& places,
                                const model::JournalPlace& journal = {});

// Runs `work` with the path at which the file system can be read: where it is mounted as that of the journal, else as
// with_mounted() does, read-only.
Result<void> with_readable(host::Host& host, const RootFilesystem& filesystem, const std::string& path,
                           const model::JournalPlace& journal,
                           const std::function<Result<void>(const std::string& path)>& work);

// Of the old file system that is mounted at `path`: its files fit into the new one, and a FAT can hold them where one
// has to. Code::conflict, with the name of what does not.
Result<void> check_fits(host::Files& own, std::string_view path, const SaveRoot& operation);

// Runs `work` with that which keeps the copy mounted at its place. Memory stays there, with what is in it.
Result<void> with_keeper(host::Host& host, const RootFilesystem& keeper, const Places& places,
                         const std::function<Result<void>()>& work);

// Whether the copy is kept: whole, or empty since it is being forgotten.
Result<bool> is_kept(host::Host& host, const RootFilesystem& keeper, const Places& places);

// Whether the whole copy is kept. It is never empty.
Result<bool> has_files(host::Host& host, const RootFilesystem& keeper, const Places& places);

// Removes the copy, and memory that kept it.
Result<void> forget_copy(host::Host& host, const RootFilesystem& keeper, const Places& places);

// Until the root's name leads to the device: the next thing that the boot does is to mount what has that name, which
// until now the old root had. Not for ever: what follows waits for the name as well.
Result<void> await_name(host::Host& host, const std::string& root, const host::DeviceRef& device);

// What is to be said where the files are nowhere any more. `kept` and `name` as for kept_words().
Error root_is_lost(const std::string& kept, const std::string& name);

}  // namespace provision::plan
