// SPDX-License-Identifier: Apache-2.0
// PutLink: a symbolic or hard link. RemoveLink: a symbolic link that goes.
#include "base/path.hpp"
#include "base/text.hpp"
#include "model/observe.hpp"
#include "plan/operations/parents.hpp"
#include "plan/operations/predicted_files.hpp"
#include "plan/operations/put_file.hpp"

namespace provision::plan {
namespace {

// A symbolic link's owner is its own, never its target's.
bool is_the_link(const model::FileView& view, const PutLink& operation) {
  return view.kind == host::NodeKind::symlink && view.target == operation.target && view.uid == operation.uid &&
         view.gid == operation.gid;
}

bool is_link_to(const std::optional<model::FileView>& view, const std::string& target) {
  return view && view->kind == host::NodeKind::symlink && view->target == target;
}

}  // namespace

Result<Observation> observe(host::Host& host, const PutLink& operation) {
  const auto view = TRY(model::look_at(host.target, operation.path));
  const bool right = operation.hard ? TRY(host.target.is_same(operation.path, operation.target))
                                    : view && is_the_link(*view, operation);
  return observation_of(view ? &*view : nullptr, right);
}

Result<void> apply(Work& work, const PutLink& operation) {
  TRY(make_parents(work.host.target, operation.path));
  const host::Over over = operation.over_tree ? host::Over::tree : host::Over::file;
  return work.host.target.make_link(operation.path,
                                    {operation.target, operation.hard, {operation.uid, operation.gid}, over});
}

void predict(model::Inventory& inventory, const PutLink& operation) {
  model::FileView made;
  if (const auto* target = operation.hard ? inventory.file(operation.target) : nullptr) {
    made = *target;
    made.same_as = operation.target;
  }
  made.path = operation.path;
  if (!operation.hard) {
    made.kind = host::NodeKind::symlink;
    made.mode = 0777;
    made.target = operation.target;
    made.uid = operation.uid;
    made.gid = operation.gid;
  }
  if (operation.over_tree) {
    predict_removal(inventory, operation.path);
  }
  predict_file(inventory, std::move(made));
}

std::string describe(const PutLink& operation) {
  const std::string kind = operation.hard ? " a hard link of " : " a symbolic link to ";
  const bool owned = !operation.hard && (operation.uid != 0 || operation.gid != 0);
  const std::string owner = " (owner " + std::to_string(operation.uid) + ":" + std::to_string(operation.gid) + ")";
  return "make " + operation.path + kind + printable(operation.target) + (owned ? owner : "");
}

Traits traits(const PutLink& operation) {
  Traits traits;
  traits.sync_path = path::parent(operation.path);
  traits.observation_proves = !operation.over_tree;
  traits.labels = {operation.path};
  return traits;
}

Result<Observation> observe(host::Host& host, const RemoveLink& operation) {
  const auto view = TRY(model::look_at(host.target, operation.path));
  Observation seen = observation_of(view ? &*view : nullptr, false);
  if (!is_link_to(view, operation.target)) {
    seen.state = State::satisfied;
  }
  return seen;
}

Result<void> apply(Work& work, const RemoveLink& operation) { return work.host.target.remove(operation.path); }

void predict(model::Inventory& inventory, const RemoveLink& operation) { predict_removal(inventory, operation.path); }

std::string describe(const RemoveLink& operation) {
  return "remove the link " + operation.path + " to " + printable(operation.target);
}

Traits traits(const RemoveLink& operation) {
  Traits traits;
  traits.sync_path = path::parent(operation.path);
  traits.keeps = true;
  return traits;
}

}  // namespace provision::plan
