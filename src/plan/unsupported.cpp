// SPDX-License-Identifier: Apache-2.0
#include "plan/unsupported.hpp"

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "base/uuid.hpp"
#include "model/cards.hpp"
#include "model/observe.hpp"
#include "model/observe_files.hpp"
#include "model/volume_groups.hpp"
#include "plan/clevis.hpp"
#include "plan/enrollment.hpp"
#include "plan/luks_options.hpp"
#include "plan/operations/make_filesystem.hpp"
#include "spec/references.hpp"
#include "spec/volume_groups.hpp"

namespace provision::plan {
namespace {

bool is_empty(const std::optional<std::string>& text) { return !text || text->empty(); }
bool is_negative(const std::optional<std::int64_t>& number) { return number.value_or(0) < 0; }

// Collects what cannot be done. Empty forms ({}, [], null, "") pass, since renderers write them out.
class Finder {
 public:
  explicit Finder(const spec::Parsed& parsed) : parsed_(parsed) {}

  std::optional<Error> run() {
    const spec::Config& config = *parsed_.config;
    kernel_arguments(config.kernel_arguments);
    storage(config.storage);
    for (std::size_t i = 0; i < config.provision.volume_groups.size(); ++i) {
      volume_group(config.provision.volume_groups[i], "$.provision.volumeGroups." + std::to_string(i));
    }
    systemd(config.systemd);
    references();
    for (std::size_t i = 0; i < config.provision.enrollments.size(); ++i) {
      enrollment(config.provision.enrollments[i], "$.provision.enrollments." + std::to_string(i));
    }
    return std::move(first_);
  }

 private:
  static constexpr std::int64_t most_partitions = 128;
  // Of the 32 bytes of the superblock's name, "any:" goes before (md: mdp_superblock_1.set_name).
  static constexpr std::size_t most_array_name = 28;
  // linux/dm-ioctl.h: DM_NAME_LEN is 128, and libdevmapper takes one character less.
  static constexpr std::size_t most_volume_name = 126;
  // Of these LVM needs some behind the name: "_rmeta_10", "_tdata".
  static constexpr std::size_t most_logical_name = 100;

  void refuse(const spec::Located& place, const std::string& path, std::string_view key, const std::string& what) {
    reject(place, path, key, Error(Code::unsupported, what + " by this version of provision yet"));
  }

  // The first in the order of the text counts.
  void reject(const spec::Located& place, const std::string& path, std::string_view key, Error error) {
    keep_first(std::move(error), parsed_.sources.origin(place, path + "." + std::string(key), key));
  }

  void keep_first(Error error, Origin origin) {
    const auto place_of = [](const Origin& o) { return std::tie(o.line, o.column); };
    if (!first_ || place_of(origin) < place_of(*first_->origin)) {
      first_ = std::move(error).at(std::move(origin));
    }
  }

  template <class T>
  void refuse_list(const std::vector<T>& list, const spec::Located& place, const std::string& path,
                   std::string_view key, const std::string& what) {
    if (!list.empty()) {
      refuse(place, path, key, what);
    }
  }

  // Only of the whole config it is known that nobody else brings what these refer to.
  void references() {
    const auto notes = spec::reference_notes(parsed_);
    for (const auto& note : notes.all) {
      if (note.severity == fields::Severity::error) {
        keep_first(Error(Code::bad_config, note.text + " (" + note.hint + ")"), note.origin);
      }
    }
  }

  void kernel_arguments(const spec::KernelArguments& arguments) {
    const std::string what = "kernel arguments cannot be changed";
    refuse_list(arguments.should_exist, arguments.place, "$.kernelArguments", "shouldExist", what);
    refuse_list(arguments.should_not_exist, arguments.place, "$.kernelArguments", "shouldNotExist", what);
  }

  void storage(const spec::Storage& storage) {
    const std::string path = "$.storage";
    for (std::size_t i = 0; i < storage.raid.size(); ++i) {
      array(storage.raid[i], path + ".raid." + std::to_string(i));
    }
    for (std::size_t i = 0; i < storage.luks.size(); ++i) {
      volume(storage.luks[i], path + ".luks." + std::to_string(i));
    }
    for (std::size_t i = 0; i < storage.directories.size(); ++i) {
      owners(storage.directories[i], path + ".directories." + std::to_string(i));
    }
    for (std::size_t i = 0; i < storage.links.size(); ++i) {
      owners(storage.links[i], path + ".links." + std::to_string(i));
    }
    for (std::size_t i = 0; i < storage.disks.size(); ++i) {
      disk(storage.disks[i], path + ".disks." + std::to_string(i));
      for (std::size_t k = 0; k < storage.disks[i].partitions.size(); ++k) {
        partition(storage.disks[i].partitions[k],
                  path + ".disks." + std::to_string(i) + ".partitions." + std::to_string(k));
      }
    }
    for (std::size_t i = 0; i < storage.filesystems.size(); ++i) {
      filesystem(storage.filesystems[i], path + ".filesystems." + std::to_string(i));
    }
    for (std::size_t i = 0; i < storage.files.size(); ++i) {
      file(storage.files[i], path + ".files." + std::to_string(i));
    }
  }

