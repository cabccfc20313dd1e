// SPDX-License-Identifier: Apache-2.0
// The planner of the files stage: users and groups (plan_accounts.cpp), directories, files and links, then units
// (plan_units.cpp), the result file, and SELinux labels.
//
// What is there already and what becomes of it:
//   overwrite is set       anything is replaced, a directory with all that is in it too, once the new thing is whole
//   a directory            stays with what is in it; mode and owner change where the config gives them
//   a file                 stays if the config gives no contents.source: it gets what is appended, and mode and owner
//                          where the config gives them; otherwise it must be just that, or it is a conflict
//   a symbolic link        stays if it leads to the same path; otherwise it is a conflict
//   a hard link            must be one with its target; otherwise it is a conflict
#include <algorithm>
#include <map>
#include <set>

#include "base/path.hpp"
#include "base/text.hpp"
#include "model/observe.hpp"
#include "model/observe_files.hpp"
#include "plan/files_plan.hpp"
#include "plan/ways.hpp"
#include "spec/inline_bytes.hpp"
#include "spec/subvolumes.hpp"

namespace provision::plan {
namespace {

// A step of storage, with what its place in the order goes by.
struct Placed {
  std::size_t depth = 0;
  bool hard = false;
  Step step;
};

Error conflict(const std::string& what) { return {Code::conflict, what}; }

// Where what is in a new home comes from; empty for everything else.
std::string skeleton_words(const FilesPlan& files, const model::FileView& there) {
  for (const auto& step : files.plan.steps) {
    const auto* const home = std::get_if<MakeHome>(&step.operation);
    if (home != nullptr && !home->skel.empty() && there.path != home->path && path::is_within(there.path, home->path)) {
      return "in the new home of " + home->user + ", from " + home->skel;
    }
  }
  return {};
}

std::string where_words(const FilesPlan& files, const model::FileView& there) {
  const std::string from_skeleton = skeleton_words(files, there);
  return from_skeleton.empty() ? "in the target" : from_skeleton;
}

std::string is_there_as(const FilesPlan& files, const model::FileView& there) {
  return there.path + " is " + std::string(kind_words(there.kind)) + " " + where_words(files, there);
}

// --- Users and groups

std::vector<std::string> storage_paths(const spec::Storage& storage) {
  std::vector<std::string> paths;
  for (const auto& directory : storage.directories) {
    paths.push_back(directory.path);
  }
  for (const auto& file : storage.files) {
    paths.push_back(file.path);
  }
  for (const auto& link : storage.links) {
    paths.push_back(link.path);
  }
  return paths;
}

// What was not there before is known by one path alone; a path of the config may lead there by links.
void see_by_other_ways(FilesPlan& files) {
  const Ways ways(files.after_accounts);
  std::vector<model::FileView> seen;
  for (const auto& path : storage_paths(files.config().storage)) {
    const auto way = ways.resolve(path);
    const model::FileView* const there = way ? ways.seen(way->place) : nullptr;
    if (there != nullptr && files.after_accounts.file(path) == nullptr) {
      seen.push_back(*there);
      seen.back().path = path;
    }
  }
  files.after_accounts.files.insert(files.after_accounts.files.end(), seen.begin(), seen.end());
}

// Everything else is planned on what their steps leave. The file of a user's keys is nobody else's.
Result<void> plan_passwd(FilesPlan& files) {
  model::Accounts accounts = TRY(plan_accounts(files.question, files.plan));
  const model::Inventory& before = files.question.inventory;
  files.after_accounts = predicted(before, files.plan);
  files.after_accounts.accounts = std::move(accounts);
  see_by_other_ways(files);
  const auto& users = files.config().passwd.users;
  for (std::size_t i = 0; i < users.size(); ++i) {
    const std::string home = model::home_of(users[i], before.accounts, before.account_files.rules);
    if (users[i].should_exist.value_or(true) && !users[i].ssh_authorized_keys.empty() && !home.empty()) {
      files.claims.push_back(
          {model::keys_path(home),
           Claim::Kind::file,
           {},
           "keys:" + users[i].name,
           files.question.origin(users[i].place, "$.passwd.users." + std::to_string(i) + ".sshAuthorizedKeys",
                                 "sshAuthorizedKeys")});
    }
  }
  return {};
}

bool is_of_accounts(const Step& step) {
  const auto* const file = std::get_if<PutFile>(&step.operation);
  return std::holds_alternative<WriteAccounts>(step.operation) || std::holds_alternative<MakeHome>(step.operation) ||
         (file != nullptr && !file->private_below.empty());
}

// The step of accounts that changes this file as a database; null: none.
const Step* database_step(const FilesPlan& files, const std::string& path) {
  for (const auto& step : files.plan.steps) {
    const auto labels = traits(step.operation).labels;
    if (std::holds_alternative<WriteAccounts>(step.operation) &&
        std::find(labels.begin(), labels.end(), path) != labels.end()) {
      return &step;
    }
  }
  return nullptr;
}

// --- Owners

Error no_such(std::string_view what, const std::string& name) {
  return {Code::bad_config, "the target has no " + std::string(what) + " \"" + printable(name) + "\""};
}

Result<std::int64_t> user_id(const FilesPlan& files, const spec::Node& node, const std::string& path,
                             std::int64_t otherwise) {
  const std::string name = node.user.name.value_or("");
  if (name.empty()) {
    return node.user.id.value_or(otherwise);
  }
  const model::UserView* const user = files.inventory().accounts.user(name);
  if (user == nullptr && name != "root") {
    return no_such("user", name).at(files.question.origin(node.user.place, path + ".user.name", "name"));
  }
  return user == nullptr ? 0 : user->uid;
}

Result<std::int64_t> group_id(const FilesPlan& files, const spec::Node& node, const std::string& path,
                              std::int64_t otherwise) {
  const std::string name = node.group.name.value_or("");
  if (name.empty()) {
    return node.group.id.value_or(otherwise);
  }
  const model::GroupView* const group = files.inventory().accounts.group(name);
  if (group == nullptr && name != "root") {
    return no_such("group", name).at(files.question.origin(node.group.place, path + ".group.name", "name"));
  }
  return group == nullptr ? 0 : group->gid;
}

// --- What overwrite may remove

// A file system of the config must not be in a tree that is removed.
Result<void> check_overwritten_tree(const FilesPlan& files, const std::string& path, const Origin& origin) {
  for (const auto& mount : spec::mount_paths(files.config())) {
    if (path::is_within(mount, path)) {
      return Error(Code::bad_config,
                   path + " cannot be overwritten: a file system of this config is mounted at " + mount)
          .at(origin);
    }
  }
  return {};
}

bool is_directory(const model::FileView* there) { return there != nullptr && there->kind == host::NodeKind::directory; }

// --- Directories

Result<std::optional<Step>> plan_directory(FilesPlan& files, std::size_t index) {
  const spec::Directory& directory = files.config().storage.directories[index];
  const std::string at = "$.storage.directories." + std::to_string(index);
  const Origin origin = files.question.origin(directory.place, at, "path");
  const model::FileView* const there = files.inventory().file(directory.path);
  files.claims.push_back({directory.path,
                          Claim::Kind::directory,
                          {},
                          "directory:" + directory.path,
                          origin,
                          directory.overwrite.value_or(false)});
  const bool overwrite = directory.overwrite.value_or(false);
  if (there != nullptr && !is_directory(there) && !overwrite) {
    return conflict(is_there_as(files, *there) + ", and overwrite is not set").at(origin);
  }
  const bool anew = there != nullptr && overwrite;
  const model::FileView* const kept = anew ? nullptr : there;
  const OwnerIds ids = TRY(ids_of(files, directory, at, kept));
  const PutDirectory wanted{directory.path, directory.mode.value_or(kept == nullptr ? directory_mode : kept->mode),
                            ids.uid, ids.gid, anew};
  if (kept != nullptr && kept->has(wanted.mode, wanted.uid, wanted.gid)) {
    return std::optional<Step>{};
  }
  if (anew) {
    TRY(check_overwritten_tree(files, directory.path, origin));
  }
  const std::string why = there == nullptr ? "it is not there"
                          : anew           ? "overwrite is set"
                                           : "its mode or owner differs";
  Step step = step_over("directory:" + directory.path, there, why, origin, wanted);
  step.afresh = anew && is_directory(there);
  return std::optional(std::move(step));
}

// --- Files

// The contents that the config describes, each piece with its own line where it cannot be had.
Result<Contents> contents_at(const FilesPlan& files, const spec::Resource& resource, const spec::Located& owner,
                             const std::string& path) {
  auto contents = contents_of(resource, path);
  if (!contents) {
    return std::move(contents).error().at(files.question.origin(owner, path, "contents"));
  }
  return contents;
}

Result<std::vector<Contents>> appended(const FilesPlan& files, const spec::File& file, const std::string& at) {
  std::vector<Contents> pieces;
  for (std::size_t i = 0; i < file.append.size(); ++i) {
    const std::string path = at + ".append." + std::to_string(i);
    auto piece = contents_of(file.append[i], path);
    if (!piece) {
      return std::move(piece).error().at(files.question.origin(file.append[i].place, path, "source"));
    }
    pieces.push_back(*std::move(piece));
  }
  return pieces;
}

// What is added to a file of the config for its encrypted volumes; empty: nothing.
Result<std::string> added_lines(const FilesPlan& files, const spec::File& file, const Origin& origin) {
  if (file.path != model::crypttab_path || files.config().storage.luks.empty()) {
    return std::string();
  }
  if (!file.contents.source) {
    return Error(Code::bad_config, file.path +
                                       " gets a line for each encrypted volume of this config: give all of its "
                                       "contents, or leave it out")
        .at(origin);
  }
  const auto lines = TRY(crypttab_lines(files));
  return join(lines, "\n") + "\n";
}

// The digest of the contents and what is appended to them; empty if something of it is fetched.
Result<Digest> digest_of_whole(const spec::File& file, const PutFile& wanted) {
  if (wanted.append.empty()) {
    return wanted.contents.digest;
  }
  if (fetches(wanted)) {
    return Digest{};
  }
  Hasher hasher(HashFunction::sha256);
  hasher.add(TRY(spec::inline_bytes(file.contents)));
  for (const auto& piece : file.append) {
    hasher.add(TRY(spec::inline_bytes(piece)));
  }
  if (wanted.append.size() > file.append.size()) {
    hasher.add(wanted.append.back().text);
  }
  return hasher.finish();
}

// The file stays, and its mode and owner where the config gives none.
Result<std::optional<Step>> plan_kept_file(FilesPlan& files, const spec::File& file, const std::string& at,
                                           const model::FileView& there, const Origin& origin) {
  const OwnerIds ids = TRY(ids_of(files, file, at, &there));
  PutFile wanted;
  wanted.path = file.path;
  wanted.keeps = there.digest;
  wanted.whole = there.digest;
  wanted.mode = file.mode.value_or(there.mode);
  wanted.uid = ids.uid;
  wanted.gid = ids.gid;
  auto pieces = TRY(appended(files, file, at));
  const bool empty =
      std::all_of(pieces.begin(), pieces.end(), [](const Contents& piece) { return !piece.remote && piece.size == 0; });
  if (!empty && !there.appended) {
    wanted.append = std::move(pieces);
    wanted.whole = there.extended;
  } else if (there.has(wanted.mode, wanted.uid, wanted.gid)) {
    return std::optional<Step>{};
  }
  const std::string why = wanted.append.empty() ? "its mode or owner differs" : "it is there and gets more";
  return std::optional(step_over("file:" + file.path, &there, why, origin, std::move(wanted)));
}

Result<std::optional<Step>> plan_file(FilesPlan& files, std::size_t index) {
  const spec::File& file = files.config().storage.files[index];
  const std::string at = "$.storage.files." + std::to_string(index);
  const Origin origin = files.question.origin(file.place, at, "path");
  const model::FileView* const there = files.inventory().file(file.path);
  files.claims.push_back(
      {file.path, Claim::Kind::file, {}, "file:" + file.path, origin, file.overwrite.value_or(false)});
  const bool overwrite = file.overwrite.value_or(false);
  const Step* const database = database_step(files, file.path);
  if (database != nullptr && !overwrite) {
    return Error(Code::bad_config,
                 file.path + " is changed for the users and groups of this config, and overwrite is not set")
        .at(origin);
  }
  if (there != nullptr && there->kind != host::NodeKind::regular && !overwrite) {
    return conflict(is_there_as(files, *there) + (is_directory(there) ? "" : ", and overwrite is not set")).at(origin);
  }
  const std::string lines = TRY(added_lines(files, file, origin));
  if (there != nullptr && !file.contents.source && !overwrite) {
    return plan_kept_file(files, file, at, *there, origin);
  }
  const OwnerIds ids = TRY(ids_of(files, file, at, nullptr));
  PutFile wanted;
  wanted.path = file.path;
  wanted.contents = TRY(contents_at(files, file.contents, file.place, at + ".contents"));
  wanted.append = TRY(appended(files, file, at));
  if (!lines.empty()) {
    wanted.append.push_back(generated(lines));
  }
  wanted.whole = TRY(digest_of_whole(file, wanted));
  wanted.mode = file.mode.value_or(file_mode);
  wanted.uid = ids.uid;
  wanted.gid = ids.gid;
  wanted.over_tree = is_directory(there);
  if (database == nullptr && is_so(there, wanted)) {
    return std::optional<Step>{};
  }
  if (there != nullptr && !overwrite) {
    const std::string from = skeleton_words(files, *there);
    return conflict(file.path + " is there" + (from.empty() ? "" : ", " + from + ",") +
                    " with other contents, mode or owner, and overwrite is not set")
        .at(origin);
  }
  if (wanted.over_tree) {
    TRY(check_overwritten_tree(files, file.path, origin));
  }
  const std::string why = there != nullptr ? "overwrite is set" : "it is not there";
  Step step = step_over("file:" + file.path, there, why, files.question.origin(file.place, at), wanted);
  // Whether it is so already, only fetching it tells.
  step.afresh = there != nullptr && wanted.whole.empty();
  if (database != nullptr) {
    step.replaces = replaces_anything;
    step.after.push_back(database->id);
  }
  return std::optional(std::move(step));
}

// --- Links

bool leads_to(const model::FileView* there, const std::string& target) {
  return there != nullptr && there->kind == host::NodeKind::symlink &&
         path::clean(there->target) == path::clean(target);
}

Error link_conflict(const FilesPlan& files, const model::FileView& there, const std::string& wanted) {
  const std::string target = there.kind == host::NodeKind::symlink ? " to " + printable(there.target) : "";
  return conflict(there.path + " is " + std::string(kind_words(there.kind)) + target + " " + where_words(files, there) +
                  ", not " + wanted + ", and overwrite is not set");
}

Result<std::optional<Step>> plan_symlink(FilesPlan& files, const spec::Link& link, const std::string& at,
                                         const Origin& origin) {
  const model::FileView* const there = files.inventory().file(link.path);
  const std::string target = link.target.value_or("");
  const bool same = leads_to(there, target);
  if (there != nullptr && !same && !link.overwrite.value_or(false)) {
    return link_conflict(files, *there, "a symbolic link to " + printable(target)).at(origin);
  }
  const OwnerIds ids = TRY(ids_of(files, link, at, same ? there : nullptr));
  if (same && there->uid == ids.uid && there->gid == ids.gid) {
    return std::optional<Step>{};
  }
  if (is_directory(there)) {
    TRY(check_overwritten_tree(files, link.path, origin));
  }
  const std::string why = there == nullptr ? "it is not there" : same ? "its owner differs" : "overwrite is set";
  const PutLink wanted{link.path, same ? there->target : target, false, ids.uid, ids.gid, is_directory(there)};
  return std::optional(step_over("link:" + link.path, there, why, origin, wanted));
}

Result<std::optional<Step>> plan_hard_link(FilesPlan& files, const spec::Link& link, const Origin& origin) {
  const model::FileView* const there = files.inventory().file(link.path);
  const std::string target = model::hard_target(link);
  if (there != nullptr && there->same_as == target) {
    return std::optional<Step>{};
  }
  if (there != nullptr && !link.overwrite.value_or(false)) {
    return link_conflict(files, *there, "one file with " + target).at(origin);
  }
  if (is_directory(files.inventory().file(target))) {
    return Error(Code::bad_config, "a hard link cannot lead to a directory, as " + target + " is one").at(origin);
  }
  if (is_directory(there)) {
    TRY(check_overwritten_tree(files, link.path, origin));
  }
  const std::string why = there == nullptr ? "it is not there" : "overwrite is set";
  const PutLink wanted{link.path, target, true, 0, 0, is_directory(there)};
  return std::optional(step_over("link:" + link.path, there, why, origin, wanted));
}

Result<std::optional<Step>> plan_link(FilesPlan& files, std::size_t index) {
  const spec::Link& link = files.config().storage.links[index];
  const std::string at = "$.storage.links." + std::to_string(index);
  const Origin origin = files.question.origin(link.place, at, "path");
  const bool hard = link.hard.value_or(false);
  files.claims.push_back({link.path, hard ? Claim::Kind::hard_link : Claim::Kind::symlink, link.target.value_or(""),
                          "link:" + link.path, origin, link.overwrite.value_or(false)});
  return hard ? plan_hard_link(files, link, origin) : plan_symlink(files, link, at, origin);
}

// --- The order

// Directories, archives, files and symbolic links, outer ones first; then hard links, whose targets are there by then.
Result<void> plan_storage(FilesPlan& files) {
  std::vector<Placed> placed;
  const auto take = [&](std::optional<Step> step, const std::string& path, bool hard) {
    if (step) {
      placed.push_back({path::depth(path), hard, *std::move(step)});
    }
  };
  const spec::Storage& storage = files.config().storage;
  for (std::size_t i = 0; i < storage.directories.size(); ++i) {
    take(TRY(plan_directory(files, i)), storage.directories[i].path, false);
  }
  const auto& archives = files.config().provision.archives;
  for (std::size_t i = 0; i < archives.size(); ++i) {
    take(TRY(plan_archive(files, i)), archives[i].path, false);
  }
  for (std::size_t i = 0; i < storage.files.size(); ++i) {
    take(TRY(plan_file(files, i)), storage.files[i].path, false);
  }
  for (std::size_t i = 0; i < storage.links.size(); ++i) {
    take(TRY(plan_link(files, i)), storage.links[i].path, storage.links[i].hard.value_or(false));
  }
  std::stable_sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    return std::pair(a.hard, a.depth) < std::pair(b.hard, b.depth);
  });
  for (auto& one : placed) {
    files.plan.steps.push_back(std::move(one.step));
  }
  return {};
}

