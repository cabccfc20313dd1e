// SPDX-License-Identifier: Apache-2.0
#include "cli/target.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/path.hpp"
#include "base/text.hpp"
#include "cli/console.hpp"
#include "host/linux/isolation.hpp"
#include "model/observe.hpp"
#include "model/selectors.hpp"
#include "stages/root.hpp"

namespace provision::cli {
namespace {

constexpr std::chrono::seconds detaching_patience{20};
constexpr int signal_status = 128;

model::Scope whole_scope() {
  model::Scope scope;
  scope.tables = true;
  scope.arrays = true;
  scope.volumes = true;
  scope.groups = true;
  scope.contents = true;
  scope.mounts = true;
  scope.files = true;
  scope.patience = std::chrono::milliseconds(0);
  scope.whole_disks = true;
  return scope;
}

bool has_path(const spec::Filesystem& filesystem) { return !filesystem.path.value_or("").empty(); }

bool makes_label(const spec::Config& config, const std::string& label) {
  const auto& all = config.storage.filesystems;
  return !label.empty() &&
         std::any_of(all.begin(), all.end(), [&](const spec::Filesystem& f) { return f.label == label; });
}

// A file system of the config that is there as the config wants it, and will be mounted: what it holds is to be seen.
Result<bool> mount_if_there(ImageHost& images, host::Host& host, const spec::Filesystem& asked) {
  const auto node = host.disks.await({asked.device, {}, 0}, std::chrono::milliseconds(0));
  if (asked.wipe_filesystem.value_or(false) || !node) {
    return false;
  }
  const host::DeviceRef device{*node, {}, 0};
  const host::Signature there = TRY(host.disks.probe(device));
  const auto place = TRY(host.target.look(*asked.path));
  const bool is_there = there.type == asked.format && place && place->kind == host::NodeKind::directory;
  if (!is_there) {
    return false;
  }
  TRY(images.mount({device, there, {}}, *asked.path));
  return true;
}

// Mounts what the config mounts, outer ones first, and returns the devices by their paths.
Result<std::vector<host::MountEntry>> mount_others(ImageHost& images, host::Host& host, const spec::Config& config) {
  std::vector<const spec::Filesystem*> mounted;
  for (const auto& filesystem : config.storage.filesystems) {
    if (has_path(filesystem) && filesystem.format && !is_virtiofs(filesystem) && *filesystem.format != "swap" &&
        *filesystem.format != "none") {
      mounted.push_back(&filesystem);
    }
  }
  std::stable_sort(mounted.begin(), mounted.end(),
                   [](const auto* a, const auto* b) { return path::depth(*a->path) < path::depth(*b->path); });
  std::vector<host::MountEntry> entries;
  for (const auto* filesystem : mounted) {
    if (TRY(mount_if_there(images, host, *filesystem))) {
      entries.push_back({filesystem->device, *filesystem->path, *filesystem->format});
    }
  }
  return entries;
}

}  // namespace

void add_target_options(ArgumentParser& parser, TargetOptions& options) {
  parser.add_option("--image", options.images, "An image file in the place of a disk: FILE[:NAME][:SERIAL]")
      .one_value_at_a_time()
      .type_name("IMAGE");
  parser.add_option("--root-label", options.root.label, "The images' root is the file system with this label");
  parser.add_option("--root-partition", options.root.partition, "The images' root is this partition of the first image")
      .range(1, 128)
      .excludes("--root-label");
  parser.add_option("--sector-size", options.sector_size, "Bytes in a sector of the images")
      .show_default()
      .one_of({512, 1024, 2048, 4096});
}

std::string target_footer() {
  return "\nImages are raw ones. NAME is the disk's name in the config, an absolute path as /dev/vda; without it the\n"
         "images are /dev/vda, /dev/vdb, … in their order. With SERIAL an image is also found by its links in\n"
         "/dev/disk/by-id; partitions are found by number, label and UUID. No device of this machine is ever used.\n";
}

bool needs_root(const spec::Config& config) {
  const auto& filesystems = config.storage.filesystems;
  const bool makes_root = std::any_of(filesystems.begin(), filesystems.end(),
                                      [](const spec::Filesystem& f) { return f.path.value_or("") == "/"; });
  const bool mounts = std::any_of(filesystems.begin(), filesystems.end(), has_path);
  const bool writes = !config.storage.files.empty() || !config.storage.directories.empty() ||
                      !config.storage.links.empty() || !config.systemd.units.empty() || !config.passwd.users.empty() ||
                      !config.passwd.groups.empty();
  return (mounts || writes) && !makes_root;
}

Result<void> check_root_choice(const spec::Config& config, const RootChoice& choice) {
  if (needs_root(config) && !choice.given()) {
    return Error(Code::usage,
                 "the config writes below the root of the machine: say which file system of the images that is, by "
                 "--root-label or --root-partition");
  }
  return {};
}

Result<std::optional<ImageDisks::Found>> find_root(ImageHost& images, const spec::Config& config,
                                                   const RootChoice& choice) {
  if (!choice.given()) {
    return std::optional<ImageDisks::Found>{};
  }
  auto root = images.find_root(choice);
  if (!root && makes_label(config, choice.label)) {
    return std::optional<ImageDisks::Found>{};
  }
  return std::optional(TRY(std::move(root)));
}

Result<model::Inventory> see_images(const TargetOptions& options, const spec::Parsed& config) {
  ImageHost::Settings settings;
  settings.images = TRY(parse_images(options.images));
  settings.sector_size = options.sector_size;
  const auto images = TRY(ImageHost::open(settings));
  if (const auto root = TRY(find_root(*images, *config.config, options.root))) {
    TRY(images->mount(*root, "/"));
  }
  const host::Host machine = images->host();
  auto selected = model::selected_host(machine, config);
  const auto mounted = TRY(mount_others(*images, selected.host(), *config.config));
  model::Inventory inventory = TRY(model::observe(selected.host(), config, whole_scope()));
  // By the config's names: the nodes are of this run only.
  inventory.mounts = mounted;
  TRY(images->unmount_all());
  return inventory;
}

// In a first boot: what the units of its stages are told (dracut-module/35provision, provision-generator).
Result<model::JournalPlace> journal_place(host::Host& host) {
  constexpr std::string_view environment_path = "/run/provision.env";
  constexpr std::string_view key = "PROVISION_OPTIONS=";
  constexpr std::size_t max_bytes = 65536;
  if (!TRY(host.own.look(environment_path))) {
    return model::JournalPlace{};
  }
  stages::FirstBoot first_boot;
  std::string stamp;
  const std::string text = TRY(host.own.read(environment_path, max_bytes));
  const auto value = [](std::string_view word, std::string_view option, std::string& to) {
    if (word.starts_with(option)) {
      to = word.substr(option.size());
    }
  };
  for (const auto line : split(text, '\n')) {
    for (const auto word : line.starts_with(key) ? split(line, ' ') : std::vector<std::string_view>{}) {
      value(word, "--state-device=", first_boot.device);
      value(word, "--state=", first_boot.state_path);
      value(word, "--stamp=", stamp);
      first_boot.stamp_is_disk_guid = first_boot.stamp_is_disk_guid || word == "--stamp-disk-guid";
      first_boot.asked_for = first_boot.asked_for && word != "--auto";
    }
  }
  return stages::journal_place(host, first_boot, stamp);
}

Result<model::Inventory> see_machine(const std::string& root, const spec::Parsed& config) {
  host::LinuxHost machine(root, "/run/provision/volatile");
  host::Host host = machine.host();
  auto selected = model::selected_host(host, config);
  model::Inventory inventory = TRY(model::observe(selected.host(), config, whole_scope()));
  inventory.journal = TRY(journal_place(host));
  inventory.root = TRY(stages::root_to_keep(host.firmware));
  inventory.kept = TRY(stages::others_to_keep(host.firmware));
  return inventory;
}

Result<int> run_apart(const TargetOptions& options, const std::function<int()>& work) {
  const auto images = TRY(parse_images(options.images));
  if (::geteuid() != 0) {
    return Error(Code::usage, "images are attached and mounted, which only root may do: run this as root");
  }
  const host::IsolatedEnd end = TRY(host::run_isolated(work));
  for (const auto& image : images) {
    const std::unique_ptr<char, decltype(&std::free)> real(::realpath(image.file.c_str(), nullptr), &std::free);
    if (real && !host::await_detached(real.get(), detaching_patience)) {
      print_error("provision: " + printable(image.file) + " is still attached to a loop device\n");
    }
  }
  if (end.signal != 0) {
    print_error("provision: stopped by signal " + std::to_string(end.signal) +
                "; nothing of the images is mounted or attached any more\n");
    return signal_status + end.signal;
  }
  return end.status;
}

}  // namespace provision::cli
