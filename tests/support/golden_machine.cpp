// SPDX-License-Identifier: Apache-2.0
#include "support/golden_machine.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <optional>

#include "base/path.hpp"
#include "base/selector_path.hpp"
#include "base/text.hpp"
#include "model/cards.hpp"
#include "model/observe.hpp"
#include "model/selectors.hpp"
#include "model/volume_groups.hpp"
#include "plan/contents.hpp"
#include "plan/operations/loader.hpp"
#include "spec/inline_bytes.hpp"
#include "support/archives.hpp"
#include "support/boot_record.hpp"
#include "support/grub.hpp"

namespace provision::test {
namespace {

using namespace host::sim;
using Owned = std::vector<std::string>;

constexpr std::string_view fetched = "fetched\n";
constexpr std::int64_t sectors_of_a_device = 2'097'152;

std::string gzip(const std::string& text) {
  z_stream stream{};
  std::string packed(text.size() + 64, '\0');
  constexpr int window_and_gzip = 15 + 16;
  if (::deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, window_and_gzip, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    return {};
  }
  std::string in = text;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());  // NOLINT(*-reinterpret-cast): zlib's interface
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());  // NOLINT(*-reinterpret-cast)
  stream.avail_out = static_cast<uInt>(packed.size());
  ::deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  ::deflateEnd(&stream);
  return packed;
}

std::string octal(std::int64_t mode) {
  std::string digits;
  for (; mode > 0; mode /= 8) {
    digits.insert(digits.begin(), static_cast<char>('0' + mode % 8));
  }
  return "0" + digits;
}

std::string date_of(std::int64_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  const auto two = [](unsigned number) { return (number < 10 ? "0" : "") + std::to_string(number); };
  return std::to_string(static_cast<int>(date.year())) + "-" + two(static_cast<unsigned>(date.month())) + "-" +
         two(static_cast<unsigned>(date.day()));
}

// Bytes that have a given digest: an inventory has only that. Those that inventories use, and those of the config.
class KnownContents {
 public:
  explicit KnownContents(const GoldenCase& golden) {
    for (const auto* text : {"", "old", "other", "hello", "{}", "a", "b", "one\n", "$y$same"}) {
      add(text);
    }
    for (const auto& view : golden.inventory.files) {
      add(view.text);
    }
    for (const auto& file : golden.config.config->storage.files) {
      add_file(file);
    }
    for (const auto& user : golden.config.config->passwd.users) {
      add(plan::authorized_keys(user));
      add(user.password_hash.value_or(""));
    }
  }

  [[nodiscard]] const std::string* find(const Digest& digest) const {
    const auto found = texts_.find(digest.text());
    return found == texts_.end() ? nullptr : &found->second;
  }

 private:
  void add(const std::string& text) {
    texts_.emplace(Digest::sha256(text).text(), text);
    texts_.emplace(digest_of(HashFunction::sha512, text).text(), text);
  }

  void add_file(const spec::File& file) {
    std::string appended = "one\n";
    for (const auto& resource : file.append) {
      appended += spec::is_inline(resource) ? spec::inline_bytes(resource).value_or("") : "";
    }
    add(appended);
    if (spec::is_inline(file.contents)) {
      add(spec::inline_bytes(file.contents).value_or(""));
    }
  }

  std::map<std::string, std::string> texts_;
};

class Builder {
 public:
  explicit Builder(const GoldenCase& golden)
      : golden_(golden),
        seen_(golden.inventory),
        known_(golden),
        selected_(model::select_disks(golden.config, golden.inventory.whole_disks)
                      .value_or(std::vector<model::SelectedDisk>{})) {}

