// SPDX-License-Identifier: Apache-2.0
// PutFile: a whole file, in one step.
#include "plan/operations/put_file.hpp"

#include <string>

#include "base/path.hpp"
#include "base/text.hpp"
#include "model/observe.hpp"
#include "plan/operations/parents.hpp"

namespace provision::plan {
namespace {

std::string found_words(const model::FileView& view) {
  switch (view.kind) {
    case host::NodeKind::regular:
      return "another file is there";
    case host::NodeKind::directory:
      return "a directory is there";
    case host::NodeKind::symlink:
      return "a symbolic link to " + printable(view.target) + " is there";
    case host::NodeKind::other:
      return "something that is no file is there";
  }
  return "something is there";
}

bool is_result_of(const model::FileView& view, const PutFile& operation) {
  return view.kind == host::NodeKind::regular && view.digest == operation.contents.digest &&
         view.mode == operation.mode && view.uid == operation.uid && view.gid == operation.gid;
}

std::string octal(std::int64_t mode) {
  std::string text = "0000";
  for (std::size_t i = 0; i < 4; ++i) {
    text[3 - i] = static_cast<char>('0' + (mode >> (3 * i) & 7));
  }
  return text;
}

}  // namespace

Observation observation_of(const model::FileView* view, bool satisfied) {
  Observation seen;
  seen.fingerprint = model::fingerprint(view);
  if (view != nullptr) {
    seen.state = satisfied ? State::satisfied : State::foreign;
    seen.found = found_words(*view);
  }
  return seen;
}

Result<Observation> observe(host::Host& host, const PutFile& operation) {
  const auto view = TRY(model::look_at(host.target, operation.path));
  return observation_of(view ? &*view : nullptr, view && is_result_of(*view, operation));
}

Result<void> apply(Work& work, const PutFile& operation) {
  const std::string bytes = TRY(work.contents.bytes(operation.contents));
  if (!operation.private_below.empty()) {
    TRY(make_private_parents(work.host.target, operation.path, operation.private_below,
                             {operation.uid, operation.gid}));
  } else {
    TRY(make_parents(work.host.target, operation.path));
  }
  return work.host.target.replace(operation.path, bytes, static_cast<std::uint32_t>(operation.mode),
                                  {operation.uid, operation.gid});
}

void predict(model::Inventory& inventory, const PutFile& operation) {
  if (!operation.private_below.empty() && inventory.file(operation.private_below) == nullptr) {
    model::FileView directory;
    directory.path = operation.private_below;
    directory.kind = host::NodeKind::directory;
    directory.mode = 0700;
    directory.uid = operation.uid;
    directory.gid = operation.gid;
    predict_file(inventory, std::move(directory));
  }
  model::FileView made;
  made.path = operation.path;
  made.mode = operation.mode;
  made.uid = operation.uid;
  made.gid = operation.gid;
  made.digest = operation.contents.digest;
  made.text = operation.contents.text;
  predict_file(inventory, std::move(made));
}

void predict_file(model::Inventory& inventory, model::FileView made) {
  for (auto& view : inventory.files) {
    if (view.path == made.path) {
      view = std::move(made);
      return;
    }
  }
  inventory.files.push_back(std::move(made));
}

std::string describe(const PutFile& operation) {
  return "write " + operation.path + " (" + std::to_string(operation.contents.size) + " bytes, mode " +
         octal(operation.mode) + ")";
}

Traits traits(const PutFile& operation) {
  return {.sync_path = path::parent(operation.path), .observation_proves = true, .lasts = true};
}

}  // namespace provision::plan
