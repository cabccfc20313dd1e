// SPDX-License-Identifier: Apache-2.0
// PutDirectory: a directory with its mode and owner.
#include "base/path.hpp"
#include "model/observe.hpp"
#include "plan/operations/parents.hpp"
#include "plan/operations/predicted_files.hpp"
#include "plan/operations/put_file.hpp"

namespace provision::plan {

Result<Observation> observe(host::Host& host, const PutDirectory& operation) {
  const auto view = TRY(model::look_at(host.target, operation.path));
  const bool right =
      view && view->kind == host::NodeKind::directory && view->has(operation.mode, operation.uid, operation.gid);
  return observation_of(view ? &*view : nullptr, right);
}

Result<void> apply(Work& work, const PutDirectory& operation) {
  TRY(make_parents(work.host.target, operation.path));
  const auto mode = static_cast<std::uint32_t>(operation.mode);
  const host::Owner owner{operation.uid, operation.gid};
  return operation.anew ? work.host.target.make_directory_anew(operation.path, mode, owner)
                        : work.host.target.make_directory(operation.path, mode, owner);
}

void predict(model::Inventory& inventory, const PutDirectory& operation) {
  model::FileView made;
  made.path = operation.path;
  made.kind = host::NodeKind::directory;
  made.mode = operation.mode;
  made.uid = operation.uid;
  made.gid = operation.gid;
  if (operation.anew) {
    predict_removal(inventory, operation.path);
  }
  predict_file(inventory, std::move(made));
}

std::string describe(const PutDirectory& operation) {
  return std::string("make the ") + (operation.anew ? "empty " : "") + "directory " + operation.path + " (" +
         attribute_words(operation.mode, operation.uid, operation.gid) + ")";
}

Traits traits(const PutDirectory& operation) {
  Traits traits;
  traits.sync_path = path::parent(operation.path);
  // An old directory can look like the new one.
  traits.observation_proves = !operation.anew;
  traits.keeps = !operation.anew;
  traits.labels = {operation.path};
  return traits;
}

}  // namespace provision::plan