// --- Where the paths lead

// Resolves the paths of the config, and finds what cannot be: two things at one place, something below a file, a
// circle.
class Places {
 public:
  explicit Places(FilesPlan& files) : files_(files), ways_(files.inventory()), before_(files.question.inventory) {}

  Result<void> run() {
    std::stable_sort(files_.claims.begin(), files_.claims.end(),
                     [](const Claim& a, const Claim& b) { return path::depth(a.path) < path::depth(b.path); });
    for (const auto& claim : files_.claims) {
      ways_.put(claim.path, claim.kind == Claim::Kind::symlink ? std::optional(claim.target) : std::nullopt);
    }
    for (const auto& claim : files_.claims) {
      TRY(place(claim));
    }
    for (const auto& claim : files_.claims) {
      TRY(check_way(claim));
    }
    for (const auto& archive : files_.archives) {
      TRY(check_archive(archive));
    }
    TRY(check_hard_links());
    order_steps();
    return {};
  }

  // The outermost paths that the steps make, as places: what a policy must label.
  [[nodiscard]] std::vector<std::string> made() const {
    std::set<std::string> places;
    for (const auto& step : files_.plan.steps) {
      for (const auto& label : traits(step.operation).labels) {
        const auto way = ways_.resolve(label);
        if (way && !stays(step, *way)) {
          places.insert(outermost_missing(*way));
        }
      }
    }
    std::vector<std::string> outer;
    for (const auto& place : places) {
      if (outer.empty() || !path::is_within(place, outer.back())) {
        outer.push_back(place);
      }
    }
    return outer;
  }

