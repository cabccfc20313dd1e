// SPDX-License-Identifier: Apache-2.0
#include "spec/extension_images.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/text.hpp"
#include "fields/engine_impl.hpp"
#include "spec/checks.hpp"
#include "spec/spelled_out.hpp"

namespace provision::spec {
namespace {

using fields::Checker;

// Of systemd-sysext(8): where images of a kind are looked for in the target, and what activates them at each boot. The
// directories below /etc and /run, which it has too, are left to people.
struct Kind {
  std::string_view key;
  std::vector<ExtensionImage> Extensions::*images;
  std::string_view directory;
  std::string_view service;
};
constexpr std::array kinds{
    Kind{"systemExtensions", &Extensions::system_extensions, "/var/lib/extensions", "systemd-sysext.service"},
    Kind{"configurationExtensions", &Extensions::configuration_extensions, "/var/lib/confexts",
         "systemd-confext.service"},
};
constexpr std::int64_t image_mode = 0644;

std::string known_path(const Kind& kind, const ExtensionImage& image) {
  return std::string(kind.directory) + "/" + image.name + ".raw";
}

std::string file_path(const Kind& kind, const ExtensionImage& image) {
  return is_empty(image.path) ? known_path(kind, image) : *image.path;
}

const Unit* unit_named(const Config& config, std::string_view name) {
  const auto& units = config.systemd.units;
  const auto found = std::find_if(units.begin(), units.end(), [&](const Unit& unit) { return unit.name == name; });
  return found == units.end() ? nullptr : &*found;
}

// --- Spelling out

void add_file(Config& config, const Kind& kind, const ExtensionImage& image) {
  File file;
  file.place = image.place;
  file.path = file_path(kind, image);
  file.overwrite = true;
  file.contents = image.contents;
  file.mode = image_mode;
  add_spelled_out(config.storage.place, "files", config.storage.files, config.provision.place, std::move(file));
}

void add_link(Config& config, const Kind& kind, const ExtensionImage& image) {
  Link link;
  link.place = image.place;
  link.path = known_path(kind, image);
  link.overwrite = true;
  link.target = image.path;
  add_spelled_out(config.storage.place, "links", config.storage.links, config.provision.place, std::move(link));
}

void enable(Config& config, std::string_view service, const Located& place) {
  for (auto& unit : config.systemd.units) {
    if (unit.name == service) {
      unit.enabled = unit.enabled.value_or(true);
      return;
    }
  }
  Unit unit;
  unit.place = place;
  unit.name = service;
  unit.enabled = true;
  add_spelled_out(config.systemd.place, "units", config.systemd.units, config.provision.place, std::move(unit));
}

// --- Checking

void check_image_name(const std::string& name, std::string_view key, Checker& checker) {
  if (name.empty()) {
    return;  // The reader has said that it is required.
  }
  if (name.find('/') != std::string::npos || name.starts_with('.')) {
    checker.error(key, "\"" + printable(name) + "\" is no name of an extension: it becomes the name of a file");
  } else if (name.ends_with(".raw")) {
    checker.error(key, "the name of an extension stands without \".raw\"",
                  "as its file extension-release.<name> has it");
  }
}

// The paths of the config's files, directories and links, each with its list and number.
class Paths {
 public:
  explicit Paths(const Config& config) {
    add(config.storage.files, "files");
    add(config.storage.directories, "directories");
    add(config.storage.links, "links");
  }

  struct Place {
    const Node* node;
    std::string_view list;
    std::size_t index;
  };
  [[nodiscard]] const Place* find(const std::string& path) const {
    const auto found = places_.find(path);
    return found == places_.end() ? nullptr : &found->second;
  }

 private:
  template <class Kind>
  void add(const std::vector<Kind>& nodes, std::string_view list) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      places_.emplace(nodes[i].path, Place{&nodes[i], list, i});
    }
  }

  std::map<std::string, Place> places_;
};

class ImageChecks {
 public:
  ImageChecks(const Config& config, Checker& checker) : config_(config), checker_(checker), paths_(config) {}

  void check(const Kind& kind) {
    const auto& images = config_.provision.*kind.images;
    std::set<std::string> names;
    for (std::size_t i = 0; i < images.size(); ++i) {
      // That a name is there twice has been said.
      if (!names.insert(images[i].name).second) {
        continue;
      }
      check_path(kind, i, known_path(kind, images[i]));
      if (file_path(kind, images[i]) != known_path(kind, images[i])) {
        check_path(kind, i, file_path(kind, images[i]));
      }
    }
    const Unit* const unit = unit_named(config_, kind.service);
    if (!images.empty() && unit != nullptr && (is_true(unit->mask) || !unit->enabled.value_or(true))) {
      const fields::Within here(checker_, config_.provision.place, {"provision"});
      checker_.warning(kind.key, "the config does not let " + std::string(kind.service) +
                                     " start, so nothing activates these images");
    }
  }

 private:
  void check_path(const Kind& kind, std::size_t index, const std::string& path) {
    const Paths::Place* const other = paths_.find(path);
    const bool again = !seen_.insert(path).second;
    if (other == nullptr && !again) {
      return;
    }
    fields::Note note;
    note.text = "\"" + printable(path) + "\" is written by " +
                (other != nullptr ? "storage." + std::string(other->list) : "another extension") +
                " of this config too";
    note.hint = "give it in one place only";
    note.severity = fields::Severity::error;
    if (other != nullptr) {
      const fields::Within storage(checker_, other->node->place, {"storage", other->list, other->index});
      note.related = {checker_.origin("path", std::nullopt)};
    }
    const ExtensionImage& image = (config_.provision.*kind.images)[index];
    const fields::Within here(checker_, image.place, {"provision", kind.key, index});
    checker_.add(std::move(note), is_empty(image.path) ? "name" : "path", std::nullopt);
  }

  const Config& config_;
  Checker& checker_;
  Paths paths_;
  std::set<std::string> seen_;
};

}  // namespace

void spell_out_extension_images(Config& config) {
  for (const auto& kind : kinds) {
    auto& images = config.provision.*kind.images;
    for (const auto& image : images) {
      add_file(config, kind, image);
      if (file_path(kind, image) != known_path(kind, image)) {
        add_link(config, kind, image);
      }
      enable(config, kind.service, image.place);
    }
    images.clear();
  }
}

void check_extension_images(const Config& config, Checker& checker) {
  ImageChecks checks(config, checker);
  for (const auto& kind : kinds) {
    checks.check(kind);
  }
}

void cross_check(const ExtensionImage& image, Checker& checker) {
  if (is_empty(image.contents.source)) {
    checker.error("contents", "an extension image needs contents.source: nothing else says where it comes from");
  }
}

}  // namespace provision::spec

namespace provision::fields {

using namespace spec;

template <>
struct Table<ExtensionImage> {
  static constexpr auto rows = std::tuple{
      field("name", &ExtensionImage::name,
            "The extension's name, as its file extension-release.<name> has it, without \".raw\".",
            {.since = {3, 6}, .required = true, .extension = true, .key = true, .check = &check_image_name}),
      field("path", &ExtensionImage::path,
            "Where the image is kept, if not where systemd looks for it; a link leads to it from there.",
            {.since = {3, 6}, .extension = true, .check = &check_optional_absolute_path}),
      field("contents", &ExtensionImage::contents, "The image.", {.since = {3, 6}, .extension = true}),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::spec::ExtensionImage);