  GoldenMachine build() {
    const model::JournalPlace& journal = seen_.journal;
    spec().state_path = journal.mount.empty() ? "/run/state" : path::join(journal.mount, journal.directory);
    spec().identity = seen_.machine;
    spec().date = seen_.account_files.today > 0 ? date_of(seen_.account_files.today) : spec().date;
    add_accounts();
    add_files();
    add_policy();
    add_root();
    add_disks();
    add_others();
    add_arrays();
    add_cards();
    add_volumes();
    add_groups();
    add_shares();
    add_mounts();
    add_pages();
    return std::move(made_);
  }

 private:
  MachineSpec& spec() { return made_.spec; }
  [[nodiscard]] const MachineSpec& spec() const { return made_.spec; }
  [[nodiscard]] const spec::Config& config() const { return *golden_.config.config; }
  void lacks(std::string what) { made_.missing.push_back(std::move(what)); }

  // --- The target's files

  void put(const std::string& path, const std::string& text, std::uint32_t mode = 0644) {
    root_.insert_or_assign(path, regular(text, mode));
  }

  void add_files() {
    for (const auto& view : seen_.files) {
      const host::Owner owner{view.uid, view.gid};
      const auto mode = static_cast<std::uint32_t>(view.mode);
      switch (view.kind) {
        case host::NodeKind::regular:
          add_file(view);
          break;
        case host::NodeKind::directory:
          root_.insert_or_assign(view.path, directory(mode, owner));
          break;
        case host::NodeKind::symlink:
          root_.insert_or_assign(view.path, symlink(view.target, owner));
          break;
        case host::NodeKind::other:
          lacks("a file of another kind at " + view.path);
          break;
      }
    }
    join_links();
  }

  // A database of accounts is there already, and its view must be right.
  void add_file(const model::FileView& view) {
    if (root_.contains(view.path)) {
      return;
    }
    const std::string* const text = known_.find(view.digest);
    if (text == nullptr) {
      lacks("bytes of the digest of " + view.path);
      return;
    }
    root_.insert_or_assign(view.path, regular(*text, static_cast<std::uint32_t>(view.mode), {view.uid, view.gid}));
  }

  void join_links() {
    std::uint64_t inode = 0;
    for (const auto& view : seen_.files) {
      if (view.same_as.empty()) {
        continue;
      }
      if (!root_.contains(view.same_as)) {
        lacks("the target of the hard link " + view.path);
        continue;
      }
      Entry& target = root_.at(view.same_as);
      target.inode = target.inode == 0 ? ++inode : target.inode;
      root_.insert_or_assign(view.path, target);
    }
  }

  void add_policy() {
    if (!seen_.policy.name.empty()) {
      put(std::string(model::policy_config_path), "SELINUX=enforcing\nSELINUXTYPE=" + seen_.policy.name + "\n");
      put(model::file_contexts_path(seen_.policy.name), "");
    }
    if (seen_.policy.setfiles) {
      spec().programs.emplace_back("setfiles");
    }
  }

  void add_root() {
    DiskSpec disk;
    disk.node = root_node;
    disk.facts.sectors = sectors_of_a_device;
    disk.content = file_system("ext4", "root", Uuid::derive({"root"}).text(), tree(root_));
    spec().disks.push_back(std::move(disk));
    spec().mounts.push_back({std::string(root_node), spec().target_path, "ext4", "rw"});
  }

  // --- Accounts

  void add_accounts() {
    const auto& [users, groups] = seen_.accounts;
    if (users.empty() && groups.empty()) {
      return;
    }
    std::map<bool, std::string> passwd;
    for (const auto& user : users) {
      passwd[user.in_etc] += user.name + ":x:" + std::to_string(user.uid) + ":" + std::to_string(user.gid) + ":" +
                             user.gecos + ":" + user.home + ":" + user.shell + "\n";
    }
    std::map<bool, std::string> group;
    for (const auto& one : groups) {
      group[one.in_etc] += one.name + ":x:" + std::to_string(one.gid) + ":" + join(one.members, ",") + "\n";
    }
    put("/etc/passwd", passwd[true]);
    put("/etc/group", group[true]);
    if (!passwd[false].empty() || !group[false].empty()) {
      put("/usr/lib/passwd", passwd[false]);
      put("/usr/lib/group", group[false]);
      put("/etc/nsswitch.conf", "passwd: files altfiles\ngroup: files altfiles\n");
    }
    if (!config().passwd.users.empty() || !config().passwd.groups.empty()) {
      add_account_files();
    }
  }

