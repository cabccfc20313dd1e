// SPDX-License-Identifier: Apache-2.0
// PutFile: a whole file, in one step.
#include "plan/operations/put_file.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "base/path.hpp"
#include "base/text.hpp"
#include "model/observe.hpp"
#include "plan/downloads.hpp"
#include "plan/operations/parents.hpp"
#include "plan/operations/predicted_files.hpp"

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

bool only_attributes(const PutFile& operation) { return !operation.keeps.empty() && operation.append.empty(); }

bool has_attributes(const host::Node& node, const PutFile& operation) {
  return node.kind == host::NodeKind::regular &&
         (node.attributes_fixed || (static_cast<std::int64_t>(node.mode) == operation.mode &&
                                    node.owner.uid == operation.uid && node.owner.gid == operation.gid));
}

// SHA-512 where the config has such a hash: then the file is read by that first, since it need not be read again if it
// is right.
Result<bool> is_result_by_sha512(host::Host& host, const PutFile& operation) {
  const auto node = TRY(host.target.look(operation.path));
  return node && has_attributes(*node, operation) && operation.whole.function() == HashFunction::sha512 &&
         TRY(host.target.digest(operation.path, HashFunction::sha512)) == operation.whole;
}

bool is_result_of(const model::FileView& view, const PutFile& operation) {
  return view.kind == host::NodeKind::regular && !operation.whole.empty() && view.digest == operation.whole &&
         view.has(operation.mode, operation.uid, operation.gid);
}

std::string octal(std::int64_t mode) {
  std::string text = "0000";
  for (std::size_t i = 0; i < 4; ++i) {
    text[3 - i] = static_cast<char>('0' + (mode >> (3 * i) & 7));
  }
  return text;
}

// --- Applying

// Writes, and knows the digest of what was written.
class Writing {
 public:
  explicit Writing(host::NewFile& file) : file_(file) {}

  Result<void> add(std::string_view bytes) {
    hasher_.add(bytes);
    return file_.write(bytes);
  }
  Digest digest() { return hasher_.finish(); }

 private:
  host::NewFile& file_;
  Hasher hasher_{HashFunction::sha256};
};

Result<Downloads::Piece> fetched(Work& work, const PutFile& operation, const Contents& contents) {
  if (work.downloads == nullptr) {
    return Error(Code::internal, "nothing fetches here");
  }
  return work.downloads->take(operation, contents);
}

Result<void> add_piece(Work& work, const PutFile& operation, const Contents& contents, Writing& writing) {
  if (!contents.remote) {
    return writing.add(TRY(work.contents.bytes(contents)));
  }
  const auto piece = TRY(fetched(work, operation, contents));
  return piece.file->read([&](std::string_view bytes) { return writing.add(bytes); });
}

Result<void> add_kept(Work& work, const PutFile& operation, Writing& writing) {
  const std::string old = TRY(work.host.target.read(operation.path, model::max_kept_bytes));
  if (Digest::sha256(old) != operation.keeps) {
    return Error(Code::conflict, operation.path + " has changed since it was planned to append to it");
  }
  return writing.add(old);
}

// Put there by an earlier run whose note is lost: known by what was fetched again. Over a tree that proves nothing (see
// the traits): what is left of the old tree is still to be removed.
Result<bool> is_there_already(Work& work, const PutFile& operation, const Digest& digest) {
  if (!operation.whole.empty() || !operation.keeps.empty() || operation.over_tree) {
    return false;
  }
  PutFile known = operation;
  known.whole = digest;
  const Observation seen = TRY(observe(work.host, known));
  return seen.state == State::satisfied;
}

// The digest is noted where the plan does not know it. What is kept would be lost with a file that a power cut leaves
// torn, and a second append would not be noticed: so both are durable before the name.
Result<void> finish(Work& work, const PutFile& operation, std::unique_ptr<host::NewFile> file, const Digest& digest) {
  if (TRY(is_there_already(work, operation, digest))) {
    // Once it is noted nobody looks for a temporary any more.
    file.reset();
    return work.note ? work.note(digest, false) : Result<void>();
  }
  const bool keeps = !operation.keeps.empty() || operation.contents.from.empty();
  if (operation.whole.function() == HashFunction::sha256 && !operation.whole.empty() && digest != operation.whole) {
    return Error(Code::internal, "what was put together for " + operation.path + " is not what was planned");
  }
  if (operation.whole.empty() && work.note) {
    TRY(work.note(digest, keeps));
  }
  const host::Over over = operation.over_tree ? host::Over::tree : host::Over::file;
  const bool durable = keeps || work.safe_names;
  return file->commit(
      {static_cast<std::uint32_t>(operation.mode), {operation.uid, operation.gid}, over, durable, digest});
}

Result<void> make_way(Work& work, const PutFile& operation) {
  if (operation.private_below.empty()) {
    return make_parents(work.host.target, operation.path);
  }
  return make_private_parents(work.host.target, operation.path, operation.private_below,
                              {operation.uid, operation.gid});
}