  // Below /dev/md, or a device of its own there; mdadm and udev make the link.
  void array(const spec::Raid& array, const std::string& path) {
    const auto is_logical = [this](const std::string& device) {
      return model::logical_volume_named(*parsed_.config, device).has_value();
    };
    if (std::any_of(array.devices.begin(), array.devices.end(), is_logical)) {
      refuse(array.place, path, "devices",
             "a RAID array of logical volumes cannot be made (they can be of a raid type)");
    }
    constexpr std::string_view dev = "/dev/";
    const bool is_path = array.name.starts_with(dev);
    const std::string name = is_path ? array.name.substr(array.name.find_last_of('/') + 1) : array.name;
    if (!model::is_plain_name(name) || name.starts_with('-') || name.size() > most_array_name) {
      reject(
          array.place, path, "name",
          Error(Code::bad_config, "\"" + printable(array.name) + "\" can be no array's name: it is that of a link in " +
                                      "/dev/md, has no slash, begins with no dash, and has at most " +
                                      std::to_string(most_array_name) + " characters"));
    }
  }

  // Below /dev/mapper. Another character libdevmapper would write as \xNN, and the name would be none that crypttab
  // has.
  void volume(const spec::Luks& volume, const std::string& path) {
    logical_device(volume.device.value_or(""), volume.place, path);
    constexpr std::string_view allowed = "#+-.:=@_";
    const auto fits = [&](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             allowed.find(c) != std::string_view::npos;
    };
    const bool plain = model::is_plain_name(volume.name) && std::all_of(volume.name.begin(), volume.name.end(), fits);
    if (!plain || volume.name.starts_with('#') || volume.name == "control" || volume.name.size() > most_volume_name) {
      reject(volume.place, path, "name",
             Error(Code::bad_config, "\"" + printable(volume.name) +
                                         "\" can be no volume's name: it is that of a device in /dev/mapper and of a "
                                         "line in /etc/crypttab, and has only letters, digits and " +
                                         std::string(allowed) + ", at most " + std::to_string(most_volume_name)));
    }
    if (const auto fault = binding_fault(volume.clevis); fault && wants_binding(volume)) {
      reject(volume.clevis.place, path + ".clevis", fault->key, Error(Code::bad_config, fault->what));
    }
    options(volume, path, "options", luks_format_options(volume.options));
    options(volume, path, "openOptions", luks_open_options(volume.open_options));
    resource(volume.key_file, path + ".keyFile");
  }

  void enrollment(const spec::Enrollment& enrollment, const std::string& path) {
    if (const auto fault = enrollment_fault(enrollment)) {
      reject(*fault->place, path + "." + fault->record, fault->key, Error(Code::bad_config, fault->what));
    }
    if (!is_empty(enrollment.fido2.device)) {
      refuse(enrollment.place, path, "fido2",
             "a FIDO2 device, which somebody would have to touch while the machine boots, cannot be enrolled");
    }
    resource(enrollment.tpm2.pin, path + ".tpm2.pin");
    const auto* const volume = model::volume_named(*parsed_.config, model::volume_path(enrollment.volume));
    if (volume != nullptr && model::wants_card(*volume)) {
      refuse(enrollment.place, path, "volume",
             "for a volume whose volume key CryptoExpress cards protect nothing can be enrolled");
    }
  }

  template <class T>
  void options(const spec::Luks& volume, const std::string& path, std::string_view key, Result<T> parsed) {
    if (!parsed) {
      reject(volume.place, path, key, std::move(parsed).error());
    }
  }

  void volume_group(const spec::VolumeGroup& group, const std::string& path) {
    for (const auto& device : group.devices) {
      const auto* const volume = model::volume_named(*parsed_.config, device);
      if (model::logical_volume_named(*parsed_.config, device)) {
        refuse(group.place, path, "devices", "a volume group on a logical volume cannot be made");
      } else if (volume != nullptr && model::logical_volume_named(*parsed_.config, volume->device.value_or(""))) {
        refuse(group.place, path, "devices",
               "a volume group on an encrypted volume in a logical volume cannot be made");
      }
    }
    for (const auto& fault : spec::group_faults(group)) {
      reject(group.logical_volumes[fault.volume].place, path + ".logicalVolumes." + std::to_string(fault.volume),
             fault.key, Error(Code::bad_config, fault.what + (fault.hint.empty() ? "" : " (" + fault.hint + ")")));
    }
    for (std::size_t i = 0; i < group.logical_volumes.size(); ++i) {
      mapping(group, i, path + ".logicalVolumes." + std::to_string(i));
    }
  }