  void add_account_files() {
    const model::AccountFiles& files = seen_.account_files;
    if (files.shadow) {
      put("/etc/shadow", shadow_lines(), 0640);
    }
    if (files.gshadow) {
      put("/etc/gshadow", gshadow_lines(), 0640);
    }
    if (files.sub_uid) {
      put("/etc/subuid", range_lines(files.sub_uids));
    }
    if (files.sub_gid) {
      put("/etc/subgid", range_lines(files.sub_gids));
    }
    put("/etc/login.defs", login_defs());
    put("/etc/default/useradd", useradd_defaults());
  }

  // The password's field; nothing for an account of the config that is said to have no line.
  std::optional<std::string> password(const std::string& name, const Digest* digest, bool asked) {
    if (digest == nullptr) {
      return asked ? std::nullopt : std::optional<std::string>("*");
    }
    if (const std::string* const text = known_.find(*digest)) {
      return *text;
    }
    lacks("the password of " + name);
    return std::nullopt;
  }

  // Whether the config names a user, or a group, and so its password is looked at.
  bool asks_for_user(const std::string& name) {
    const auto& users = config().passwd.users;
    return std::any_of(users.begin(), users.end(), [&](const spec::User& user) { return user.name == name; });
  }
  bool asks_for_group(const std::string& name) {
    const auto& groups = config().passwd.groups;
    return asks_for_user(name) ||
           std::any_of(groups.begin(), groups.end(), [&](const spec::Group& group) { return group.name == name; });
  }

  std::string shadow_lines() {
    std::string text;
    for (const auto& user : seen_.accounts.users) {
      const auto field = password(user.name, seen_.account_files.user_password(user.name), asks_for_user(user.name));
      text += user.in_etc && field ? user.name + ":" + *field + ":20000:0:99999:7:::\n" : "";
    }
    return text;
  }

  std::string gshadow_lines() {
    std::string text;
    for (const auto& group : seen_.accounts.groups) {
      const auto field =
          password(group.name, seen_.account_files.group_password(group.name), asks_for_group(group.name));
      text += group.in_etc && field ? group.name + ":" + *field + "::" + join(group.members, ",") + "\n" : "";
    }
    return text;
  }

  static std::string range_lines(const std::vector<model::SubRange>& ranges) {
    std::string text;
    for (const auto& range : ranges) {
      text += range.owner + ":" + std::to_string(range.start) + ":" + std::to_string(range.count) + "\n";
    }
    return text;
  }

  [[nodiscard]] std::string login_defs() const {
    const model::AccountRules& rules = seen_.account_files.rules;
    std::string text;
    const std::array numbers{
        std::pair{"UID_MIN", rules.uid_min},
        std::pair{"UID_MAX", rules.uid_max},
        std::pair{"SYS_UID_MIN", rules.sys_uid_min},
        std::pair{"SYS_UID_MAX", rules.sys_uid_max},
        std::pair{"GID_MIN", rules.gid_min},
        std::pair{"GID_MAX", rules.gid_max},
        std::pair{"SYS_GID_MIN", rules.sys_gid_min},
        std::pair{"SYS_GID_MAX", rules.sys_gid_max},
        std::pair{"SUB_UID_MIN", rules.sub_uid_min},
        std::pair{"SUB_UID_MAX", rules.sub_uid_max},
        std::pair{"SUB_UID_COUNT", rules.sub_uid_count},
        std::pair{"SUB_GID_MIN", rules.sub_gid_min},
        std::pair{"SUB_GID_MAX", rules.sub_gid_max},
        std::pair{"SUB_GID_COUNT", rules.sub_gid_count},
        std::pair{"PASS_MIN_DAYS", rules.pass_min_days},
        std::pair{"PASS_MAX_DAYS", rules.pass_max_days},
        std::pair{"PASS_WARN_AGE", rules.pass_warn_age},
    };
    for (const auto& [name, value] : numbers) {
      text += value < 0 ? "" : std::string(name) + " " + std::to_string(value) + "\n";
    }
    text += "UMASK " + octal(rules.umask) + "\n";
    text += rules.home_mode < 0 ? "" : "HOME_MODE " + octal(rules.home_mode) + "\n";
    text += rules.mail_dir.empty() ? "" : "MAIL_DIR " + rules.mail_dir + "\n";
    return text + "USERGROUPS_ENAB " + (rules.user_groups ? "yes" : "no") + "\n";
  }