 private:
  Result<void> place(const Claim& claim) {
    const auto way = ways_.resolve(claim.path);
    if (!way) {
      return conflict(claim.path + " cannot be reached: symbolic links on the way lead in a circle").at(claim.origin);
    }
    const auto [other, fresh] = claims_.emplace(way->place, &claim);
    if (fresh) {
      return {};
    }
    const std::string where = ", at " + to_string(other->second->origin);
    if (other->second->path == claim.path) {
      return Error(Code::bad_config,
                   claim.path + " is written by " + other->second->id + where + ", and again by " + claim.id)
          .at(claim.origin);
    }
    return Error(Code::bad_config, claim.path + " and " + other->second->path + where + ", are one place, " +
                                       way->place + ", by the symbolic links on their ways")
        .at(claim.origin);
  }

  Result<void> check_way(const Claim& claim) const {
    const auto way = ways_.resolve(claim.path);
    for (const auto& above : way->through) {
      const auto other = claims_.find(above);
      if (other != claims_.end()) {
        const Claim::Kind kind = other->second->kind;
        if (kind == Claim::Kind::file || kind == Claim::Kind::hard_link) {
          return Error(Code::bad_config,
                       claim.path + " cannot be written: " + other->second->path + " is a file of this config")
              .at(claim.origin);
        }
        continue;
      }
      const model::FileView* const view = ways_.seen(above);
      if (view != nullptr && (view->kind == host::NodeKind::regular || view->kind == host::NodeKind::other)) {
        return conflict(claim.path + " cannot be written: " + is_there_as(files_, *view)).at(claim.origin);
      }
    }
    return {};
  }