// One piece that is fetched has been fetched into what becomes the file.
Result<void> adopt(Work& work, const PutFile& operation) {
  auto piece = TRY(fetched(work, operation, operation.contents));
  TRY(make_way(work, operation));
  return finish(work, operation, std::move(piece.file), piece.fetched.digest);
}

Result<void> compose(Work& work, const PutFile& operation) {
  TRY(make_way(work, operation));
  auto file = TRY(work.host.target.begin(operation.path, host::Parent::exists));
  Writing writing(*file);
  if (operation.keeps.empty()) {
    TRY(add_piece(work, operation, operation.contents, writing));
  } else {
    TRY(add_kept(work, operation, writing));
  }
  for (const auto& piece : operation.append) {
    TRY(add_piece(work, operation, piece, writing));
  }
  const Digest digest = writing.digest();
  return finish(work, operation, std::move(file), digest);
}

// --- Predicting

// Whether the file then counts as one that has all that the config appends: see model::FileView. Of bytes that are
// fetched that cannot be told later either.
bool ends_with_appended(const PutFile& operation) {
  const bool none_given = !operation.keeps.empty() || (!operation.contents.remote && operation.contents.size == 0);
  std::int64_t size = 0;
  for (const auto& piece : operation.append) {
    size += piece.size;
  }
  const bool fetched =
      std::any_of(operation.append.begin(), operation.append.end(), [](const Contents& piece) { return piece.remote; });
  return none_given && !fetched && size > 0;
}

// What make_private_parents makes.
void predict_private_way(model::Inventory& inventory, const PutFile& operation) {
  const std::string& top = operation.private_below;
  const std::string& path = operation.path;
  for (std::size_t slash = path.find('/', top.size()); !top.empty() && slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    model::FileView directory;
    directory.path = path.substr(0, slash);
    if (inventory.file(directory.path) == nullptr) {
      directory.kind = host::NodeKind::directory;
      directory.mode = 0700;
      directory.uid = operation.uid;
      directory.gid = operation.gid;
      predict_file(inventory, std::move(directory));
    }
  }
}

// --- Describing

// "12 bytes", or "fetched" where a part is.
std::string size_words(const PutFile& operation) {
  std::int64_t size = operation.contents.size;
  bool remote = operation.contents.remote;
  for (const auto& piece : operation.append) {
    size += piece.size;
    remote = remote || piece.remote;
  }
  return remote ? "fetched" : std::to_string(size) + " bytes";
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
  if (operation.whole.function() == HashFunction::sha512 && TRY(is_result_by_sha512(host, operation))) {
    return Observation{State::satisfied, {}, {}};
  }
  const auto view = TRY(model::look_at(host.target, operation.path));
  return observation_of(view ? &*view : nullptr, view && is_result_of(*view, operation));
}

Result<void> apply(Work& work, const PutFile& operation) {
  if (only_attributes(operation)) {
    return work.host.target.set_attributes(operation.path, static_cast<std::uint32_t>(operation.mode),
                                           {operation.uid, operation.gid});
  }
  const bool one_fetched = operation.contents.remote && operation.append.empty() && operation.keeps.empty();
  return one_fetched ? adopt(work, operation) : compose(work, operation);
}

void predict(model::Inventory& inventory, const PutFile& operation) {
  predict_private_way(inventory, operation);
  model::FileView made;
  if (const auto* there = inventory.file(operation.path); there != nullptr && only_attributes(operation)) {
    made = *there;
  }
  made.path = operation.path;
  made.mode = operation.mode;
  made.uid = operation.uid;
  made.gid = operation.gid;
  const bool sha512 = operation.whole.function() == HashFunction::sha512;
  made.digest = sha512 ? Digest{} : operation.whole;
  made.sha512 = sha512 ? operation.whole : Digest{};
  made.text = operation.contents.text;
  made.appended = made.appended || ends_with_appended(operation);
  if (operation.over_tree) {
    predict_removal(inventory, operation.path);
  }
  predict_file(inventory, std::move(made));
}

std::string attribute_words(std::int64_t mode, std::int64_t uid, std::int64_t gid) {
  const std::string owner = ", owner " + std::to_string(uid) + ":" + std::to_string(gid);
  return "mode " + octal(mode) + (uid == 0 && gid == 0 ? "" : owner);
}

std::string describe(const PutFile& operation) {
  const std::string attributes = attribute_words(operation.mode, operation.uid, operation.gid);
  if (only_attributes(operation)) {
    return "set " + attributes + " of " + operation.path;
  }
  const std::string verb = operation.keeps.empty() ? "write " : "append to ";
  return verb + operation.path + " (" + size_words(operation) + ", " + attributes + ")";
}

Traits traits(const PutFile& operation) {
  Traits traits;
  traits.sync_path = path::parent(operation.path);
  // What is left of a directory that was in the way is not seen.
  traits.observation_proves = !operation.over_tree;
  // The planner's own text has what was there in it.
  traits.keeps = !operation.keeps.empty() || (operation.contents.from.empty() && !operation.over_tree);
  if (!only_attributes(operation)) {
    traits.labels = {operation.path};
  }
  return traits;
}

}  // namespace provision::plan
