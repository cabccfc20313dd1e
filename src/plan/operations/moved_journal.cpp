// SPDX-License-Identifier: Apache-2.0
#include "plan/operations/moved_journal.hpp"

#include <optional>

#include "base/path.hpp"
#include "base/text.hpp"
#include "plan/operations/parents.hpp"

namespace provision::plan {
namespace {

// Where the copy is until its place is free; in the memory that /run is.
constexpr std::string_view holding_path = "/run/provision/journal";
constexpr std::size_t max_record_bytes = 65536;
constexpr std::chrono::seconds patience{30};
// As the generator has the mount of the first one.
constexpr std::string_view mount_options = "rw,nosuid,nodev,noexec";

// Where the journal is: the lines of the file at moved_journal_path, in this order.
struct Whereabouts {
  std::string mount;
  std::string directory;
  // The kernel's node of the device that has it, and its format; empty: memory has it.
  std::string node{};
  std::string format{};

  [[nodiscard]] bool in_memory() const { return node.empty(); }
};

Result<std::optional<Whereabouts>> whereabouts(host::Files& own) {
  if (!TRY(own.look(moved_journal_path))) {
    return std::optional<Whereabouts>{};
  }
  constexpr std::size_t lines_of_all = 4;
  const std::string text = TRY(own.read(moved_journal_path, max_record_bytes));
  const auto lines = split(text, '\n');
  if (lines.size() < lines_of_all) {
    return Error(Code::journal_damaged, std::string(moved_journal_path) + " does not say where the journal is");
  }
  return std::optional(
      Whereabouts{std::string(lines[0]), std::string(lines[1]), std::string(lines[2]), std::string(lines[3])});
}

Result<void> record(host::Files& own, const Whereabouts& now) {
  return own.replace(moved_journal_path, now.mount + "\n" + now.directory + "\n" + now.node + "\n" + now.format + "\n",
                     0600, {});
}

// What is mounted there last; nothing: nothing is.
Result<std::optional<host::MountEntry>> mounted_at(host::Host& host, std::string_view path) {
  std::optional<host::MountEntry> found;
  for (auto& entry : TRY(host.mounts.list())) {
    if (entry.target == path) {
      found = std::move(entry);
    }
  }
  return found;
}

// What is mounted there is no memory.
Result<bool> is_of_a_device(host::Host& host, std::string_view path) {
  const auto entry = TRY(mounted_at(host, path));
  return entry && entry->type != "tmpfs";
}

// A file system that is mounted over what memory holds is the old one, which a unit has mounted again. What is bound
// there of memory itself stays.
Result<void> settle_in_memory(host::Host& host, const Whereabouts& now) {
  const std::string held = path::join(holding_path, now.directory);
  const std::string place = path::join(now.mount, now.directory);
  const bool is_held = TRY(host.own.look(held)).has_value();
  for (auto entry = TRY(mounted_at(host, now.mount)); entry && (is_held || entry->type != "tmpfs");) {
    TRY(host.mounts.unmount(now.mount));
    entry = TRY(mounted_at(host, now.mount));
  }
  if (!is_held) {
    return {};
  }
  TRY(remove_tree(host.own, place));
  return host.own.move(held, place);
}

Result<void> settle_on_device(host::Host& host, const Whereabouts& now) {
  for (auto entry = TRY(mounted_at(host, now.mount)); entry; entry = TRY(mounted_at(host, now.mount))) {
    if (entry->type != "tmpfs") {
      return {};
    }
    TRY(host.mounts.unmount(now.mount));
  }
  TRY(remove_tree(host.own, path::join(now.mount, now.directory)));
  TRY(host.mounts.mount(now.node, now.mount, now.format, mount_options));
  return TRY(mounted_at(host, now.mount))
             ? Result<void>()
             : Error(Code::not_satisfied, "nothing failed, yet " + now.node + " is not mounted");
}

Result<void> make_private(host::Files& own, const std::string& path, std::uint32_t mode) {
  TRY(own.set_attributes(path, mode, {}));
  const auto node = TRY(own.look(path));
  return node && node->mode == mode ? Result<void>()
                                    : Error(Code::not_satisfied, "nothing failed, yet " + path + " is open to others");
}

// As the journal's own files are made: those that a FAT shows have the modes of its mount.
Result<void> close_to_others(host::Files& own, const std::string& directory) {
  for (const auto& name : TRY(own.list(directory))) {
    const std::string path = path::join(directory, name);
    const auto node = TRY(own.look(path));
    if (node && node->kind == host::NodeKind::directory) {
      TRY(close_to_others(own, path));
    } else if (node && node->kind == host::NodeKind::regular) {
      TRY(make_private(own, path, 0600));
    }
  }
  return make_private(own, directory, 0700);
}

}  // namespace

Result<bool> has_journal_moved(host::Host& host) { return TRY(host.own.look(moved_journal_path)).has_value(); }

Result<bool> is_journal_in_memory(host::Host& host) {
  const auto now = TRY(whereabouts(host.own));
  return now && now->in_memory();
}

Result<bool> is_memory_needed(host::Host& host) {
  if (TRY(is_journal_in_memory(host))) {
    return true;
  }
  for (const auto& entry : TRY(host.mounts.list())) {
    const Places places = places_of(std::string(path::name(path::parent(entry.target))));
    const bool is_memory = entry.type == "tmpfs" && entry.target == places.keeper;
    if (is_memory && TRY(host.own.look(path::join(places.keeper, places.copy)))) {
      return true;
    }
  }
  return false;
}

Result<bool> is_journal_on(host::Host& host, const model::JournalPlace& journal, const RootFilesystem& filesystem) {
  const auto entry = TRY(mounted_at(host, journal.mount));
  if (!entry || !TRY(is_there(host, filesystem))) {
    return false;
  }
  constexpr std::chrono::milliseconds now{0};
  const auto there = host.disks.await({entry->source, {}, 0}, now);
  const auto wanted = host.disks.await(filesystem.device, now);
  return there && wanted && *there == *wanted;
}

Result<void> take_journal(host::Host& host, const model::JournalPlace& journal) {
  if (TRY(is_journal_in_memory(host))) {
    return settle_journal(host);
  }
  const std::string held = path::join(holding_path, journal.directory);
  TRY(make_real_directories(host.own, std::string(holding_path)));
  TRY(remove_tree(host.own, held));
  TRY(host.own.copy_tree(path::join(journal.mount, journal.directory), held, host::TreeTop::plain));
  TRY(close_to_others(host.own, held));
  TRY(record(host.own, {journal.mount, journal.directory}));
  auto settled = settle_journal(host);
  if (!settled && TRY(is_of_a_device(host, journal.mount))) {
    // It is where it was, and memory has no more than a copy.
    TRY(host.own.remove(moved_journal_path));
  }
  return settled;
}

Result<void> write_journal(host::Host& host, const model::JournalPlace& journal, std::string_view root) {
  if (!TRY(is_journal_in_memory(host))) {
    return {};
  }
  const std::string to = path::join(root, journal.directory);
  TRY(remove_tree(host.own, to));
  return host.own.copy_tree(path::join(journal.mount, journal.directory), to, host::TreeTop::plain);
}

Result<void> return_journal(host::Host& host, const model::JournalPlace& journal, const RootFilesystem& filesystem) {
  if (!TRY(is_journal_in_memory(host))) {
    return settle_journal(host);
  }
  const std::string node = TRY(host.disks.await(filesystem.device, patience));
  TRY(record(host.own, {journal.mount, journal.directory, node, filesystem.format}));
  return settle_journal(host);
}

Result<void> settle_journal(host::Host& host) {
  const auto now = TRY(whereabouts(host.own));
  if (!now) {
    return {};
  }
  return now->in_memory() ? settle_in_memory(host, *now) : settle_on_device(host, *now);
}

}  // namespace provision::plan