  // What is at the place of an archive must be a directory.
  Result<void> check_archive(const Claim& archive) const {
    const auto way = ways_.resolve(archive.path);
    if (!way) {
      return conflict(archive.path + " cannot be reached: symbolic links on the way lead in a circle")
          .at(archive.origin);
    }
    const auto other = claims_.find(way->place);
    if (other != claims_.end() && other->second->kind != Claim::Kind::directory) {
      return Error(Code::bad_config, archive.path + " cannot hold an archive: " + other->second->id +
                                         " of this config, at " + to_string(other->second->origin) +
                                         ", is no directory")
          .at(archive.origin);
    }
    return check_way(archive);
  }

  // The target is there, or made by this config. On a file system that the config mounts it cannot be known before.
  Result<void> check_hard_links() const {
    for (const auto& claim : files_.claims) {
      if (claim.kind != Claim::Kind::hard_link) {
        continue;
      }
      const std::string target = path::clean("/" + claim.target);
      const auto way = ways_.resolve(target);
      const bool known = way && (claims_.contains(way->place) || ways_.seen(way->place) != nullptr);
      const auto mounts = spec::mount_paths(files_.config());
      const bool mounted = std::any_of(mounts.begin(), mounts.end(),
                                       [&](const std::string& mount) { return path::is_within(target, mount); });
      if (!known && !mounted) {
        return Error(Code::bad_config, "the target of the hard link " + claim.path + ", " + target +
                                           ", is not in the target and the config does not make it")
            .at(claim.origin);
      }
    }
    return {};
  }