  // What device-mapper calls it.
  void mapping(const spec::VolumeGroup& group, std::size_t index, const std::string& path) {
    const spec::LogicalVolume& volume = group.logical_volumes[index];
    const std::string name = model::mapper_name(group.name, volume.name);
    if (name.size() > most_logical_name) {
      reject(volume.place, path, "name",
             Error(Code::bad_config, "the names of the group and the volume have more than " +
                                         std::to_string(most_logical_name) + " characters together, as " +
                                         printable(name)));
    }
    if (model::volume_named(*parsed_.config, model::volume_path(name)) != nullptr) {
      reject(volume.place, path, "name",
             Error(Code::bad_config, "an encrypted volume of the config is " + model::volume_path(printable(name)) +
                                         " too: give one of them another name"));
    }
  }

  // One that a file system or an encrypted volume is put on.
  void logical_device(const std::string& device, const spec::Located& place, const std::string& path) {
    if (const auto mapped = model::logical_volume_mapped(*parsed_.config, device)) {
      reject(place, path, "device",
             Error(Code::bad_config, "a logical volume is named by its path here: " +
                                         model::logical_path(mapped->group->name, mapped->volume->name)));
    }
    const auto named = model::logical_volume_named(*parsed_.config, device);
    if (named && spec::type_of(*named->volume) == "thin-pool") {
      reject(place, path, "device",
             Error(Code::bad_config, device + " is a thin-pool, which holds nothing but thin volumes"));
    }
  }

  void disk(const spec::Disk& disk, const std::string& path) {
    if (model::logical_volume_named(*parsed_.config, disk.device)) {
      refuse(disk.place, path, "device", "a logical volume cannot be partitioned");
    }
    if (model::volume_named(*parsed_.config, disk.device) != nullptr) {
      refuse(disk.place, path, "device", "an encrypted volume cannot be partitioned");
    }
    if (model::array_named(*parsed_.config, disk.device) != nullptr) {
      refuse(disk.place, path, "device", "a RAID array of the config cannot be partitioned");
    }
  }

  void partition(const spec::Partition& partition, const std::string& path) {
    const auto refuse_if = [&](bool fault, std::string_view key, const std::string& what) {
      if (fault) {
        refuse(partition.place, path, key, what);
      }
    };
    refuse_if(partition.number < 0 || partition.number > most_partitions, "number",
              "partitions of other numbers than 1 to 128 cannot be made");
    refuse_if(is_negative(partition.start_mib), "startMiB", "a negative start cannot be carried out");
    refuse_if(is_negative(partition.size_mib), "sizeMiB", "a negative size cannot be carried out");
  }

  void filesystem(const spec::Filesystem& filesystem, const std::string& path) {
    logical_device(filesystem.device, filesystem.place, path);
    if (!is_empty(filesystem.format) && !is_known_format(*filesystem.format) && !is_virtiofs(filesystem)) {
      refuse(filesystem.place, path, "format", "\"" + printable(*filesystem.format) + "\" cannot be made");
    }
  }

  void file(const spec::File& file, const std::string& path) {
    owners(file, path);
    resource(file.contents, path + ".contents");
    for (std::size_t i = 0; i < file.append.size(); ++i) {
      resource(file.append[i], path + ".append." + std::to_string(i));
    }
  }

  void owners(const spec::Node& node, const std::string& path) {
    owner(node.user, path + ".user");
    owner(node.group, path + ".group");
  }

  void owner(const spec::NodeOwner& owner, const std::string& path) {
    if (is_negative(owner.id)) {
      refuse(owner.place, path, "id", "a negative id cannot be carried out");
    }
  }

  void resource(const spec::Resource& resource, const std::string& path) {
    const std::string scheme = lower_ascii(resource.source.value_or("").substr(0, 6));
    const bool known = scheme.starts_with("data:") || scheme.starts_with("http:") || scheme == "https:";
    if (!is_empty(resource.source) && !known) {
      refuse(resource.place, path, "source", "only \"data:\", \"http:\" and \"https:\" URLs can be fetched");
    }
    if (resource.verification.hash && !Digest::parse(*resource.verification.hash)) {
      refuse(resource.verification.place, path + ".verification", "hash", "a hash that is none cannot be verified");
    }
  }

  // The names of units and drop-ins are those of files: nothing may lead out of their directory.
  void systemd(const spec::Systemd& systemd) {
    for (std::size_t i = 0; i < systemd.units.size(); ++i) {
      const spec::Unit& unit = systemd.units[i];
      const std::string path = "$.systemd.units." + std::to_string(i);
      name(unit.name, unit.place, path);
      for (std::size_t k = 0; k < unit.dropins.size(); ++k) {
        name(unit.dropins[k].name, unit.dropins[k].place, path + ".dropins." + std::to_string(k));
      }
    }
  }

  void name(const std::string& name, const spec::Located& place, const std::string& path) {
    if (!model::is_plain_name(name)) {
      reject(place, path, "name",
             Error(Code::bad_config, "\"" + printable(name) +
                                         "\" is no plain name: it is the name of a file, which may not "
                                         "stand outside of the directory of units"));
    }
  }

  const spec::Parsed& parsed_;
  std::optional<Error> first_;
};

}  // namespace

std::optional<Error> unsupported(const spec::Parsed& parsed) { return Finder(parsed).run(); }

}  // namespace provision::plan
