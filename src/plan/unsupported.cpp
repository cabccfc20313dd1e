// SPDX-License-Identifier: Apache-2.0
#include "plan/unsupported.hpp"

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "base/uuid.hpp"

namespace provision::plan {
namespace {

bool is_true(const std::optional<bool>& flag) { return flag.value_or(false); }
bool is_empty(const std::optional<std::string>& text) { return !text || text->empty(); }
bool is_negative(const std::optional<std::int64_t>& number) { return number.value_or(0) < 0; }

// Collects what cannot be done. Empty forms ({}, [], null, "") pass, since renderers write them out.
class Finder {
 public:
  explicit Finder(const spec::Parsed& parsed) : parsed_(parsed) {}

  std::optional<Error> run() {
    const spec::Config& config = *parsed_.config;
    ignition(config.ignition);
    kernel_arguments(config.kernel_arguments);
    storage(config.storage);
    systemd(config.systemd);
    return std::move(first_);
  }

 private:
  static constexpr std::int64_t most_partitions = 128;

  void refuse(const spec::Located& place, const std::string& path, std::string_view key, const std::string& what) {
    Origin origin = parsed_.sources.origin(place, path + "." + std::string(key), key);
    const auto place_of = [](const Origin& o) { return std::tie(o.line, o.column); };
    if (!first_ || place_of(origin) < place_of(*first_->origin)) {
      first_ = Error(Code::unsupported, what + " by this version of provision yet").at(std::move(origin));
    }
  }

  template <class T>
  void refuse_list(const std::vector<T>& list, const spec::Located& place, const std::string& path,
                   std::string_view key, const std::string& what) {
    if (!list.empty()) {
      refuse(place, path, key, what);
    }
  }

  void ignition(const spec::Ignition& ignition) {
    const std::string path = "$.ignition.config";
    refuse_list(ignition.config.merge, ignition.config.place, path, "merge", "other configs cannot be merged");
    if (ignition.config.replace.source) {
      refuse(ignition.config.place, path, "replace", "the config cannot be replaced by another one");
    }
  }

  void kernel_arguments(const spec::KernelArguments& arguments) {
    const std::string what = "kernel arguments cannot be changed";
    refuse_list(arguments.should_exist, arguments.place, "$.kernelArguments", "shouldExist", what);
    refuse_list(arguments.should_not_exist, arguments.place, "$.kernelArguments", "shouldNotExist", what);
  }

  void storage(const spec::Storage& storage) {
    const std::string path = "$.storage";
    refuse_list(storage.raid, storage.place, path, "raid", "RAID arrays cannot be made");
    refuse_list(storage.luks, storage.place, path, "luks", "encrypted volumes cannot be made");
    refuse_list(storage.directories, storage.place, path, "directories", "directories cannot be made");
    refuse_list(storage.links, storage.place, path, "links", "links cannot be made");
    for (std::size_t i = 0; i < storage.disks.size(); ++i) {
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

  void partition(const spec::Partition& partition, const std::string& path) {
    const auto refuse_if = [&](bool fault, std::string_view key, const std::string& what) {
      if (fault) {
        refuse(partition.place, path, key, what);
      }
    };
    refuse_if(!partition.should_exist.value_or(true), "shouldExist", "partitions cannot be deleted");
    refuse_if(is_true(partition.resize), "resize", "partitions cannot be resized");
    refuse_if(is_true(partition.wipe_partition_entry), "wipePartitionEntry", "existing partitions cannot be changed");
    refuse_if(partition.number < 0 || partition.number > most_partitions, "number",
              "partitions of other numbers than 1 to 128 cannot be made");
    refuse_if(is_negative(partition.start_mib), "startMiB", "a negative start cannot be carried out");
    refuse_if(is_negative(partition.size_mib), "sizeMiB", "a negative size cannot be carried out");
  }

  void filesystem(const spec::Filesystem& filesystem, const std::string& path) {
    if (!is_empty(filesystem.format) && *filesystem.format != "ext4") {
      refuse(filesystem.place, path, "format", "\"" + printable(*filesystem.format) + "\" cannot be made");
    }
    if (!is_empty(filesystem.uuid) && !Uuid::parse(*filesystem.uuid)) {
      refuse(filesystem.place, path, "uuid", "a UUID of another form than 8-4-4-4-12 hex digits cannot be given");
    }
  }

  void file(const spec::File& file, const std::string& path) {
    refuse_list(file.append, file.place, path, "append", "nothing can be appended to files");
    owner(file.user, path + ".user");
    owner(file.group, path + ".group");
    resource(file.contents, path + ".contents");
  }

  void owner(const spec::NodeOwner& owner, const std::string& path) {
    if (!is_empty(owner.name) && *owner.name != "root") {
      refuse(owner.place, path, "name", "owners other than \"root\" cannot be given by name");
    }
    if (is_negative(owner.id)) {
      refuse(owner.place, path, "id", "a negative id cannot be carried out");
    }
  }

  void resource(const spec::Resource& resource, const std::string& path) {
    if (!is_empty(resource.source) && !resource.source->starts_with("data:")) {
      refuse(resource.place, path, "source", "only \"data:\" URLs can be fetched");
    }
    if (!is_empty(resource.compression)) {
      refuse(resource.place, path, "compression", "compressed contents cannot be read");
    }
    if (resource.verification.hash && !Digest::parse(*resource.verification.hash)) {
      refuse(resource.verification.place, path + ".verification", "hash", "a hash that is none cannot be verified");
    }
  }

  void systemd(const spec::Systemd& systemd) {
    for (std::size_t i = 0; i < systemd.units.size(); ++i) {
      const spec::Unit& unit = systemd.units[i];
      const std::string path = "$.systemd.units." + std::to_string(i);
      if (unit.name.find('/') != std::string::npos || unit.name.starts_with('.')) {
        refuse(unit.place, path, "name", "units outside of the directory of units cannot be made");
      }
      const bool has_dropins = std::any_of(unit.dropins.begin(), unit.dropins.end(),
                                           [](const spec::Dropin& dropin) { return dropin.contents.has_value(); });
      if (has_dropins) {
        refuse(unit.place, path, "dropins", "drop-ins of units cannot be made");
      }
    }
  }

  const spec::Parsed& parsed_;
  std::optional<Error> first_;
};

}  // namespace

std::optional<Error> unsupported(const spec::Parsed& parsed) { return Finder(parsed).run(); }

}  // namespace provision::plan
