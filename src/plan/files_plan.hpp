// SPDX-License-Identifier: Apache-2.0
// What the parts of the files planner share.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "plan/planners.hpp"
#include "spec/config.hpp"

namespace provision::plan {

// A path that the config wants something at, whether or not a step is needed for that.
struct Claim {
  enum class Kind : std::uint8_t { directory, file, symlink, hard_link };

  std::string path;
  Kind kind = Kind::file;
  // Of a symbolic link.
  std::string target;
  // "file:/etc/motd", as the step's id would be.
  std::string id;
  Origin origin;
  // It may take the place of what is there.
  bool overwrite = false;
};

struct FilesPlan {
  const Question& question;
  std::vector<Claim> claims;
  // The directories that archives are unpacked into, in the config's order: others may want them too.
  std::vector<Claim> archives;
  Plan plan;
  // As users and groups leave it, which come first.
  model::Inventory after_accounts;

  [[nodiscard]] const model::Inventory& inventory() const { return after_accounts; }
  [[nodiscard]] const spec::Config& config() const { return question.config(); }
};

inline constexpr std::int64_t file_mode = 0644;
inline constexpr std::int64_t directory_mode = 0755;

struct OwnerIds {
  std::int64_t uid = 0;
  std::int64_t gid = 0;
};
// The owner that the config gives to what is at `path` of it; where it does not, that of `kept`, or root.
Result<OwnerIds> ids_of(const FilesPlan& files, const spec::Node& node, const std::string& path,
                        const model::FileView* kept);

// A step for what is, or is not, `there`.
Step step_over(std::string id, const model::FileView* there, std::string why, Origin origin, Operation operation);
// The file is there with just these contents, mode and owner.
bool is_so(const model::FileView* there, const PutFile& wanted);
// "a directory", "a symbolic link", …
std::string_view kind_words(host::NodeKind kind);

// The old text with the lines that it lacks at its end.
std::string with_lines(std::string text, const std::vector<std::string>& lines);

// The step of the config's archive of that number: plan_archives.cpp.
Result<Step> plan_archive(FilesPlan& files, std::size_t index);
// The keys of encrypted volumes and /etc/crypttab, after all files are planned: plan_volume_keys.cpp.
Result<void> plan_volume_keys(FilesPlan& files);
// A line for each encrypted volume.
Result<std::vector<std::string>> crypttab_lines(const FilesPlan& files);
// The steps of units, drop-ins, masks and presets, into the plan: plan_units.cpp.
Result<void> plan_units(FilesPlan& files);

}  // namespace provision::plan