  [[nodiscard]] std::string useradd_defaults() const {
    const model::AccountRules& rules = seen_.account_files.rules;
    return "GROUP=" + rules.group + "\nHOME=" + rules.home + "\nSKEL=" + rules.skel + "\nSHELL=" + rules.shell +
           "\nINACTIVE=" + std::to_string(rules.inactive) + "\nCREATE_MAIL_SPOOL=" + (rules.mail_spool ? "yes" : "no") +
           "\nEXPIRE=" + (rules.expire < 0 ? "" : date_of(rules.expire)) + "\n";
  }

  // --- Disks

  [[nodiscard]] std::optional<Content> content(const host::Signature& signature) const {
    if (signature.type.empty()) {
      return std::nullopt;
    }
    // What must be kept is never empty.
    constexpr std::array<std::string_view, 4> formats{"btrfs", "ext4", "vfat", "xfs"};
    const bool is_root = !seen_.root.empty() && signature.label == "ROOT";
    const bool is_kept =
        !seen_.kept.empty() && std::find(formats.begin(), formats.end(), signature.type) != formats.end();
    return Content{signature, is_root || is_kept ? tree({{"/etc/os-release", regular("ID=test\n")}}) : tree()};
  }

  // With the subvolumes of a Btrfs, each of which has something in it.
  [[nodiscard]] std::optional<Content> content(const model::DeviceView& view) const {
    auto made = content(view.signature);
    std::map<std::string, Entry> entries;
    for (const auto& seen : view.subvolumes) {
      Entry entry = seen.kind == host::SubvolumeKind::other       ? regular("old")
                    : seen.kind == host::SubvolumeKind::directory ? directory()
                                                                  : subvolume();
      entry.is_default = seen.is_default;
      entries.emplace("/" + seen.name, std::move(entry));
    }
    if (made && !entries.empty()) {
      made->files = tree(entries);
    }
    return made;
  }

  // What is on a device of an array of the config.
  [[nodiscard]] std::optional<Content> member_content(const host::DeviceRef& device) const {
    for (const auto& array : seen_.arrays) {
      for (const auto& view : array.members) {
        const bool same_partition =
            device.number != 0 && view.device.disk == device.disk && view.device.number == device.number;
        if (!same_partition && (device.number != 0 || view.device.path != device.path)) {
          continue;
        }
        auto made = content(view.signature);
        if (made && !view.member.array.empty()) {
          made->member = view.member;
          made->member->node.clear();
          made->member->running = false;
        }
        return made;
      }
    }
    return std::nullopt;
  }

  // What stands on a partition: as it was seen by its number, or by a name.
  [[nodiscard]] std::optional<Content> content_of(const model::DiskView& view, std::int64_t number) const {
    if (auto member = member_content({{}, view.device, number})) {
      return member;
    }
    for (const auto& device : seen_.devices) {
      if (device.device.disk == view.device && device.device.number == number) {
        return content(device);
      }
    }
    if (const auto* partition = view.partition(number)) {
      return content(partition->signature);
    }
    return std::nullopt;
  }

