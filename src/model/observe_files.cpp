// SPDX-License-Identifier: Apache-2.0
#include "model/observe_files.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "base/path.hpp"
#include "base/text.hpp"
#include "model/cards.hpp"
#include "model/enablement.hpp"
#include "model/observe.hpp"
#include "spec/inline_bytes.hpp"
#include "spec/subvolumes.hpp"

namespace provision::model {
namespace {

constexpr std::size_t max_preset_bytes = 1U << 20U;
constexpr std::size_t max_text_bytes = 1U << 20U;

bool is_enabling_folder(std::string_view path) {
  return path.ends_with(".wants") || path.ends_with(".requires") || path.ends_with(".upholds");
}

class Looker {
 public:
  Looker(host::Host& host, const spec::Parsed& parsed, Inventory& inventory)
      : host_(host), parsed_(parsed), inventory_(inventory) {}

  Result<void> run() {
    const spec::Storage& storage = parsed_.config->storage;
    TRY(see_accounts());
    TRY(see_homes());
    TRY(see_skeleton());
    TRY(see_all(storage.directories, "directories"));
    TRY(see_all(storage.files, "files"));
    TRY(see_all(storage.links, "links"));
    TRY(see_archives());
    for (std::size_t i = 0; i < storage.files.size(); ++i) {
      TRY(at(see_content(storage.files[i]), origin(storage.files[i].place, "files", i)));
    }
    for (std::size_t i = 0; i < storage.links.size(); ++i) {
      TRY(at(see_hard_link(storage.links[i]), origin(storage.links[i].place, "links", i)));
    }
    TRY(see_units());
    TRY(see_volume_keys());
    TRY(see(std::string(result_path)));
    TRY(see_policy());
    return {};
  }

 private:
  [[nodiscard]] Origin origin(const spec::Located& place, const std::string& list, std::size_t index) const {
    return parsed_.sources.origin(place, "$.storage." + list + "." + std::to_string(index), "path");
  }

  static Result<void> at(Result<void> result, Origin place) {
    return result ? Result<void>() : std::move(result).error().at(std::move(place));
  }

  template <class List>
  Result<void> see_all(const List& list, const std::string& name) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      TRY(at(see(list[i].path), origin(list[i].place, name, i)));
    }
    return {};
  }

  // The directories that archives are unpacked into.
  Result<void> see_archives() {
    const auto& archives = parsed_.config->provision.archives;
    for (std::size_t i = 0; i < archives.size(); ++i) {
      const std::string path = "$.provision.archives." + std::to_string(i);
      TRY(at(see(archives[i].path), parsed_.sources.origin(archives[i].place, path, "path")));
    }
    return {};
  }

