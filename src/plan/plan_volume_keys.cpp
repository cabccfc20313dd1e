// SPDX-License-Identifier: Apache-2.0
// What lets later boots open the encrypted volumes: their keys in the target, and a line for each in /etc/crypttab,
// which systemd-cryptsetup-generator reads (crypttab(5)). Lines of other volumes stay.
#include <algorithm>

#include "base/text.hpp"
#include "model/cards.hpp"
#include "model/observe.hpp"
#include "plan/clevis.hpp"
#include "plan/enrollment.hpp"
#include "plan/files_plan.hpp"

namespace provision::plan {
namespace {

constexpr std::int64_t crypttab_mode = 0600;

Origin origin_of(const FilesPlan& files, std::size_t index) {
  return files.question.origin(files.config().storage.luks[index].place, "$.storage.luks." + std::to_string(index));
}

// `id`: "volume-key:data".
Result<void> plan_key_file(FilesPlan& files, const PutVolumeKey& wanted, const std::string& id, const Origin& origin) {
  const std::string& path = wanted.path;
  const model::FileView* const there = files.inventory().file(path);
  files.claims.push_back({path, Claim::Kind::file, {}, id, origin});
  if (there != nullptr && there->kind == host::NodeKind::directory) {
    return Error(Code::conflict, path + " is a directory in the target").at(origin);
  }
  const std::string why = there != nullptr       ? "whether it is the volume's shows then"
                          : wanted.recovery      ? "somebody may need it"
                          : !wanted.part.empty() ? "it is needed when the cards get another master key"
                                                 : "later boots open the volume by it";
  Step step = step_over(id, there, why, origin, wanted);
  step.afresh = there != nullptr;
  files.plan.steps.push_back(std::move(step));
  return {};
}

Result<void> plan_key(FilesPlan& files, std::size_t index) {
  const std::string& name = files.config().storage.luks[index].name;
  return plan_key_file(files, {name, model::volume_key_path(name), false}, "volume-key:" + name,
                       origin_of(files, index));
}

// In zkey's repository, as far as this first boot has made it.
Result<void> plan_secure_key(FilesPlan& files, std::size_t index) {
  const spec::Luks& asked = files.config().storage.luks[index];
  const model::VolumeView* const view = files.inventory().volume(asked.name);
  if (!model::wants_card(asked) || view == nullptr || !view->secure_key_kept) {
    return {};
  }
  const Origin origin = files.question.origin(asked.place, "$.storage.luks." + std::to_string(index) + ".cex", "cex");
  for (const auto part : model::secure_key_parts) {
    const std::string name(part);
    TRY(plan_key_file(files, {asked.name, model::secure_key_path(asked.name, part), false, name},
                      "secure-key:" + asked.name + "." + name, origin));
  }
  return {};
}

// One that this first boot has made. What an earlier provisioning has made is not known any more.
Result<void> plan_recovery_key(FilesPlan& files, std::size_t index) {
  const spec::Enrollment& asked = files.config().provision.enrollments[index];
  const model::VolumeView* const view = files.inventory().volume(asked.volume);
  if (!enrolls_recovery_key(asked) || view == nullptr || !view->recovery_kept) {
    return {};
  }
  const Origin origin = files.question.origin(asked.recovery_key.place, enrollment_place(index) + ".recoveryKey");
  return plan_key_file(files, {asked.volume, *asked.recovery_key.path, true}, "recovery-key:" + asked.volume, origin);
}

// How systemd-cryptsetup is to open what is enrolled (crypttab(5)).
std::string enrolled_options(const spec::Enrollment& asked) {
  return !enrolls_tpm2(asked) ? "" : has_pin(asked) ? "tpm2-device=auto,tpm2-pin=yes," : "tpm2-device=auto,";
}

Result<std::string> crypttab_line(const FilesPlan& files, std::size_t index) {
  const std::string& name = files.config().storage.luks[index].name;
  const model::VolumeView* const view = files.inventory().volume(name);
  if (view == nullptr || view->header.uuid.empty()) {
    return Error(Code::device_missing, "the encrypted volume " + printable(name) + " is not there")
        .at(origin_of(files, index));
  }
  const spec::Luks& asked = files.config().storage.luks[index];
  const std::string key = opens_without_key(files.config(), asked) ? "none" : model::volume_key_path(name);
  const std::string network = wants_binding(asked) && needs_network(asked.clevis) ? "_netdev," : "";
  const auto number = enrollment_for(files.config(), name);
  const std::string enrolled = number ? enrolled_options(files.config().provision.enrollments[*number]) : "";
  return name + " UUID=" + view->header.uuid + " " + key + " luks," + network + enrolled + "x-initrd.attach";
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
    if (!opens_without_key(files.config(), volumes[i])) {
      TRY(plan_key(files, i));
    }
    TRY(plan_secure_key(files, i));
  }
  for (std::size_t i = 0; i < files.config().provision.enrollments.size(); ++i) {
    TRY(plan_recovery_key(files, i));
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