  void add_disks() {
    for (const auto& view : seen_.disks) {
      add_disk(view);
    }
    for (const auto& view : seen_.devices) {
      if (!view.device.disk.empty() || model::array_named(config(), view.device.path) != nullptr ||
          model::volume_named(config(), view.device.path) != nullptr ||
          model::logical_volume_named(config(), view.device.path)) {
        continue;
      }
      DiskSpec disk;
      disk.node = view.device.path;
      disk.facts.sectors = sectors_of_a_device;
      disk.content = content(view);
      add_users(disk.node, view.signature, view.users);
      spec().disks.push_back(std::move(disk));
    }
  }

  // Whole disks that are devices of arrays of the config, and the arrays that are there.
  void add_arrays() {
    for (const auto& array : seen_.arrays) {
      for (const auto& view : array.members) {
        if (view.device.disk.empty() && seen_.device(view.device.path) == nullptr &&
            model::array_named(config(), view.device.path) == nullptr) {
          DiskSpec disk;
          disk.node = view.device.path;
          disk.facts.sectors = sectors_of_a_device;
          disk.content = member_content(view.device);
          spec().disks.push_back(std::move(disk));
        }
      }
      add_array(array);
    }
  }

  void add_array(const model::ArrayView& array) {
    const auto lived = std::find_if(array.members.begin(), array.members.end(),
                                    [](const model::MemberView& view) { return view.member.events > 0; });
    if (lived == array.members.end()) {
      return;
    }
    const host::ArrayMember& member = lived->member;
    ArraySpec made{member.array, member.name, member.level, member.devices, std::nullopt, member.running};
    for (const auto& asked : config().storage.raid) {
      const auto* const view = asked.name == array.name ? seen_.device(model::array_path(asked)) : nullptr;
      made.content = view != nullptr ? content(view->signature) : made.content;
    }
    spec().arrays.push_back(std::move(made));
  }

  void add_cards() {
    const model::CardsView& cards = seen_.cards;
    if (cards.bus) {
      // Two besides that are of no use.
      spec().cards = {{"0e.0001", "ep11"}, {"0f.0001", "-cca"}};
      for (const auto& domain : cards.domains) {
        spec().cards->emplace(domain, "cca");
      }
    }
    if (cards.zkey) {
      spec().programs.insert(spec().programs.end(), {"zkey", "zkey-cryptsetup"});
    }
    spec().card_key = cards.key ? fetched : "";
  }

  // Whole disks that are devices of volumes of the config, and the volumes that are there.
  void add_volumes() {
    for (const auto& view : seen_.volumes) {
      if (model::logical_volume_named(config(), view.device.path)) {
        lacks("an encrypted volume of before on a logical volume");
        continue;
      }
      if (node_of(view.device).empty() && model::array_named(config(), view.device.path) == nullptr) {
        DiskSpec disk;
        disk.node = view.device.path;
        disk.facts.sectors = sectors_of_a_device;
        disk.content = content(view.signature);
        spec().disks.push_back(std::move(disk));
      }
      add_volume(view);
    }
  }

  void add_volume(const model::VolumeView& view) {
    if (!view.open.empty() && !view.is_open()) {
      lacks("another volume that is open as " + model::volume_path(view.name));
    }
    if (view.header.version == 0) {
      return;
    }
    const std::string node = node_of(view.device);
    VolumeSpec made;
    made.device = node.empty() ? view.device.path : node;
    made.uuid = view.header.uuid;
    made.label = view.header.label;
    made.discards = view.header.discards;
    made.version = view.header.version;
    made.key = view.header.has_key ? std::optional(key_of(view.name)) : std::nullopt;
    made.opened_by_os = view.is_open() ? view.name : "";
    made.bound = view.header.bound;
    made.tpm2 = view.header.tpm2;
    made.recovery = view.header.recovery;
    made.paes = view.header.paes;
    made.verified = view.header.verified;
    made.pin = made.tpm2 ? pin_of(view.name) : "";
    for (const auto& shown : seen_.devices) {
      const auto* const volume = model::volume_named(config(), shown.device.path);
      if (volume != nullptr && volume->name == view.name) {
        made.content = content(shown.signature);
        add_users(model::volume_path(view.name), shown.signature, shown.users);
      }
    }
    spec().volumes.push_back(std::move(made));
  }

