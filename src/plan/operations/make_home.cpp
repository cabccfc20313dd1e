// SPDX-License-Identifier: Apache-2.0
// MakeHome: a home directory as useradd --create-home makes it, usermod --move-home moves it, and userdel --remove
// removes it; and the mail spool.
//
// A cut in the middle leaves a directory that lacks something of what it shall hold, or something torn: every entry is
// compared with its pattern, and made again where it differs. Where a plan that is made anew could not know that (the
// journal is in memory), the home gets its name when it is whole and on the medium.
#include <algorithm>
#include <cerrno>

#include "base/path.hpp"
#include "base/text.hpp"
#include "model/observe.hpp"
#include "plan/operation.hpp"
#include "plan/operations/parents.hpp"
#include "plan/operations/predicted_files.hpp"
#include "plan/operations/put_file.hpp"

namespace provision::plan {
namespace {

constexpr std::size_t max_skel_bytes = 256U << 20U;
constexpr std::uint32_t private_mode = 0700;
constexpr int max_links = 16;

host::Owner owner_of(const MakeHome& operation) { return {operation.uid, operation.gid}; }

// Where the skeleton is, if its own name is a symbolic link; what is in it is never followed.
Result<std::string> real_directory(host::Files& files, std::string path) {
  for (int i = 0; i < max_links; ++i) {
    const auto node = TRY(files.look(path));
    if (!node || node->kind != host::NodeKind::symlink) {
      return path;
    }
    path = path::clean(node->target.starts_with('/') ? node->target : path::join(path::parent(path), node->target));
  }
  return Error(Code::io, "too many symbolic links lead to " + path);
}

// A link into the skeleton itself leads to the copy, as useradd has it.
std::string copied_target(const std::string& target, const MakeHome& operation) {
  const bool inside = target.starts_with(operation.skel + "/");
  return inside ? operation.path + target.substr(operation.skel.size()) : target;
}

// Copies a tree into a directory that is there, or sees whether that has been done.
class Skeleton {
 public:
  Skeleton(host::Files& files, const MakeHome& operation, std::string root)
      : files_(files), operation_(operation), root_(std::move(root)) {}

  // `place` is the home, or will be.
  Result<bool> is_copied_to(const std::string& place) { return is_copied(root_, place); }
  Result<void> copy_to(const std::string& place) { return copy(root_, place); }
  [[nodiscard]] Result<bool> is_there() {
    const auto node = TRY(files_.look(root_));
    return node && node->kind == host::NodeKind::directory;
  }

 private:
  [[nodiscard]] std::string target_of(const host::Node& node) const { return copied_target(node.target, operation_); }

  Result<bool> is_same(const std::string& from, const host::Node& pattern, const std::string& to) {
    const auto node = TRY(files_.look(to));
    if (!node || node->kind != pattern.kind || node->owner != owner_of(operation_)) {
      return false;
    }
    if (pattern.kind == host::NodeKind::symlink) {
      return node->target == target_of(pattern);
    }
    if (node->mode != pattern.mode) {
      return false;
    }
    if (pattern.kind == host::NodeKind::directory) {
      return true;
    }
    return node->size == pattern.size &&
           TRY(files_.digest(from, HashFunction::sha256)) == TRY(files_.digest(to, HashFunction::sha256));
  }

  Result<bool> is_copied(const std::string& from, const std::string& to) {
    for (const auto& name : TRY(files_.list(from))) {
      const std::string source = path::join(from, name);
      const auto pattern = TRY(files_.look(source));
      if (!pattern || pattern->kind == host::NodeKind::other) {
        continue;
      }
      const std::string copy = path::join(to, name);
      if (!TRY(is_same(source, *pattern, copy)) ||
          (pattern->kind == host::NodeKind::directory && !TRY(is_copied(source, copy)))) {
        return false;
      }
    }
    return true;
  }

  Result<void> put(const std::string& from, const host::Node& pattern, const std::string& to) {
    switch (pattern.kind) {
      case host::NodeKind::regular:
        return files_.replace(to, TRY(files_.read(from, max_skel_bytes)), pattern.mode, owner_of(operation_));
      case host::NodeKind::directory:
        return files_.make_directory(to, pattern.mode, owner_of(operation_));
      case host::NodeKind::symlink:
        return files_.make_link(to, {target_of(pattern), false, owner_of(operation_), host::Over::file});
      case host::NodeKind::other:
        break;
    }
    // Pipes, sockets and devices have no place in a home directory: they are left out.
    return {};
  }