  // Each step waits for those that make the way to it: the links, and the nearest directory, which itself waits for
  // what is above it.
  void order_steps() {
    std::map<std::string, Step*> steps;
    for (auto& step : files_.plan.steps) {
      steps.emplace(step.id, &step);
    }
    const std::vector<Ground> private_grounds = grounds();
    order_archives(steps, private_grounds);
    for (const auto& claim : files_.claims) {
      const auto step = steps.find(claim.id);
      if (step == steps.end() || is_of_accounts(*step->second)) {
        continue;
      }
      order_after_homes(*step->second, claim, private_grounds);
      add_after(*step->second, claim.path, steps);
      if (claim.kind == Claim::Kind::hard_link) {
        const std::string target = path::clean("/" + claim.target);
        add_after(*step->second, target, steps);
        add_claimed(*step->second, ways_.resolve(target)->place, steps);
      }
    }
  }

  // Places that a step of accounts makes or reads, and that others keep out of until it has ended.
  struct Ground {
    std::string step;
    std::vector<Way> ways;
  };

  [[nodiscard]] std::vector<Way> ways_to(const std::vector<std::string>& paths) const {
    std::vector<Way> ways;
    for (const auto& path : paths) {
      if (auto way = path.empty() ? std::nullopt : ways_.resolve(path)) {
        ways.push_back(*std::move(way));
      }
    }
    return ways;
  }

