// SPDX-License-Identifier: Apache-2.0
#include "model/enablement.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/path.hpp"
#include "base/text.hpp"
#include "model/observe.hpp"
#include "model/observe_files.hpp"

namespace provision::model {
namespace {

using Install = std::map<std::string, std::vector<std::string>, std::less<>>;

// A line that ends with a backslash goes on in the next one.
std::string joined_lines(std::string_view text) {
  std::string joined(text);
  for (std::size_t at = joined.find("\\\n"); at != std::string::npos; at = joined.find("\\\n", at)) {
    joined.replace(at, 2, " ");
  }
  return joined;
}

// The values of the section, by key; an empty one takes back those before it.
Install read_install(std::string_view text) {
  Install install;
  bool inside = false;
  const std::string joined = joined_lines(text);
  for (const auto raw : split(joined, '\n')) {
    const std::string line(trim(raw));
    const std::size_t equals = line.find('=');
    if (line.starts_with('[')) {
      inside = line == "[Install]";
    } else if (inside && !line.starts_with('#') && !line.starts_with(';') && equals != std::string::npos) {
      auto& values = install[std::string(trim(line.substr(0, equals)))];
      const std::string value(trim(line.substr(equals + 1)));
      if (value.empty()) {
        values.clear();
      }
      for (const auto word : split(value, ' ')) {
        if (!trim(word).empty()) {
          values.emplace_back(trim(word));
        }
      }
    }
  }
  return install;
}

struct Name {
  // "web@.service" of "web@a.service"; empty: it is no instance.
  std::string of_template;
  std::string instance;
  // It is a template itself.
  bool is_template = false;
};

Name parse_name(std::string_view name) {
  const std::size_t at = name.find('@');
  const std::size_t dot = name.rfind('.');
  if (at == std::string_view::npos || dot == std::string_view::npos || dot < at) {
    return {};
  }
  if (dot == at + 1) {
    return {{}, {}, true};
  }
  return {std::string(name.substr(0, at + 1)) + std::string(name.substr(dot)),
          std::string(name.substr(at + 1, dot - at - 1)), false};
}

class Enabling {
 public:
  Enabling(const spec::Config& config, const Inventory& inventory) : config_(config), inventory_(inventory) {}

  std::vector<EnablingLink> run() {
    const auto& units = config_.systemd.units;
    for (std::size_t i = 0; i < units.size(); ++i) {
      if (units[i].enabled.value_or(false) && !units[i].mask.value_or(false)) {
        enable(units[i].name, i);
      }
    }
    return std::move(links_);
  }

 private:
  struct UnitText {
    std::string path;
    std::string text;
  };

  [[nodiscard]] std::optional<UnitText> configured(const std::string& name) const {
    for (const auto& unit : config_.systemd.units) {
      if (unit.name == name && !unit.contents.value_or("").empty()) {
        std::string text = *unit.contents;
        for (const auto& dropin : unit.dropins) {
          text += "\n" + dropin.contents.value_or("");
        }
        return UnitText{unit_path(name), std::move(text)};
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] std::optional<UnitText> text_of(const std::string& name) const {
    const std::string of_template = parse_name(name).of_template;
    for (const auto& one : {name, of_template}) {
      if (auto found = configured(one)) {
        return found;
      }
    }
    for (const auto& path : image_unit_paths(name)) {
      const FileView* const view = inventory_.file(path);
      if (view != nullptr && view->kind == host::NodeKind::regular) {
        return UnitText{path, view->text};
      }
    }
    return std::nullopt;
  }

  void enable(std::string name, std::size_t unit) {
    const auto file = is_plain_name(name) && seen_.insert(name).second ? text_of(name) : std::nullopt;
    if (!file) {
      return;
    }
    Install install = read_install(file->text);
    for (const auto& also : install["Also"]) {
      enable(also, unit);
    }
    if (parse_name(name).is_template) {
      const auto& instances = install["DefaultInstance"];
      if (instances.empty()) {
        return;
      }
      name.insert(name.find('@') + 1, instances.back());
    }
    constexpr std::array<std::pair<std::string_view, std::string_view>, 3> folders{
        {{"WantedBy", ".wants/"}, {"RequiredBy", ".requires/"}, {"UpheldBy", ".upholds/"}}};
    for (const auto& [key, folder] : folders) {
      for (const auto& by : install[std::string(key)]) {
        link(by, std::string(folder) + name, file->path, name, unit);
      }
    }
    for (const auto& alias : install["Alias"]) {
      link(alias, {}, file->path, name, unit);
    }
  }

  void link(std::string first, const std::string& rest, const std::string& target, const std::string& name,
            std::size_t unit) {
    const std::string instance = parse_name(name).instance;
    for (std::size_t at = first.find("%i"); at != std::string::npos; at = first.find("%i", at)) {
      first.replace(at, 2, instance);
      at += instance.size();
    }
    if (is_plain_name(first) && first != name && first.find('%') == std::string::npos) {
      links_.push_back({unit_path(first + rest), target, unit});
    }
  }

  const spec::Config& config_;
  const Inventory& inventory_;
  std::set<std::string> seen_;
  std::vector<EnablingLink> links_;
};

}  // namespace

bool applies_presets(const spec::Config& config, const Inventory& inventory) {
  const auto& files = config.storage.files;
  if (std::any_of(files.begin(), files.end(), [](const spec::File& file) { return file.path == machine_id_path; })) {
    return false;
  }
  const FileView* const view = inventory.file(machine_id_path);
  return view == nullptr || (view->kind == host::NodeKind::regular && trim(view->text) == "uninitialized");
}

std::vector<EnablingLink> enabling_links(const spec::Config& config, const Inventory& inventory) {
  return Enabling(config, inventory).run();
}

std::vector<std::string> image_unit_paths(std::string_view name) {
  constexpr std::array<std::string_view, 4> folders{units_path, "/usr/local/lib/systemd/system",
                                                    "/usr/lib/systemd/system", "/lib/systemd/system"};
  std::vector<std::string> paths;
  const std::string of_template = parse_name(name).of_template;
  for (const std::string_view one : {name, std::string_view(of_template)}) {
    for (const auto folder : folders) {
      if (!one.empty()) {
        paths.push_back(path::join(folder, one));
      }
    }
  }
  return paths;
}

std::vector<std::string> enabled_with(std::string_view unit_file) { return read_install(unit_file)["Also"]; }

}  // namespace provision::model
