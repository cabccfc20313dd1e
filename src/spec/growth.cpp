// SPDX-License-Identifier: Apache-2.0
// The field table and checks of file systems that grow.
#include "spec/growth.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "fields/engine_impl.hpp"
#include "spec/checks.hpp"
#include "spec/references.hpp"

namespace provision::spec {
namespace {

constexpr std::array<std::string_view, 3> growing{"ext4", "xfs", "btrfs"};

struct Fault {
  std::string text;
  std::string hint;
};

std::optional<Fault> fault_of(const Config& config, const GrownFilesystem& grown) {
  const Filesystem* const filesystem = filesystem_on(config, grown.device);
  if (filesystem == nullptr) {
    return Fault{"the config has no file system on " + printable(grown.device),
                 "list it in $.storage.filesystems, by the same name and with its format"};
  }
  const std::string format = filesystem->format.value_or("");
  if (std::find(growing.begin(), growing.end(), format) == growing.end()) {
    return Fault{format.empty() ? "the file system on " + printable(grown.device) + " has no format"
                                : "a file system of kind " + printable(format) + " cannot grow",
                 "ext4, xfs and btrfs can"};
  }
  return std::nullopt;
}

}  // namespace

fields::Notes growth_notes(const Parsed& parsed) {
  fields::Notes notes;
  const Config& config = *parsed.config;
  const auto& all = config.provision.grown_filesystems;
  for (std::size_t i = 0; i < all.size() && !refers_to_others(config); ++i) {
    if (auto fault = fault_of(config, all[i])) {
      const std::string path = "$.provision.growFilesystems." + std::to_string(i) + ".device";
      notes.add({fields::Severity::error, parsed.sources.origin(all[i].place, path, "device", std::nullopt),
                 std::move(fault->text), std::move(fault->hint)});
    }
  }
  return notes;
}

}  // namespace provision::spec

namespace provision::fields {

using namespace spec;

template <>
struct Table<GrownFilesystem> {
  static constexpr auto rows = std::tuple{
      field("device", &GrownFilesystem::device, "Its device, as the file system of the config has it.",
            {.since = {3, 6}, .required = true, .extension = true, .key = true, .check = &check_absolute_path}),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::spec::GrownFilesystem);