  [[nodiscard]] std::vector<Ground> grounds() const {
    std::vector<Ground> grounds;
    for (const auto& step : files_.plan.steps) {
      if (const auto* home = std::get_if<MakeHome>(&step.operation)) {
        grounds.push_back({step.id, ways_to({home->path, home->moved_from, home->skel, home->mail})});
      } else if (const auto* keys = std::get_if<PutFile>(&step.operation);
                 keys != nullptr && !keys->private_below.empty()) {
        grounds.push_back({step.id, ways_to({keys->private_below})});
      }
    }
    return grounds;
  }

  // What stands in a home waits for it, and for the keys in it; so does what changes the way there, or the skeleton
  // that is copied.
  void order_after_homes(Step& step, const Claim& claim, const std::vector<Ground>& grounds) const {
    const auto way = ways_.resolve(claim.path);
    if (!way) {
      return;
    }
    for (const auto& ground : grounds) {
      if (std::any_of(ground.ways.begin(), ground.ways.end(), [&](const Way& other) { return meet(other, *way); })) {
        add_id(step, ground.step);
      }
    }
  }

  // Whether a claim's way ends at the ground, below it, or above it, or leads through it.
  static bool meet(const Way& ground, const Way& claim) {
    return path::is_within(ground.place, claim.place) || path::is_within(claim.place, ground.place) ||
           std::find(claim.through.begin(), claim.through.end(), ground.place) != claim.through.end();
  }

