// SPDX-License-Identifier: Apache-2.0
// The field tables and checks of `systemd`.
#include <algorithm>
#include <array>
#include <set>

#include "base/text.hpp"
#include "fields/engine_impl.hpp"
#include "spec/config.hpp"

namespace provision::spec {
namespace {

using fields::Checker;

// The unit types of systemd.unit(5), and "snapshot", which the spec still lists.
constexpr std::array<std::string_view, 12> unit_types{"service", "socket", "device", "mount",    "automount", "swap",
                                                      "target",  "path",   "timer",  "snapshot", "slice",     "scope"};

void check_unit_name(const std::string& name, std::string_view key, Checker& checker) {
  if (name.empty()) {
    return;  // The reader has said that it is required.
  }
  if (name.find('/') != std::string::npos || name.starts_with('.')) {
    checker.error(key, "\"" + printable(name) + "\" is no unit name", "a plain name such as web.service");
    return;
  }
  const std::size_t dot = name.rfind('.');
  const std::string type = dot == std::string::npos ? "" : name.substr(dot + 1);
  if (std::find(unit_types.begin(), unit_types.end(), type) == unit_types.end()) {
    checker.error(key, "\"" + printable(name) + "\" does not end in a unit type of systemd",
                  "such as .service, .mount, .timer");
  }
}

bool has_section(const std::string& contents, std::string_view section) {
  const auto lines = split(contents, '\n');
  return std::any_of(lines.begin(), lines.end(), [&](std::string_view line) { return trim(line) == section; });
}

}  // namespace

void cross_check(const Unit& unit, Checker& checker) {
  const bool enabled = unit.enabled.value_or(false);
  if (enabled && unit.contents && !unit.contents->empty() && !has_section(*unit.contents, "[Install]")) {
    checker.warning("contents", "the unit is enabled but has no [Install] section, so enabling it does nothing",
                    "add [Install] with WantedBy=");
  }
  if (unit.mask.value_or(false) && unit.contents && !unit.contents->empty()) {
    checker.error("mask", "a masked unit is a link to /dev/null and cannot have contents here");
  }
}

void cross_check(const Systemd& systemd, Checker& checker) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < systemd.units.size(); ++i) {
    if (!names.insert(systemd.units[i].name).second) {
      checker.error("units", "unit \"" + printable(systemd.units[i].name) + "\" is given twice", {}, i);
    }
  }
}

}  // namespace provision::spec

namespace provision::fields {

using namespace spec;

template <>
struct Table<Unit> {
  static constexpr auto rows = std::tuple{
      field("name", &Unit::name, "The unit's name with its type.", {.required = true, .check = &check_unit_name}),
      field("enabled", &Unit::enabled, "Whether presets enable it; absent: left alone."),
      field("mask", &Unit::mask, "Whether it is a link to /dev/null."),
      field("contents", &Unit::contents, "The unit file; absent or empty: none is written.", {.secret = true}),
      field("dropins", &Unit::dropins, "Drop-ins of the unit."),
  };
};

template <>
struct Table<Systemd> {
  static constexpr auto rows = std::tuple{
      field("units", &Systemd::units, "Units."),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::spec::Unit);
PROVISION_INSTANTIATE_RECORD(provision::spec::Systemd);
