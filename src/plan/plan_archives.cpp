// SPDX-License-Identifier: Apache-2.0
// The planner of archives.
//
// What is in the directory already and in the way shows when the archive has been fetched: a file or link that is not
// just as in the archive is a conflict then, unless overwrite is set, and nothing of that archive is written.
#include "plan/files_plan.hpp"
#include "plan/operations/archive.hpp"
#include "spec/inline_bytes.hpp"

namespace provision::plan {
namespace {

std::string why_of(const model::FileView* there, bool overwrite) {
  if (there == nullptr) {
    return "its directory is not there";
  }
  return overwrite ? "overwrite is set, for what has the names of its files and links"
                   : "what of it is there already shows when it is read";
}

// One that the config itself has is read now: nothing is written for one that cannot be unpacked.
Result<Contents> contents_in(const spec::Archive& archive, const std::string& at) {
  auto contents = TRY(contents_of(archive.contents, at));
  if (!contents.remote) {
    const std::string bytes = TRY(spec::inline_bytes(archive.contents));
    const auto hand_on = [&bytes](const std::function<Result<void>(std::string_view)>& take) { return take(bytes); };
    TRY(nodes_in(hand_on, archive.strip_components.value_or(0)));
  }
  return contents;
}

}  // namespace

Result<Step> plan_archive(FilesPlan& files, std::size_t index) {
  const spec::Archive& archive = files.config().provision.archives[index];
  const std::string at = "$.provision.archives." + std::to_string(index);
  const Origin origin = files.question.origin(archive.place, at, "path");
  const std::string id = "archive:" + archive.name;
  const bool overwrite = archive.overwrite.value_or(false);
  files.archives.push_back({archive.path, Claim::Kind::directory, {}, id, origin, overwrite});
  const model::FileView* const there = files.inventory().file(archive.path);
  if (there != nullptr && there->kind != host::NodeKind::directory) {
    return Error(Code::conflict, archive.path + " is " + std::string(kind_words(there->kind)) +
                                     " in the target, and an archive needs a directory")
        .at(origin);
  }
  auto contents = contents_in(archive, at + ".contents");
  if (!contents) {
    return std::move(contents).error().at(files.question.origin(archive.contents.place, at + ".contents", "source"));
  }
  const OwnerIds ids = TRY(ids_of(files, archive, at, nullptr));
  UnpackArchive wanted;
  wanted.name = archive.name;
  wanted.path = archive.path;
  wanted.contents = *std::move(contents);
  wanted.strip = archive.strip_components.value_or(0);
  wanted.uid = ids.uid;
  wanted.gid = ids.gid;
  wanted.overwrite = overwrite;
  Step step =
      step_over(id, there, why_of(there, overwrite), files.question.origin(archive.place, at), std::move(wanted));
  // Other steps may make the directory, and an equal one says nothing of what is in it.
  step.afresh = true;
  return step;
}

}  // namespace provision::plan