  // Whole disks that are devices of volume groups of the config, and the groups that are there.
  void add_groups() {
    for (const auto& group : seen_.volume_groups) {
      for (const auto& view : group.members) {
        if (node_of(view.device).empty() && model::array_named(config(), view.device.path) == nullptr &&
            model::volume_named(config(), view.device.path) == nullptr) {
          add_physical_disk(view.device.path, content(view.signature));
        }
      }
    }
    for (const auto& found : seen_.found_groups) {
      add_group(found);
    }
  }

  void add_physical_disk(const std::string& node, std::optional<Content> held) {
    DiskSpec disk;
    disk.node = node;
    disk.facts.sectors = sectors_of_a_device;
    disk.content = std::move(held);
    spec().disks.push_back(std::move(disk));
  }

  // The device of the physical volume; empty: it is on none of the config's.
  [[nodiscard]] std::string physical_node(const std::string& uuid) const {
    for (const auto& group : seen_.volume_groups) {
      for (const auto& view : group.members) {
        if (view.signature.uuid != uuid) {
          continue;
        }
        const auto* const volume = model::volume_named(config(), view.device.path);
        const auto* const open = volume != nullptr ? seen_.volume(volume->name) : nullptr;
        const std::string node = node_of(view.device);
        return open != nullptr ? "volume " + open->header.uuid : node.empty() ? view.device.path : node;
      }
    }
    return {};
  }

  void add_group(const model::VolumeGroupFound& found) {
    VolumeGroupSpec made;
    made.name = found.name;
    made.uuid = found.uuid;
    for (const auto& uuid : found.physical) {
      std::string node = physical_node(uuid);
      if (node.empty() && std::ssize(made.lost) < found.missing) {
        made.lost.push_back(uuid);
        continue;
      }
      if (node.empty()) {
        node = "/dev/vdy" + std::to_string(spec().disks.size());
        add_physical_disk(node, std::nullopt);
      }
      made.devices.emplace_back(node, uuid);
    }
    for (const auto& volume : found.logical) {
      made.activated_by_os = made.activated_by_os || volume.active;
      const std::string path = model::logical_path(found.name, volume.name);
      const auto* const shown = seen_.device(path);
      made.logical.push_back({volume.name, volume.type, volume.bytes, volume.stripes, volume.pool,
                              shown != nullptr ? content(shown->signature) : std::nullopt});
      if (volume.open && shown == nullptr) {
        lacks("something that has " + path + " open");
      } else if (shown != nullptr) {
        add_users(path, shown->signature, shown->users);
      }
    }
    spec().groups.push_back(std::move(made));
  }

  // The PIN that the config gives.
  std::string pin_of(const std::string& name) {
    for (const auto& enrollment : config().provision.enrollments) {
      if (enrollment.volume == name && spec::is_inline(enrollment.tpm2.pin)) {
        return spec::inline_bytes(enrollment.tpm2.pin).value_or("");
      }
    }
    return {};
  }

  // What the config, or the initramfs, says that opens it.
  std::string key_of(const std::string& name) {
    for (const auto& volume : config().storage.luks) {
      if (volume.name == name && !model::wants_card(volume) && spec::is_inline(volume.key_file)) {
        return spec::inline_bytes(volume.key_file).value_or("");
      }
    }
    return std::string(fetched);
  }

  // The kernel's node on the disks so far; empty: it is on none.
  [[nodiscard]] std::string node_of(const host::DeviceRef& device) const {
    const std::string& wanted = device.disk.empty() ? device.path : device.disk;
    for (const auto& disk : spec().disks) {
      if (disk.node == wanted || std::find(disk.links.begin(), disk.links.end(), wanted) != disk.links.end()) {
        return Disk(disk).node(device.number);
      }
    }
    return {};
  }