  // What is there, and each directory and link above it; where a link leads too.
  Result<void> see(const std::string& path) {
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
      if (!TRY(see_one(path.substr(0, slash)))) {
        return {};
      }
    }
    TRY(see_one(path));
    return {};
  }

  // Whether something can be below it.
  Result<bool> see_one(const std::string& path) {
    if (!seen_.insert(path).second) {
      const FileView* const view = inventory_.file(path);
      return view != nullptr && view->kind != host::NodeKind::regular;
    }
    auto view = TRY_WHILE(look_at(host_.target, path), "looking at " + path + " in the target");
    if (!view) {
      return false;
    }
    const host::NodeKind kind = view->kind;
    const std::string target = view->target;
    inventory_.files.push_back(*std::move(view));
    if (kind == host::NodeKind::symlink) {
      TRY(see(target.starts_with('/') ? path::clean(target) : path::join(path::parent(path), target)));
    }
    return kind != host::NodeKind::regular;
  }

  // Accounts are always seen, because owners of files are given by name; what is secret only where it is needed.
  Result<void> see_accounts() {
    inventory_.accounts = TRY_WHILE(read_accounts(host_.target), "reading the target's users and groups");
    const spec::Passwd& passwd = parsed_.config->passwd;
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
    // A user may have, or get, a group of its own.
    for (const auto& name : users) {
      if (std::find(groups.begin(), groups.end(), name) == groups.end()) {
        groups.push_back(name);
      }
    }
    AccountFiles& files = inventory_.account_files;
    files = TRY_WHILE(read_account_files(host_.target, users, groups), "reading the target's accounts");
    files.today = day_of(host_.clock.wall()).value_or(-1);
    // Where the databases are, and the logs that may know of an earlier owner of a number.
    TRY(see("/etc"));
    return see("/var/log");
  }

  // Where planning the accounts looks: homes, keys, spools, and mount points in homes.
  Result<void> see_homes() {
    const auto& users = parsed_.config->passwd.users;
    for (std::size_t i = 0; i < users.size(); ++i) {
      for (const auto& path : account_paths(users[i])) {
        if (path::is_clean_absolute(path)) {
          TRY(at(see(path), parsed_.sources.origin(users[i].place, "$.passwd.users." + std::to_string(i), "name")));
        }
      }
    }
    return {};
  }

  // What a home that is to be made will hold, so that files of the config in it are planned over that.
  Result<void> see_skeleton() {
    const auto& users = parsed_.config->passwd.users;
    const auto gets_one = [&](const spec::User& user) {
      const std::string home = home_of(user, inventory_.accounts, inventory_.account_files.rules);
      return user.should_exist.value_or(true) && !user.no_create_home.value_or(false) && !home.empty() &&
             inventory_.accounts.user(user.name) == nullptr && inventory_.file(home) == nullptr;
    };
    const std::string skel = path::clean(inventory_.account_files.rules.skel);
    if (!path::is_clean_absolute(skel) || std::none_of(users.begin(), users.end(), gets_one)) {
      return {};
    }
    TRY(see(skel));
    const std::string real = skeleton_place(inventory_, skel);
    return real.empty() || real == "/" ? Result<void>() : see_below(real);
  }

  // Links are not followed: they are copied as they are.
  Result<void> see_below(const std::string& folder) {
    for (const auto& name : TRY_WHILE(host_.target.list(folder), "looking into " + folder + " in the target")) {
      const std::string path = path::join(folder, name);
      TRY(see_one(path));
      const FileView* const view = inventory_.file(path);
      if (view != nullptr && view->kind == host::NodeKind::directory) {
        TRY(see_below(path));
      }
    }
    return {};
  }

  [[nodiscard]] std::vector<std::string> account_paths(const spec::User& user) const {
    const AccountRules& rules = inventory_.account_files.rules;
    const UserView* const there = inventory_.accounts.user(user.name);
    // A user that is to go has nothing but what it had.
    const bool wanted = user.should_exist.value_or(true);
    const std::string home = wanted ? home_of(user, inventory_.accounts, rules) : std::string{};
    std::vector<std::string> paths{home, home_of(there != nullptr ? *there : UserView{}), mail_path(user.name, rules)};
    for (std::size_t i = 0; i < 2; ++i) {
      if (!paths[i].empty()) {
        paths.push_back(keys_path(paths[i]));
      }
    }
    for (const auto& mount : spec::mount_paths(*parsed_.config)) {
      const auto way = way_from(home, mount);
      paths.insert(paths.end(), way.begin(), way.end());
    }
    return paths;
  }

  FileView* view_of(const std::string& path) {
    const auto found = std::find_if(inventory_.files.begin(), inventory_.files.end(),
                                    [&](const FileView& view) { return view.path == path; });
    return found == inventory_.files.end() ? nullptr : &*found;
  }

  Result<void> see_content(const spec::File& file) {
    FileView* const view = view_of(file.path);
    if (view == nullptr || view->kind != host::NodeKind::regular) {
      return {};
    }
    const auto hash = Digest::parse(file.contents.verification.hash.value_or(""));
    if (hash && hash->function() == HashFunction::sha512 && !spec::is_inline(file.contents)) {
      view->sha512 = TRY(host_.target.digest(file.path, HashFunction::sha512));
    }
    return file.contents.source.value_or("").empty() ? see_appended(file, *view) : Result<void>();
  }

  // A config whose bytes cannot be had is for the planner to refuse.
  Result<void> see_appended(const spec::File& file, FileView& view) {
    std::string bytes;
    for (const auto& fragment : file.append) {
      const auto more = spec::is_inline(fragment) ? spec::inline_bytes(fragment) : Result<std::string>(Error{});
      if (!more) {
        return {};
      }
      bytes += *more;
    }
    if (bytes.empty()) {
      return {};
    }
    const std::string old = TRY(host_.target.read(file.path, max_kept_bytes));
    view.appended = old.ends_with(bytes);
    view.extended = Digest::sha256(old + bytes);
    return {};
  }

  Result<void> see_hard_link(const spec::Link& link) {
    if (!link.hard.value_or(false)) {
      return {};
    }
    const std::string target = hard_target(link);
    TRY(see(target));
    if (FileView* const view = view_of(link.path); view != nullptr && TRY(host_.target.is_same(link.path, target))) {
      view->same_as = target;
    }
    return {};
  }

  Result<void> see_units() {
    const auto& units = parsed_.config->systemd.units;
    for (const auto& unit : units) {
      if (!is_plain_name(unit.name)) {
        continue;
      }
      TRY(see(unit_path(unit.name)));
      for (const auto& dropin : unit.dropins) {
        if (is_plain_name(dropin.name)) {
          TRY(see(dropin_path(unit.name, dropin.name)));
        }
      }
    }
    if (units.empty()) {
      return {};
    }
    TRY(see(std::string(preset_path)));
    if (FileView* const view = view_of(std::string(preset_path));
        view != nullptr && view->kind == host::NodeKind::regular) {
      view->text = TRY(host_.target.read(preset_path, max_preset_bytes));
    }
    TRY(see_enablement());
    return see_missing_presets();
  }

  Result<void> see_text(const std::string& path) {
    TRY(see(path));
    if (FileView* const view = view_of(path); view != nullptr && view->kind == host::NodeKind::regular) {
      view->text = TRY(host_.target.read(path, max_text_bytes));
    }
    return {};
  }

  // The keys of encrypted volumes, and the table of those.
  Result<void> see_volume_keys() {
    const auto& volumes = parsed_.config->storage.luks;
    if (volumes.empty()) {
      return {};
    }
    TRY(see(std::string(keys_directory)));
    for (const auto& volume : volumes) {
      if (is_plain_name(volume.name)) {
        TRY(see_key(volume_key_path(volume.name)));
        TRY(see_secure_key(volume));
      }
    }
    for (const auto& enrollment : parsed_.config->provision.enrollments) {
      const std::string path = enrollment.recovery_key.path.value_or("");
      if (path::is_clean_absolute(path)) {
        TRY(see_key(path));
      }
    }
    return see_text(std::string(crypttab_path));
  }

  Result<void> see_secure_key(const spec::Luks& volume) {
    if (!wants_card(volume)) {
      return {};
    }
    for (const auto part : secure_key_parts) {
      TRY(see_key(secure_key_path(volume.name, part)));
    }
    return {};
  }

  // A digest of a short key would be one to guess it by.
  Result<void> see_key(const std::string& path) {
    TRY(see(path));
    if (FileView* const view = view_of(path)) {
      view->digest = {};
    }
    return {};
  }

  // The unit file that the config brings.
  [[nodiscard]] bool is_written(const std::string& path) const {
    const auto& units = parsed_.config->systemd.units;
    return std::any_of(units.begin(), units.end(), [&](const spec::Unit& unit) {
      return !unit.contents.value_or("").empty() && unit_path(unit.name) == path;
    });
  }

  // Where the first boot applies no presets: the files of the units that the config wants enabled, and what is at the
  // links that enable them.
  Result<void> see_missing_presets() {
    const auto& units = parsed_.config->systemd.units;
    std::vector<std::string> names;
    for (const auto& unit : units) {
      if (unit.enabled.value_or(false)) {
        names.push_back(unit.name);
        const auto more = enabled_with(unit.contents.value_or(""));
        names.insert(names.end(), more.begin(), more.end());
      }
    }
    if (names.empty()) {
      return {};
    }
    TRY(see_text(std::string(machine_id_path)));
    if (applies_presets(*parsed_.config, inventory_)) {
      return {};
    }
    std::set<std::string> known;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string name = names[i];
      if (!is_plain_name(name) || !known.insert(name).second) {
        continue;
      }
      for (const auto& path : image_unit_paths(name)) {
        if (is_written(path)) {
          continue;
        }
        TRY(see_text(path));
        const FileView* const view = inventory_.file(path);
        const auto more = enabled_with(view != nullptr ? view->text : std::string());
        names.insert(names.end(), more.begin(), more.end());
      }
    }
    for (const auto& link : enabling_links(*parsed_.config, inventory_)) {
      TRY(see(link.path));
    }
    return {};
  }

  // The links by which a unit is enabled that the config wants disabled.
  Result<void> see_enablement() {
    const auto& units = parsed_.config->systemd.units;
    const bool any =
        std::any_of(units.begin(), units.end(), [](const spec::Unit& unit) { return unit.enabled == false; });
    const auto folder = TRY(host_.target.look(units_path));
    if (!any || !folder || folder->kind != host::NodeKind::directory) {
      return {};
    }
    for (const auto& name : TRY(host_.target.list(units_path))) {
      const std::string path = unit_path(name);
      const auto node = TRY(host_.target.look(path));
      if (node && node->kind == host::NodeKind::directory && is_enabling_folder(path)) {
        TRY(see(path));
        TRY(see_enabling_links(path, TRY(host_.target.list(path))));
      } else if (node && node->kind == host::NodeKind::symlink) {
        TRY(see_enabling_links(std::string(units_path), {name}));
      }
    }
    return {};
  }

  Result<void> see_enabling_links(const std::string& folder, const std::vector<std::string>& names) {
    const auto& units = parsed_.config->systemd.units;
    for (const auto& name : names) {
      const std::string path = path::join(folder, name);
      const auto view = TRY(look_at(host_.target, path));
      const bool wanted = view && std::any_of(units.begin(), units.end(), [&](const spec::Unit& unit) {
                            return unit.enabled == false && enables(*view, unit.name);
                          });
      if (wanted) {
        TRY(see(path));
      }
    }
    return {};
  }

  Result<void> see_policy() {
    const auto node = TRY(host_.target.look(policy_config_path));
    if (!node || node->kind != host::NodeKind::regular) {
      return {};
    }
    const std::string text = TRY(host_.target.read(policy_config_path, max_text_bytes));
    for (const auto line : split(text, '\n')) {
      constexpr std::string_view key = "SELINUXTYPE=";
      if (trim(line).starts_with(key)) {
        inventory_.policy.name = trim(trim(line).substr(key.size()));
      }
    }
    if (!is_plain_name(inventory_.policy.name) || !TRY(host_.target.look(file_contexts_path(inventory_.policy.name)))) {
      inventory_.policy.name.clear();
    }
    constexpr std::array<std::string_view, 4> folders{"/usr/sbin", "/usr/bin", "/sbin", "/bin"};
    for (const auto folder : folders) {
      const bool there = TRY(host_.own.look(path::join(folder, "setfiles"))).has_value();
      inventory_.policy.setfiles = inventory_.policy.setfiles || there;
    }
    return {};
  }

  host::Host& host_;
  const spec::Parsed& parsed_;
  Inventory& inventory_;
  std::set<std::string> seen_;
};

}  // namespace

bool is_plain_name(std::string_view name) {
  return !name.empty() && !name.starts_with('.') && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

std::string hard_target(const spec::Link& link) { return path::clean("/" + link.target.value_or("")); }

bool enables(const FileView& link, std::string_view unit) {
  if (link.kind != host::NodeKind::symlink) {
    return false;
  }
  const std::string folder = path::parent(link.path);
  if (folder == units_path) {
    return path::name(link.target) == unit && path::name(link.path) != unit;
  }
  const std::string_view name = path::name(link.path);
  const std::size_t at = unit.find('@');
  const bool is_template = at != std::string_view::npos && unit.substr(at + 1, 1) == ".";
  const bool instance = is_template && name.starts_with(unit.substr(0, at + 1)) && name.ends_with(unit.substr(at + 1));
  return is_enabling_folder(folder) && path::parent(folder) == units_path && (name == unit || instance);
}

Result<void> see_files(host::Host& host, const spec::Parsed& config, Inventory& inventory) {
  return Looker(host, config, inventory).run();
}

}  // namespace provision::model