  // An archive waits for the way to its directory, and for archives before it that it could meet; all that the config
  // itself puts below the directory comes later, so that it counts.
  void order_archives(const std::map<std::string, Step*>& steps, const std::vector<Ground>& private_grounds) const {
    for (const auto& archive : files_.archives) {
      const auto way = ways_.resolve(archive.path);
      Step& step = *steps.at(archive.id);
      order_after_homes(step, archive, private_grounds);
      add_after(step, archive.path, steps);
      add_claimed(step, way->place, steps);
      for (const auto& other : files_.archives) {
        if (&other == &archive) {
          break;
        }
        if (meet(*ways_.resolve(other.path), *way)) {
          add_id(step, other.id);
        }
      }
      for (const auto& [place, claim] : claims_) {
        const auto below = steps.find(claim->id);
        const bool is_below = place != way->place && path::is_within(place, way->place);
        if (is_below && below != steps.end() && !is_of_accounts(*below->second)) {
          add_id(*below->second, archive.id);
        }
      }
    }
  }

  void add_after(Step& step, const std::string& path, const std::map<std::string, Step*>& steps) const {
    const auto way = ways_.resolve(path);
    std::string nearest;
    for (const auto& above : way->through) {
      const auto claim = claims_.find(above);
      if (claim == claims_.end() || !steps.contains(claim->second->id)) {
        continue;
      }
      if (claim->second->kind == Claim::Kind::symlink) {
        add_claimed(step, above, steps);
      } else {
        nearest = above;
      }
    }
    add_claimed(step, nearest, steps);
  }

  void add_claimed(Step& step, const std::string& place, const std::map<std::string, Step*>& steps) const {
    const auto claim = claims_.find(place);
    if (claim == claims_.end() || !steps.contains(claim->second->id)) {
      return;
    }
    add_id(step, claim->second->id);
  }

  static void add_id(Step& step, const std::string& id) {
    if (id != step.id && std::find(step.after.begin(), step.after.end(), id) == step.after.end()) {
      step.after.push_back(id);
    }
  }

  // A directory that was there keeps its label.
  [[nodiscard]] bool stays(const Step& step, const Way& way) const {
    const auto* const directory = std::get_if<PutDirectory>(&step.operation);
    return directory != nullptr && !directory->anew && before_.seen(way.place) != nullptr;
  }