  Result<void> copy(const std::string& from, const std::string& to) {
    for (const auto& name : TRY(files_.list(from))) {
      const std::string source = path::join(from, name);
      const auto pattern = TRY(files_.look(source));
      if (!pattern || pattern->kind == host::NodeKind::other) {
        continue;
      }
      const std::string made = path::join(to, name);
      if (!TRY(is_same(source, *pattern, made))) {
        TRY(put(source, *pattern, made));
      }
      if (pattern->kind == host::NodeKind::directory) {
        TRY(copy(source, made));
      }
    }
    return {};
  }

  host::Files& files_;
  const MakeHome& operation_;
  std::string root_;
};

Result<Skeleton> skeleton_of(host::Files& files, const MakeHome& operation) {
  return Skeleton(files, operation, TRY(real_directory(files, operation.skel)));
}

// Calls `visit` for the path and everything below it; links are not followed. It says whether to go on.
template <class Visit>
Result<bool> walk(host::Files& files, const std::string& path, Visit& visit) {
  const auto node = TRY(files.look(path));
  if (!node) {
    return true;
  }
  if (!TRY(visit(path, *node))) {
    return false;
  }
  if (node->kind == host::NodeKind::directory) {
    for (const auto& name : TRY(files.list(path))) {
      if (!TRY(walk(files, path::join(path, name), visit))) {
        return false;
      }
    }
  }
  return true;
}

host::Owner next_owner(const host::Owner& owner, const MakeHome& operation) {
  return {owner.uid == operation.old_uid ? operation.uid : owner.uid,
          owner.gid == operation.old_gid ? operation.gid : owner.gid};
}

bool changes_owner(const MakeHome& operation) { return operation.old_uid >= 0 || operation.old_gid >= 0; }

Result<bool> is_owned(host::Files& files, const MakeHome& operation) {
  auto visit = [&](const std::string& /*path*/, const host::Node& node) -> Result<bool> {
    return next_owner(node.owner, operation) == node.owner;
  };
  return !changes_owner(operation) ? Result<bool>(true) : walk(files, operation.path, visit);
}

Result<void> own(host::Files& files, const MakeHome& operation) {
  auto visit = [&](const std::string& path, const host::Node& node) -> Result<bool> {
    const host::Owner next = next_owner(node.owner, operation);
    if (next != node.owner) {
      TRY(files.set_owner(path, next));
    }
    return true;
  };
  if (changes_owner(operation)) {
    TRY(walk(files, operation.path, visit));
  }
  return {};
}

// Contents before the directory: a cut leaves less of it, and the directory stays what shows that it is not done.
Result<void> remove_tree(host::Files& files, const std::string& path) {
  const auto node = TRY(files.look(path));
  if (!node || node->kind != host::NodeKind::directory) {
    return files.remove(path);
  }
  for (const auto& name : TRY(files.list(path))) {
    TRY(remove_tree(files, path::join(path, name)));
  }
  return files.remove_directory(path);
}

Result<Observation> observe_absence(host::Host& host, const MakeHome& operation) {
  const auto home = operation.path.empty() ? std::nullopt : TRY(model::look_at(host.target, operation.path));
  const bool mail = !operation.mail.empty() && TRY(host.target.look(operation.mail)).has_value();
  Observation seen;
  seen.state = !home && !mail ? State::satisfied : State::partly_ours;
  if (home) {
    seen.state = State::foreign;
    seen.fingerprint = model::fingerprint(&*home);
    seen.found = operation.path + " is there";
  }
  return seen;
}

// What there is at `path` before anything is done; foreign is what cannot become a home.
Result<Observation> observe_directory(host::Host& host, const MakeHome& operation) {
  Observation seen;
  const auto node = TRY(host.target.look(operation.path));
  if (!node) {
    return seen;
  }
  if (node->kind != host::NodeKind::directory && (operation.made || !operation.moved_from.empty())) {
    return Observation{State::foreign, "", operation.path + " is there and is no directory"};
  }
  if (!operation.moved_from.empty() && TRY(host.target.look(operation.moved_from))) {
    return Observation{State::foreign, "", operation.path + " and " + operation.moved_from + " are both there"};
  }
  seen.state = State::partly_ours;
  const bool attributes = !operation.made || (node->mode == static_cast<std::uint32_t>(operation.mode) &&
                                              node->owner == owner_of(operation));
  if (!attributes || !TRY(is_owned(host.target, operation))) {
    return seen;
  }
  if (operation.made) {
    Skeleton skeleton = TRY(skeleton_of(host.target, operation));
    if (TRY(skeleton.is_there()) && !TRY(skeleton.is_copied_to(operation.path))) {
      return seen;
    }
  }
  seen.state = State::satisfied;
  return seen;
}

Result<bool> is_claimed(host::Files& files, const MakeHome& operation) {
  for (const auto& path : operation.claimed) {
    const auto node = TRY(files.look(path));
    if (!node || node->owner != owner_of(operation) || node->mode != private_mode) {
      return false;
    }
  }
  return true;
}

Result<void> make_directory(host::Files& files, const MakeHome& operation, const std::string& place) {
  TRY(files.make_directory(place, static_cast<std::uint32_t>(operation.mode), owner_of(operation)));
  Skeleton skeleton = TRY(skeleton_of(files, operation));
  if (!TRY(skeleton.is_there())) {
    return {};
  }
  TRY(skeleton.copy_to(place));
  if (!TRY(skeleton.is_copied_to(place))) {
    return Error(Code::not_satisfied, "nothing failed, yet " + operation.skel + " has not been copied to " + place);
  }
  return {};
}

// Under another name until it is whole and on the medium. An earlier one that was cut short goes.
Result<void> make_at_once(host::Files& files, const MakeHome& operation) {
  const std::string parent = path::parent(operation.path);
  const std::string place = path::join(parent, ".provision-home-" + operation.user);
  TRY(remove_tree(files, place));
  TRY(make_directory(files, operation, place));
  TRY(files.sync(place));
  TRY(files.move(place, operation.path));
  return files.sync(parent);
}

Result<void> make_new(Work& work, const MakeHome& operation) {
  host::Files& files = work.host.target;
  TRY(make_parents(files, operation.path));
  const bool is_there = TRY(files.look(operation.path)).has_value();
  return work.safe_names && !is_there ? make_at_once(files, operation)
                                      : make_directory(files, operation, operation.path);
}

// Nothing of another file system, which was mounted in the old home since it was copied.
Result<void> remove_moved(host::Files& files, const MakeHome& operation) {
  const std::string& old = operation.moved_from;
  if (!TRY(files.look(old))) {
    return {};
  }
  const std::uint64_t own = TRY(files.file_system_of(old));
  auto visit = [&](const std::string& path, const host::Node& node) -> Result<bool> {
    const std::uint64_t number = node.kind == host::NodeKind::directory ? TRY(files.file_system_of(path)) : own;
    if (number != own) {
      return Error(Code::conflict, "a file system is mounted at " + path + ", in the home that has been moved");
    }
    return true;
  };
  TRY(walk(files, old, visit));
  TRY(remove_tree(files, old));
  return files.sync(path::parent(old));
}

// To another file system as usermod does it: copied, and then removed. Both being there is a move that was interrupted
// after the copy had been whole and on the medium.
Result<void> move_directory(host::Files& files, const MakeHome& operation) {
  if (TRY(files.look(operation.path))) {
    return remove_moved(files, operation);
  }
  TRY(make_parents(files, operation.path));
  auto moved = files.move(operation.moved_from, operation.path);
  if (moved || moved.error().system_error != EXDEV) {
    return moved;
  }
  TRY(files.copy_tree(operation.moved_from, operation.path, host::TreeTop::plain));
  if (!TRY(files.look(operation.path))) {
    return Error(Code::not_satisfied,
                 "nothing failed, yet " + operation.moved_from + " has not been copied to " + operation.path);
  }
  return remove_moved(files, operation);
}

Result<void> make_mail(host::Files& files, const MakeHome& operation) {
  if (operation.mail.empty() || TRY(files.look(operation.mail))) {
    return {};
  }
  TRY(make_parents(files, operation.mail));
  return files.replace(operation.mail, "", static_cast<std::uint32_t>(operation.mail_mode),
                       {operation.uid, operation.mail_gid});
}

Result<void> remove_all(host::Files& files, const MakeHome& operation) {
  if (!operation.mail.empty()) {
    TRY(files.remove(operation.mail));
  }
  return operation.path.empty() ? Result<void>() : remove_tree(files, operation.path);
}

// Whether the way from `root` to the path leads through a symbolic link: then it is nothing of the tree itself.
bool is_behind_link(const model::Inventory& inventory, const std::string& path, const std::string& root) {
  for (std::string above = path::parent(path); above.size() > root.size(); above = path::parent(above)) {
    const model::FileView* const view = inventory.file(above);
    if (view != nullptr && view->kind == host::NodeKind::symlink) {
      return true;
    }
  }
  return false;
}

void predict_directory(model::Inventory& inventory, const std::string& path, std::int64_t mode, std::int64_t uid,
                       std::int64_t gid) {
  model::FileView view;
  view.path = path;
  view.kind = host::NodeKind::directory;
  view.mode = mode;
  view.uid = uid;
  view.gid = gid;
  predict_file(inventory, std::move(view));
}

// Copies of what is seen of the skeleton.
void predict_skeleton(model::Inventory& inventory, const MakeHome& operation) {
  const std::string root = operation.skel.empty() ? "" : model::skeleton_place(inventory, operation.skel);
  if (root.empty() || root == "/") {
    return;
  }
  std::vector<model::FileView> copies;
  for (const auto& view : inventory.files) {
    if (view.path == root || !path::is_within(view.path, root) || view.kind == host::NodeKind::other ||
        is_behind_link(inventory, view.path, root)) {
      continue;
    }
    copies.push_back(view);
    copies.back().path = operation.path + view.path.substr(root.size());
    copies.back().uid = operation.uid;
    copies.back().gid = operation.gid;
    copies.back().target = copied_target(view.target, operation);
  }
  for (auto& copy : copies) {
    predict_file(inventory, std::move(copy));
  }
}

// The views of what is at or below the old place become views of the new one.
void predict_move(model::Inventory& inventory, const MakeHome& operation) {
  if (!operation.moved_from.empty()) {
    std::vector<model::FileView> moved;
    for (const auto& view : inventory.files) {
      if (path::is_within(view.path, operation.moved_from)) {
        moved.push_back(view);
        moved.back().path = operation.path + view.path.substr(operation.moved_from.size());
      }
    }
    predict_removal(inventory, operation.moved_from);
    for (auto& view : moved) {
      predict_file(inventory, std::move(view));
    }
  }
  if (changes_owner(operation)) {
    for (auto* view : views_within(inventory, operation.path)) {
      const host::Owner next = next_owner({view->uid, view->gid}, operation);
      view->uid = next.uid;
      view->gid = next.gid;
    }
  }
}

}  // namespace

Result<Observation> observe(host::Host& host, const MakeHome& operation) {
  if (operation.absent) {
    return observe_absence(host, operation);
  }
  Observation seen;
  seen.state = State::satisfied;
  if (operation.made || !operation.moved_from.empty() || changes_owner(operation)) {
    seen = TRY(observe_directory(host, operation));
  }
  const bool mail = operation.mail.empty() || TRY(host.target.look(operation.mail)).has_value();
  if (seen.state == State::satisfied && (!mail || !TRY(is_claimed(host.target, operation)))) {
    seen.state = State::partly_ours;
  }
  return seen;
}

Result<void> apply(Work& work, const MakeHome& operation) {
  host::Files& files = work.host.target;
  if (operation.absent) {
    return remove_all(files, operation);
  }
  if (operation.made) {
    TRY(make_new(work, operation));
  }
  if (!operation.moved_from.empty()) {
    TRY(move_directory(files, operation));
  }
  TRY(own(files, operation));
  for (const auto& path : operation.claimed) {
    TRY(files.make_directory(path, private_mode, owner_of(operation)));
  }
  return make_mail(files, operation);
}

void predict(model::Inventory& inventory, const MakeHome& operation) {
  if (operation.absent) {
    for (const auto* path : {&operation.mail, &operation.path}) {
      if (!path->empty()) {
        predict_removal(inventory, *path);
      }
    }
    return;
  }
  predict_move(inventory, operation);
  if (operation.made) {
    predict_directory(inventory, operation.path, operation.mode, operation.uid, operation.gid);
    predict_skeleton(inventory, operation);
  }
  for (const auto& path : operation.claimed) {
    predict_directory(inventory, path, private_mode, operation.uid, operation.gid);
  }
  if (!operation.mail.empty()) {
    model::FileView view;
    view.path = operation.mail;
    view.mode = operation.mail_mode;
    view.uid = operation.uid;
    view.gid = operation.mail_gid;
    view.digest = Digest::sha256("");
    predict_file(inventory, std::move(view));
  }
}

std::string describe(const MakeHome& operation) {
  const std::string whose = operation.path + " of " + operation.user;
  if (operation.absent) {
    return operation.path.empty() ? "remove the mail spool of " + operation.user : "remove the home " + whose;
  }
  if (!operation.moved_from.empty()) {
    return "move the home " + operation.moved_from + " of " + operation.user + " to " + operation.path;
  }
  if (operation.made) {
    return "make the home " + whose;
  }
  if (changes_owner(operation) || !operation.claimed.empty()) {
    return "make " + operation.user + " the owner of " + operation.path;
  }
  return "make the mail spool of " + operation.user;
}

Traits traits(const MakeHome& operation) {
  // A home that is there may be a file system of its own; one that comes or goes is an entry of the directory above.
  const std::string path = operation.path.empty() ? path::parent(operation.mail)
                           : operation.absent     ? path::parent(operation.path)
                                                  : operation.path;
  Traits traits;
  traits.sync_path = path;
  // A directory that only gets another owner keeps its label.
  if (!operation.absent && (operation.made || !operation.moved_from.empty())) {
    traits.labels.push_back(operation.path);
  }
  if (!operation.absent && !operation.mail.empty()) {
    traits.labels.push_back(operation.mail);
  }
  return traits;
}

}  // namespace provision::plan
