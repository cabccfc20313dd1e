// SPDX-License-Identifier: Apache-2.0
#include "model/observe.hpp"

#include <algorithm>
#include <set>

#include "base/path.hpp"

namespace provision::model {
namespace {

constexpr std::size_t max_preset_bytes = 1U << 20U;

Result<void> see_disks(host::Host& host, const spec::Parsed& config, const Scope& scope, Inventory& inventory) {
  const auto& disks = config.config->storage.disks;
  for (std::size_t i = 0; i < disks.size(); ++i) {
    const host::DeviceRef ref{disks[i].device, {}, 0};
    const auto place = [&] {
      return origin_of(config, disks[i].place, "$.storage.disks." + std::to_string(i) + ".device", "device");
    };
    if (auto node = host.disks.await(ref, scope.patience); !node) {
      return std::move(node).error().at(place());
    }
    DiskView view;
    view.device = disks[i].device;
    view.facts = TRY_WHILE(host.disks.facts(ref), "looking at " + view.device);
    view.table = TRY_WHILE(host.disks.read_table(ref), "reading the partition table of " + view.device);
    if (scope.contents) {
      view.signature = TRY_WHILE(host.disks.probe(ref), "probing " + view.device);
      view.users = TRY_WHILE(host.disks.users(ref), "looking who uses " + view.device);
    }
    inventory.disks.push_back(std::move(view));
  }
  return {};
}

// Whether a partition of the config will be what `device` names: then it need not be there yet.
bool is_made_by(const spec::Disk& disk, const std::string& device) {
  return std::any_of(disk.partitions.begin(), disk.partitions.end(), [&](const spec::Partition& partition) {
    host::Table table;
    table.partitions.push_back({});
    table.partitions.back().number = partition.number;
    table.partitions.back().label = partition.label.value_or("");
    table.partitions.back().guid = Uuid::parse(partition.guid.value_or("")).value_or(Uuid{});
    Inventory inventory;
    inventory.disks.push_back({disk.device, {}, std::move(table), {}, {}});
    return resolve(inventory, device).disk == disk.device;
  });
}

Result<void> see_devices(host::Host& host, const spec::Parsed& config, const Scope& scope, Inventory& inventory) {
  const auto& filesystems = config.config->storage.filesystems;
  const auto& disks = config.config->storage.disks;
  for (std::size_t i = 0; i < filesystems.size(); ++i) {
    const std::string& device = filesystems[i].device;
    const host::DeviceRef ref = resolve(inventory, device);
    const bool to_be_made = ref.disk.empty() && std::any_of(disks.begin(), disks.end(),
                                                            [&](const spec::Disk& d) { return is_made_by(d, device); });
    if (!filesystems[i].format || to_be_made) {
      continue;
    }
    if (auto node = host.disks.await(ref, scope.patience); !node) {
      return std::move(node).error().at(
          origin_of(config, filesystems[i].place, "$.storage.filesystems." + std::to_string(i) + ".device", "device"));
    }
    DeviceView view;
    view.device = ref;
    view.signature = TRY_WHILE(host.disks.probe(ref), "probing " + device);
    view.users = TRY_WHILE(host.disks.users(ref), "looking who uses " + device);
    inventory.devices.push_back(std::move(view));
  }
  return {};
}

Result<void> see_mounts(host::Host& host, Inventory& inventory) {
  for (auto& entry : TRY(host.mounts.list())) {
    if (path::is_within(entry.target, host.target_path)) {
      const std::size_t prefix = host.target_path == "/" ? 0 : host.target_path.size();
      entry.target = entry.target.size() == prefix ? "/" : entry.target.substr(prefix);
      inventory.mounts.push_back(std::move(entry));
    }
  }
  return {};
}

// Accounts are always seen, because owners of files are given by name; what is secret only where it is needed.
Result<void> see_accounts(host::Host& host, const spec::Passwd& passwd, Inventory& inventory) {
  inventory.accounts = TRY(read_accounts(host.target));
  if (passwd.users.empty() && passwd.groups.empty()) {
    return {};
  }
  std::vector<std::string> users;
  std::vector<std::string> groups;
  for (const auto& user : passwd.users) {
    users.push_back(user.name);
  }
  for (const auto& group : passwd.groups) {
    groups.push_back(group.name);
  }
  inventory.account_files = TRY_WHILE(read_account_files(host.target, users, groups), "reading the target's accounts");
  inventory.account_files.today = day_of(host.clock.wall()).value_or(-1);
  return {};
}

// Where planning the accounts looks: homes, keys, spools, and mount points in homes.
void add_account_paths(const spec::Config& config, const Inventory& inventory, std::vector<std::string>& paths) {
  const AccountRules& rules = inventory.account_files.rules;
  for (const auto& user : config.passwd.users) {
    const UserView* there = inventory.accounts.user(user.name);
    const std::string home = home_of(user, inventory.accounts, rules);
    const std::string old = there != nullptr ? home_of(*there) : home;
    for (const auto& path : old == home ? std::vector{home} : std::vector{home, old}) {
      if (!path.empty()) {
        paths.push_back(path);
        paths.push_back(keys_path(path));
      }
    }
    paths.push_back(mail_path(user.name, rules));
    for (const auto& filesystem : config.storage.filesystems) {
      for (const auto& path : way_from(home, filesystem.path.value_or(""))) {
        paths.push_back(path);
      }
    }
  }
}

Result<void> see_files(host::Host& host, const spec::Config& config, Inventory& inventory) {
  std::vector<std::string> paths;
  add_account_paths(config, inventory, paths);
  for (const auto& file : config.storage.files) {
    paths.push_back(file.path);
  }
  for (const auto& unit : config.systemd.units) {
    paths.push_back(unit_path(unit.name));
  }
  if (!config.systemd.units.empty()) {
    paths.emplace_back(preset_path);
  }
  std::set<std::string> seen;
  for (const auto& path : paths) {
    if (!path::is_clean_absolute(path) || !seen.insert(path).second) {
      continue;
    }
    auto view = TRY_WHILE(look_at(host.target, path), "looking at " + path + " in the target");
    if (view && view->path == preset_path && view->kind == host::NodeKind::regular) {
      view->text = TRY(host.target.read(path, max_preset_bytes));
    }
    if (view) {
      inventory.files.push_back(*std::move(view));
    }
  }
  return {};
}

}  // namespace

Result<Inventory> observe(host::Host& host, const spec::Parsed& config, const Scope& scope) {
  Inventory inventory;
  inventory.machine = TRY(host.firmware.machine());
  if (scope.tables) {
    TRY(see_disks(host, config, scope, inventory));
  }
  if (scope.contents) {
    TRY(see_devices(host, config, scope, inventory));
  }
  if (scope.mounts) {
    TRY(see_mounts(host, inventory));
  }
  if (scope.files) {
    TRY(see_accounts(host, config.config->passwd, inventory));
    TRY(see_files(host, *config.config, inventory));
  }
  return inventory;
}

std::string home_of(const spec::User& user, const Accounts& accounts, const AccountRules& rules) {
  const UserView* there = accounts.user(user.name);
  std::string home = user.home_dir.value_or("");
  if (home.empty()) {
    home = there != nullptr ? there->home : rules.home + "/" + user.name;
  }
  return home.starts_with('/') ? path::clean(home) : std::string{};
}

std::string home_of(const UserView& user) {
  return user.home.starts_with('/') ? path::clean(user.home) : std::string{};
}

std::string keys_path(const std::string& home) { return path::join(home, ".ssh/authorized_keys.d/ignition"); }

std::string mail_path(const std::string& name, const AccountRules& rules) {
  return path::clean((rules.mail_dir.empty() ? "/var/mail" : rules.mail_dir) + "/" + name);
}

std::vector<std::string> way_from(const std::string& home, const std::string& path) {
  std::vector<std::string> way;
  if (home.empty() || home == "/" || !path::is_clean_absolute(path) || !path::is_within(path, home)) {
    return way;
  }
  for (std::string at = path; path::is_within(at, home); at = path::parent(at)) {
    way.insert(way.begin(), at);
  }
  return way;
}

std::string unit_path(std::string_view name) { return "/etc/systemd/system/" + std::string(name); }

Result<std::optional<FileView>> look_at(host::Files& files, const std::string& path) {
  const auto node = TRY(files.look(path));
  if (!node) {
    return std::optional<FileView>{};
  }
  FileView view;
  view.path = path;
  view.kind = node->kind;
  view.mode = static_cast<std::int64_t>(node->mode);
  view.uid = node->owner.uid;
  view.gid = node->owner.gid;
  view.target = node->target;
  if (node->kind == host::NodeKind::regular) {
    view.digest = TRY(files.digest(path, HashFunction::sha256));
  }
  return std::optional<FileView>(std::move(view));
}

Origin origin_of(const spec::Parsed& config, const spec::Located& place, std::string path, std::string_view key) {
  return config.sources.origin(place, std::move(path), key);
}

}  // namespace provision::model