  // With the protective partition too where it stands beside a GPT; empty where nothing is named.
  static std::string boot_record_of(const model::DiskView& view) {
    std::vector<model::BootRecordEntry> entries = view.boot_record;
    if (entries.empty()) {
      return {};
    }
    if (view.table.kind == host::TableKind::gpt) {
      entries.push_back({entries.front().number == 1 ? 4 : 1, protective_type, 1, 2047});
    }
    return boot_record_with(entries);
  }

  void add_disk(const model::DiskView& view) {
    DiskSpec disk;
    disk.node = view.device;
    if (view.device.starts_with("/dev/disk/")) {
      disk.links = {view.device};
      disk.node = "/dev/vd" + std::string(1, static_cast<char>('q' + spec().disks.size()));
    }
    if (const auto* const selected = selected_as(view.device)) {
      disk.node = selected->node;
      disk.links.clear();
      disk.model = selected->model;
      disk.transport = selected->transport;
    }
    disk.facts = view.facts;
    disk.grown = view.table.grown;
    disk.damaged = view.table.kind == host::TableKind::damaged;
    disk.other_table = view.table.other_name;
    disk.bytes = boot_record_of(view);
    disk.disk_guid = view.table.disk_guid;
    for (const auto& entry : view.table.partitions) {
      disk.partitions.push_back({entry, content_of(view, entry.number)});
      if (entry.type.text() == plan::bios_boot_type && is_kept(plan::bios_loader)) {
        const auto start = static_cast<std::uint64_t>(entry.start * view.facts.sector_size / 512);
        disk.partitions.back().content = raw_bytes(grub_partition(start));
        disk.bytes = grub_boot_code(start);
      } else if (entry.type.text() == plan::prep_boot_type && is_kept(plan::prep_loader)) {
        disk.partitions.back().content = raw_bytes("an ELF");
      }
    }
    disk.content = content(view.signature);
    if (view.partitions.empty()) {
      add_users(disk.node, view.signature, view.users);
    }
    for (const auto& user : view.users) {
      if (!user.starts_with('/') && !is_there(user)) {
        lacks(user + " on " + disk.node);
      }
    }
    for (const auto& partition : view.partitions) {
      add_users(Disk(disk).node(partition.number), partition.signature, partition.users);
    }
    spec().disks.push_back(std::move(disk));
  }

  [[nodiscard]] bool is_kept(std::string_view name) const {
    return std::find(seen_.kept.begin(), seen_.kept.end(), name) != seen_.kept.end();
  }

  // The disk that a path by a selector leads to; null: it is no such path.
  [[nodiscard]] const host::WholeDisk* selected_as(const std::string& path) const {
    for (const auto& one : selected_) {
      if (selector_path(one.selector) == path) {
        return &one.disk;
      }
    }
    return nullptr;
  }

  // Those that the config could have selected, and did not.
  void add_others() {
    for (const auto& whole : seen_.whole_disks) {
      const auto is_it = [&](const DiskSpec& disk) { return disk.node == whole.node; };
      if (std::none_of(spec().disks.begin(), spec().disks.end(), is_it)) {
        DiskSpec disk;
        disk.node = whole.node;
        disk.facts = whole.facts;
        disk.model = whole.model;
        disk.transport = whole.transport;
        disk.unfit = whole.unfit;
        spec().disks.push_back(std::move(disk));
      }
    }
  }

  // An array, a volume or a logical volume.
  [[nodiscard]] bool is_there(const std::string& user) const {
    return is_array_there(user) || is_volume_there(user) || is_group_there(user);
  }