  [[nodiscard]] std::string outermost_missing(const Way& way) const {
    for (const auto& above : way.through) {
      if (before_.seen(above) == nullptr) {
        return above;
      }
    }
    return way.place;
  }

  FilesPlan& files_;
  // As users and groups leave the target, and then with what the config makes.
  Ways ways_;
  // What is there before anything is done.
  Ways before_;
  // By place.
  std::map<std::string, const Claim*> claims_;
};

// --- The last steps

// The file of an earlier provisioning stands if there is nothing to do now.
void plan_result(FilesPlan& files) {
  const model::FileView* const there = files.inventory().file(model::result_path);
  if (there != nullptr && files.plan.steps.empty()) {
    return;
  }
  PutResult wanted;
  const auto& documents = files.question.parsed.sources.documents;
  wanted.config_provided = !documents.empty() && std::none_of(documents.begin(), documents.end(),
                                                              [](const auto& one) { return is_no_config(one.name()); });
  wanted.before = there != nullptr ? there->digest : Digest{};
  Step step = step_over("result", there, "others learn from it how this machine was provisioned",
                        files.question.origin(files.config().place, "$"), wanted);
  step.afresh = true;
  step.after = {std::string(after_all)};
  files.plan.steps.push_back(std::move(step));
}

// Last, and only where the target has a policy. A new file has no label, or a wrong one, and a machine that enforces
// the policy would not come up.
Result<void> plan_labels(FilesPlan& files, const std::vector<std::string>& places) {
  const model::PolicyView& policy = files.inventory().policy;
  if (policy.name.empty() || places.empty()) {
    return {};
  }
  Origin origin = files.question.origin(files.config().place, "$");
  if (!policy.setfiles) {
    return Error(Code::program_missing, "the target has the SELinux policy " + policy.name +
                                            ", and there is no program setfiles to label files by it")
        .at(std::move(origin));
  }
  Step step;
  step.id = "relabel";
  step.operation = Relabel{policy.name, places};
  step.why = "the target has an SELinux policy";
  step.origin = std::move(origin);
  step.after = {std::string(after_all)};
  step.afresh = true;
  files.plan.steps.push_back(std::move(step));
  return {};
}

}  // namespace

Result<OwnerIds> ids_of(const FilesPlan& files, const spec::Node& node, const std::string& path,
                        const model::FileView* kept) {
  return OwnerIds{TRY(user_id(files, node, path, kept == nullptr ? 0 : kept->uid)),
                  TRY(group_id(files, node, path, kept == nullptr ? 0 : kept->gid))};
}

Step step_over(std::string id, const model::FileView* there, std::string why, Origin origin, Operation operation) {
  Step step;
  step.id = std::move(id);
  step.why = std::move(why);
  step.origin = std::move(origin);
  step.assumes = model::fingerprint(there);
  step.replaces = there != nullptr ? step.assumes : "";
  step.operation = std::move(operation);
  return step;
}

bool is_so(const model::FileView* there, const PutFile& wanted) {
  if (there == nullptr || there->kind != host::NodeKind::regular || wanted.whole.empty()) {
    return false;
  }
  const Digest& digest = wanted.whole.function() == HashFunction::sha512 ? there->sha512 : there->digest;
  return digest == wanted.whole && there->has(wanted.mode, wanted.uid, wanted.gid);
}

std::string_view kind_words(host::NodeKind kind) {
  switch (kind) {
    case host::NodeKind::regular:
      return "a file";
    case host::NodeKind::directory:
      return "a directory";
    case host::NodeKind::symlink:
      return "a symbolic link";
    case host::NodeKind::other:
      break;
  }
  return "no file, directory or link";
}

bool is_no_config(std::string_view document) { return document.empty() || document.starts_with(no_config); }

Result<Plan> plan_files(const Question& question) {
  FilesPlan files{question, {}, {}, {}, {}};
  files.plan.stage = "files";
  TRY(plan_passwd(files));
  TRY(plan_storage(files));
  TRY(plan_units(files));
  TRY(plan_volume_keys(files));
  Places places(files);
  TRY(places.run());
  plan_result(files);
  TRY(plan_labels(files, places.made()));
  return std::move(files.plan);
}

}  // namespace provision::plan
