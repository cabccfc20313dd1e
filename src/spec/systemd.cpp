// SPDX-License-Identifier: Apache-2.0
// The field tables and checks of `systemd`.
#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/text.hpp"
#include "fields/engine_impl.hpp"
#include "spec/checks.hpp"
#include "spec/config.hpp"
#include "spec/unit_file.hpp"

namespace provision::spec {
namespace {

using fields::Checker;

// The unit types of systemd.unit(5), and "snapshot", which the spec still lists.
constexpr std::array<std::string_view, 12> unit_types{"service", "socket", "device", "mount",    "automount", "swap",
                                                      "target",  "path",   "timer",  "snapshot", "slice",     "scope"};

// What follows the last dot of the last component; nothing if there is no dot.
std::string_view type_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  const std::size_t slash = name.rfind('/');
  const bool has = dot != std::string_view::npos && (slash == std::string_view::npos || dot > slash);
  return has ? name.substr(dot + 1) : std::string_view{};
}

// No spec version forbids it, but it would be written outside of the directory of units.
void check_plain_name(const std::string& name, std::string_view key, Checker& checker) {
  if (name.find('/') != std::string::npos || name.starts_with('.')) {
    checker.strict(key, "\"" + printable(name) + "\" is no plain name: it is the name of a file");
  }
}

void check_unit_name(const std::string& name, std::string_view key, Checker& checker) {
  if (name.empty()) {
    return;  // The reader has said that it is required.
  }
  if (std::find(unit_types.begin(), unit_types.end(), type_of(name)) == unit_types.end()) {
    checker.error(key, "\"" + printable(name) + "\" does not end in a unit type of systemd",
                  "such as .service, .mount, .timer");
  }
  check_plain_name(name, key, checker);
}

void check_dropin_name(const std::string& name, std::string_view key, Checker& checker) {
  if (name.empty()) {
    return;  // The reader has said that it is required.
  }
  if (type_of(name) != "conf") {
    checker.error(key, "\"" + printable(name) + "\" does not end in .conf, so systemd would not read it");
  }
  check_plain_name(name, key, checker);
}

void check_unit_contents(const OptionalText& contents, std::string_view key, Checker& checker) {
  if (const auto file = read_unit_file(contents.value_or("")); !file) {
    checker.error(key, file.error().what);
  }
}

// Enabling the unit would do nothing. Contents that cannot be read have their own error.
bool lacks_install(const Unit& unit) {
  const auto file = read_unit_file(unit.contents.value_or(""));
  return !is_empty(unit.contents) && file && !file->sections.contains("Install");
}

// "web@.service" of "web@eu.service"; empty if it is no instance.
std::string template_of(const std::string& name) {
  const std::size_t at = name.find('@');
  const bool instance = at != std::string::npos && name.ends_with(".service") && at + 1 + 8 < name.size();
  return instance ? name.substr(0, at + 1) + ".service" : "";
}

}  // namespace

void cross_check(const Unit& unit, Checker& checker) {
  if (is_true(unit.enabled) && lacks_install(unit)) {
    checker.warning("contents", "the unit is enabled but has nothing in an [Install] section, so enabling does nothing",
                    "add [Install] with WantedBy=");
  }
  if (is_true(unit.mask) && !is_empty(unit.contents)) {
    checker.strict("mask", "a masked unit is a link to /dev/null: its contents are lost");
  }
}

void cross_check(const Systemd& systemd, Checker& checker) {
  std::unordered_map<std::string, std::size_t> units;
  for (std::size_t i = 0; i < systemd.units.size(); ++i) {
    units.emplace(systemd.units[i].name, i);
  }
  for (std::size_t i = 0; i < systemd.units.size(); ++i) {
    const Unit& unit = systemd.units[i];
    const auto its_template = units.find(template_of(unit.name));
    if (is_true(unit.enabled) && its_template != units.end() && lacks_install(systemd.units[its_template->second])) {
      checker.warning("units", "the instance is enabled but its template has nothing in an [Install] section", {}, i);
    }
  }
}

}  // namespace provision::spec

namespace provision::fields {

using namespace spec;

template <>
struct Table<Dropin> {
  static constexpr auto rows = std::tuple{
      field("name", &Dropin::name, "The drop-in's name; it ends in .conf.",
            {.required = true, .key = true, .check = &check_dropin_name}),
      field("contents", &Dropin::contents, "The drop-in's text; absent: none is written.",
            {.secret = true, .check = &check_unit_contents}),
  };
};

template <>
struct Table<Unit> {
  static constexpr auto rows = std::tuple{
      field("name", &Unit::name, "The unit's name with its type.",
            {.required = true, .key = true, .check = &check_unit_name}),
      field("enabled", &Unit::enabled, "Whether presets enable it; absent: left alone."),
      field("mask", &Unit::mask, "Whether it is a link to /dev/null; absent: left alone."),
      field("contents", &Unit::contents, "The unit file; absent or empty: none is written.",
            {.secret = true, .check = &check_unit_contents}),
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

PROVISION_INSTANTIATE_RECORD(provision::spec::Dropin);
PROVISION_INSTANTIATE_RECORD(provision::spec::Unit);
PROVISION_INSTANTIATE_RECORD(provision::spec::Systemd);