  [[nodiscard]] bool is_group_there(const std::string& user) const {
    return std::any_of(seen_.found_groups.begin(), seen_.found_groups.end(), [&](const auto& group) {
      return std::any_of(group.logical.begin(), group.logical.end(), [&](const auto& volume) {
        return volume.active && user == "the logical volume " + model::mapper_name(group.name, volume.name);
      });
    });
  }

  [[nodiscard]] bool is_volume_there(const std::string& user) const {
    return std::any_of(seen_.volumes.begin(), seen_.volumes.end(), [&](const model::VolumeView& view) {
      return view.is_open() && user == "the encrypted volume " + view.name;
    });
  }

  [[nodiscard]] bool is_array_there(const std::string& user) const {
    const auto has = [&](const model::MemberView& view) {
      return view.member.running && std::find(view.users.begin(), view.users.end(), user) != view.users.end();
    };
    return std::any_of(seen_.arrays.begin(), seen_.arrays.end(), [&](const model::ArrayView& array) {
      return std::any_of(array.members.begin(), array.members.end(), has);
    });
  }

  // Mount points, and arrays and volumes that are there; what else may use a device is not made.
  void add_users(const std::string& node, const host::Signature& signature, const Owned& users) {
    for (const auto& user : users) {
      if (is_there(user)) {
        continue;
      }
      if (!user.starts_with('/')) {
        lacks(user + " on " + node);
        return;
      }
      if (signature.type.empty()) {
        lacks("a file system on " + node + ", which is said to be mounted");
        return;
      }
      spec().mounts.push_back({node, user, signature.type, "rw"});
    }
  }

  // What the host shares stands for a disk whose name is the tag.
  void add_shares() {
    for (const auto& filesystem : config().storage.filesystems) {
      if (is_virtiofs(filesystem)) {
        DiskSpec share;
        share.node = filesystem.device;
        share.facts.sectors = sectors_of_a_device;
        share.content = file_system(std::string(spec::virtiofs), "", "");
        spec().disks.push_back(std::move(share));
      }
    }
  }

  void add_mounts() {
    for (const auto& entry : seen_.mounts) {
      spec().mounts.push_back({entry.source, path::join(spec().target_path, entry.target), entry.type, "rw"});
    }
  }

  // --- What is fetched

  void add_page(const spec::Resource& resource) {
    const std::string source = resource.source.value_or("");
    if (!source.starts_with("http")) {
      return;
    }
    std::string text(fetched);
    if (const auto hash = Digest::parse(resource.verification.hash.value_or(""))) {
      const std::string* const known = known_.find(*hash);
      if (known == nullptr) {
        lacks("bytes of the hash of " + source);
        return;
      }
      text = *known;
    }
    spec().http[source] = {200, resource.compression == "gzip" ? gzip(text) : text};
  }

  // One file; its hash would be that of all the archive, which no case can know.
  void add_archive(const spec::Resource& resource) {
    const std::string source = resource.source.value_or("");
    if (source.starts_with("http")) {
      const std::string archive = tar_of({{'0', "top/dir/file", std::string(fetched)}});
      spec().http[source] = {200, resource.compression == "gzip" ? gzip(archive) : archive};
    }
  }

  void add_pages() {
    for (const auto& archive : config().provision.archives) {
      add_archive(archive.contents);
    }
    for (const auto& volume : config().storage.luks) {
      add_page(volume.key_file);
      for (const auto& server : volume.clevis.tang) {
        spec().http[server.url + "/adv/" + server.thumbprint.value_or("")] = {200, R"({"payload": "keys"})"};
      }
    }
    for (const auto& file : config().storage.files) {
      add_page(file.contents);
      for (const auto& more : file.append) {
        add_page(more);
      }
    }
  }

  const GoldenCase& golden_;
  const model::Inventory& seen_;
  const KnownContents known_;
  const std::vector<model::SelectedDisk> selected_;
  GoldenMachine made_;
  std::map<std::string, Entry> root_;
};

}  // namespace

GoldenMachine machine_of(const GoldenCase& golden) { return Builder(golden).build(); }

}  // namespace provision::test
