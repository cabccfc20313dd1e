// SPDX-License-Identifier: Apache-2.0
// What lets later boots open the encrypted volumes: their keys in the target, and a line for each in /etc/crypttab,
// which systemd-cryptsetup-generator reads (crypttab(5)). Lines of other volumes stay.
#include <algorithm>

#include "base/text.hpp"
#include "model/observe.hpp"
#include "plan/clevis.hpp"
#include "plan/files_plan.hpp"

namespace provision::plan {
namespace {

constexpr std::int64_t crypttab_mode = 0600;

Origin origin_of(const FilesPlan& files, std::size_t index) {
  return files.question.origin(files.config().storage.luks[index].place, "$.storage.luks." + std::to_string(index));
}

Result<void> plan_key(FilesPlan& files, std::size_t index) {
  const std::string& name = files.config().storage.luks[index].name;
  const std::string path = model::volume_key_path(name);
  const Origin origin = origin_of(files, index);
  const model::FileView* const there = files.inventory().file(path);
  const std::string id = "volume-key:" + name;
  files.claims.push_back({path, Claim::Kind::file, {}, id, origin});
  if (there != nullptr && there->kind == host::NodeKind::directory) {
    return Error(Code::conflict, path + " is a directory in the target").at(origin);
  }
  const std::string why =
      there == nullptr ? "later boots open the volume by it" : "whether it is the volume's shows then";
  Step step = step_over(id, there, why, origin, PutVolumeKey{name, path});
  step.afresh = there != nullptr;
  files.plan.steps.push_back(std::move(step));
  return {};
}

Result<std::string> crypttab_line(const FilesPlan& files, std::size_t index) {
  const std::string& name = files.config().storage.luks[index].name;
  const model::VolumeView* const view = files.inventory().volume(name);
  if (view == nullptr || view->header.uuid.empty()) {
    return Error(Code::device_missing, "the encrypted volume " + printable(name) + " is not there")
        .at(origin_of(files, index));
  }
  const spec::Luks& asked = files.config().storage.luks[index];
  const bool bound = wants_binding(asked);
  const std::string key = bound ? "none" : model::volume_key_path(name);
  const std::string network = bound && needs_network(asked.clevis) ? "_netdev," : "";
  return name + " UUID=" + view->header.uuid + " " + key + " luks," + network + "x-initrd.attach";
}

// The text without the lines of volumes that get new ones.
std::string without_lines_of(const std::string& text, const std::vector<spec::Luks>& volumes,
                             const std::vector<std::string>& wanted) {
  std::vector<std::string> kept;
  for (const auto line : split(text, '\n')) {
    const std::string_view begin = trim(line);
    const std::string_view name = begin.substr(0, std::min(begin.find_first_of(" \t"), begin.size()));
    const bool other =
        std::none_of(volumes.begin(), volumes.end(), [&](const spec::Luks& volume) { return volume.name == name; });
    if (other || std::find(wanted.begin(), wanted.end(), line) != wanted.end()) {
      kept.emplace_back(line);
    }
  }
  return join(kept, "\n");
}

// Where the config has a file there itself, the lines are a part of that (plan_files.cpp).
Result<void> plan_crypttab(FilesPlan& files, const std::vector<std::string>& lines) {
  const std::string path(model::crypttab_path);
  const model::FileView* const there = files.inventory().file(path);
  const std::string text = there != nullptr ? there->text : "";
  const auto& own = files.config().storage.files;
  if (std::any_of(own.begin(), own.end(), [&](const spec::File& file) { return file.path == path; })) {
    return {};
  }
  const Origin origin = origin_of(files, 0);
  if (there != nullptr && there->kind != host::NodeKind::regular) {
    return Error(Code::conflict, path + " is no regular file in the target").at(origin);
  }
  files.claims.push_back({path, Claim::Kind::file, {}, "file:" + path, origin});
  PutFile wanted;
  wanted.path = path;
  wanted.contents = generated(with_lines(without_lines_of(text, files.config().storage.luks, lines), lines));
  wanted.whole = wanted.contents.digest;
  wanted.mode = there != nullptr ? there->mode : crypttab_mode;
  if (is_so(there, wanted)) {
    return {};
  }
  files.plan.steps.push_back(
      step_over("file:" + path, there, "later boots open the encrypted volumes by it", origin, std::move(wanted)));
  return {};
}

}  // namespace

Result<void> plan_volume_keys(FilesPlan& files) {
  const auto& volumes = files.config().storage.luks;
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    if (!wants_binding(volumes[i])) {
      TRY(plan_key(files, i));
    }
  }
  return volumes.empty() ? Result<void>{} : plan_crypttab(files, TRY(crypttab_lines(files)));
}

Result<std::vector<std::string>> crypttab_lines(const FilesPlan& files) {
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < files.config().storage.luks.size(); ++i) {
    lines.push_back(TRY(crypttab_line(files, i)));
  }
  return lines;
}

}  // namespace provision::plan
