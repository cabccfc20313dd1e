// SPDX-License-Identifier: Apache-2.0
// PutVolumeKey: the key of an encrypted volume, in the target, for the boots to come.
#include "base/path.hpp"
#include "base/text.hpp"
#include "model/cards.hpp"
#include "model/observe.hpp"
#include "plan/operations/parents.hpp"
#include "plan/operations/predicted_files.hpp"
#include "plan/operations/put_file.hpp"
#include "plan/volume_keys.hpp"

namespace provision::plan {
namespace {

constexpr std::uint32_t key_mode = 0600;

std::string kept_name(const PutVolumeKey& operation) {
  if (!operation.part.empty()) {
    return model::secure_key_name(operation.volume, operation.part);
  }
  return operation.recovery ? model::recovery_name(operation.volume) : operation.volume;
}

std::string words_for(const PutVolumeKey& operation) {
  return operation.part == model::secure_info_part ? "what zkey knows of the secure key"
         : !operation.part.empty()                 ? "the secure key"
         : operation.recovery                      ? "the recovery key"
                                                   : "the key";
}

// From where on directories that have to be made are for root alone; empty: they are for all.
std::string private_top(const PutVolumeKey& operation) {
  const std::string_view top = operation.part.empty() ? model::keys_directory : model::secure_keys_directory;
  return path::is_within(operation.path, std::string(top)) ? std::string(top) : std::string();
}

Result<Secret> its_key(host::Host& host, const PutVolumeKey& operation) {
  auto key = TRY(kept_key(host.state, kept_name(operation)));
  if (!key) {
    return Error(Code::conflict, words_for(operation) + " of the encrypted volume " + printable(operation.volume) +
                                     " is not kept any more: make the volume anew (wipeVolume)");
  }
  return *std::move(key);
}

// No digest: of a short key it would be one to guess it by.
Result<std::optional<model::FileView>> look(host::Host& host, const PutVolumeKey& operation) {
  auto view = TRY(model::look_at(host.target, operation.path));
  if (view) {
    view->digest = {};
  }
  return view;
}

}  // namespace

Result<Observation> observe(host::Host& host, const PutVolumeKey& operation) {
  const auto view = TRY(look(host, operation));
  bool same = view && view->kind == host::NodeKind::regular && view->has(key_mode, 0, 0);
  if (same) {
    const auto node = TRY(host.target.look(operation.path));
    same = node && node->size <= max_key_bytes;
  }
  if (same) {
    const Secret key = TRY(its_key(host, operation));
    const Secret there = TRY(Secret::taken(TRY(host.target.read(operation.path, max_key_bytes))));
    same = key.is(there.view());
  }
  return observation_of(view ? &*view : nullptr, same);
}

Result<void> apply(Work& work, const PutVolumeKey& operation) {
  const Secret key = TRY(its_key(work.host, operation));
  const std::string top = private_top(operation);
  if (top.empty()) {
    TRY(make_parents(work.host.target, operation.path));
  } else {
    TRY(make_private_parents(work.host.target, operation.path, top, {}));
  }
  const auto file = TRY(work.host.target.begin(operation.path, host::Parent::exists));
  TRY(file->write(key.view()));
  return file->commit({key_mode, {}, host::Over::file, work.safe_names, {}});
}

void predict(model::Inventory& inventory, const PutVolumeKey& operation) {
  const std::string top = private_top(operation);
  if (!top.empty() && inventory.file(top) == nullptr) {
    model::FileView directory;
    directory.path = top;
    directory.kind = host::NodeKind::directory;
    directory.mode = 0700;
    predict_file(inventory, std::move(directory));
  }
  model::FileView made;
  made.path = operation.path;
  made.mode = key_mode;
  predict_file(inventory, std::move(made));
}

std::string describe(const PutVolumeKey& operation) {
  return "write " + words_for(operation) + " of the encrypted volume " + printable(operation.volume) + " to " +
         operation.path + " (mode 0600)";
}

Traits traits(const PutVolumeKey& operation) {
  Traits traits;
  traits.sync_path = path::parent(operation.path);
  traits.labels = {operation.path};
  return traits;
}

}  // namespace provision::plan
