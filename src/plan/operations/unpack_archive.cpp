// SPDX-License-Identifier: Apache-2.0
// UnpackArchive: an archive's files, directories and links below a directory that may be there.
//
// The archive is read twice: first all of it is compared with what is there, so that nothing is written where one of
// its names leads elsewhere or something else is in the way; then what is missing is put there. That it may be is noted
// between the two: what a power cut leaves torn after that is ours, and is written again.
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "base/path.hpp"
#include "base/text.hpp"
#include "model/observe.hpp"
#include "plan/downloads.hpp"
#include "plan/operations/archive.hpp"
#include "plan/operations/parents.hpp"
#include "plan/operations/predicted_files.hpp"
#include "plan/operations/put_file.hpp"

namespace provision::plan {
namespace {

using Kind = TarEntry::Kind;

// The archive, whole and verified; where it is fetched, in a temporary of the target, which goes with it.
struct Held {
  std::unique_ptr<host::NewFile> file;
  std::string bytes;
};

Result<Held> hold(Work& work, const UnpackArchive& operation) {
  if (!operation.contents.remote) {
    return Held{nullptr, TRY(work.contents.bytes(operation.contents))};
  }
  if (work.downloads == nullptr) {
    return Error(Code::internal, "nothing fetches here");
  }
  auto piece = TRY(work.downloads->take(operation));
  return Held{std::move(piece.file), {}};
}

ArchiveBytes bytes_of(const Held& held) {
  return [&held](const std::function<Result<void>(std::string_view)>& take) {
    return held.file != nullptr ? held.file->read(take) : take(held.bytes);
  };
}

// What of an archive is not there yet.
class Comparison {
 public:
  Comparison(Work& work, const UnpackArchive& operation, const ArchiveNodes& nodes, bool may_replace)
      : files_(work.host.target), operation_(operation), nodes_(nodes), may_replace_(may_replace) {}

  // Code::conflict where something else is in the way. Hard links come last: one with a file that is going to be
  // another one has to be made again.
  Result<std::set<std::string>> run() {
    for (const bool hard : {false, true}) {
      for (const auto& [path, node] : nodes_) {
        const bool is_now = (node.kind == Kind::hard_link) == hard;
        if (is_now && TRY(lacks(path, node))) {
          missing_.insert(path);
        }
      }
    }
    return std::move(missing_);
  }

 private:
  Result<bool> lacks(const std::string& path, const ArchiveNode& node) {
    const std::size_t slash = path.rfind('/');
    // Below what is going to be made nothing is there, wherever a link leads from it now.
    if (slash != std::string::npos && missing_.contains(path.substr(0, slash))) {
      return true;
    }
    const std::string place = path::join(operation_.path, path);
    const auto there = TRY(files_.look(place));
    if (!there) {
      return true;
    }
    if (TRY(is_same(place, *there, node))) {
      return false;
    }
    if (there->kind == host::NodeKind::directory) {
      return Error(Code::conflict, place + " is a directory, and is none in the archive");
    }
    if (!may_replace_) {
      return Error(Code::conflict, place + " is there and is not as in the archive, and overwrite is not set");
    }
    return true;
  }

  Result<bool> is_same(const std::string& place, const host::Node& there, const ArchiveNode& node) {
    switch (node.kind) {
      case Kind::directory:
        return there.kind == host::NodeKind::directory;
      case Kind::symlink:
        return there.kind == host::NodeKind::symlink && there.target == node.link && is_owned(there);
      case Kind::hard_link:
        return there.kind == host::NodeKind::regular && !missing_.contains(node.link) &&
               TRY(files_.is_same(place, path::join(operation_.path, node.link)));
      case Kind::file:
        break;
    }
    const bool alike =
        there.kind == host::NodeKind::regular && is_owned(there) && (there.attributes_fixed || there.mode == node.mode);
    return alike && TRY(files_.digest(place, HashFunction::sha256)) == node.digest;
  }

  [[nodiscard]] bool is_owned(const host::Node& there) const {
    return there.attributes_fixed || there.owner == host::Owner{operation_.uid, operation_.gid};
  }

  host::Files& files_;
  const UnpackArchive& operation_;
  const ArchiveNodes& nodes_;
  bool may_replace_;
  std::set<std::string> missing_;
};

class Writer final : public ArchiveFiles {
 public:
  Writer(Work& work, const UnpackArchive& operation, const ArchiveNodes& nodes, const std::set<std::string>& missing)
      : files_(work.host.target),
        operation_(operation),
        nodes_(nodes),
        missing_(missing),
        safely_(work.safe_names),
        owner_{operation.uid, operation.gid} {}

  // What is above another thing stands before it.
  Result<void> make_directories() {
    for (const auto& path : missing_) {
      const ArchiveNode& node = nodes_.at(path);
      if (node.kind == Kind::directory) {
        TRY(files_.make_directory_anew(place(path), node.mode, owner_));
      }
    }
    return {};
  }

  Result<void> make_links() {
    for (const auto& path : missing_) {
      const ArchiveNode& node = nodes_.at(path);
      if (node.kind == Kind::symlink) {
        TRY(files_.make_link(place(path), {node.link, false, owner_, host::Over::file}));
      } else if (node.kind == Kind::hard_link) {
        TRY(files_.make_link(place(path), {place(node.link), true, owner_, host::Over::file}));
      }
    }
    return {};
  }

  Result<void> begin(const std::string& path) override {
    if (missing_.contains(path)) {
      path_ = path;
      file_ = TRY(files_.begin(place(path), host::Parent::exists));
    }
    return {};
  }

  Result<void> content(std::string_view bytes) override {
    return file_ == nullptr ? Result<void>() : file_->write(bytes);
  }

  Result<void> end() override {
    const auto file = std::move(file_);
    if (file == nullptr) {
      return {};
    }
    const ArchiveNode& node = nodes_.at(path_);
    return file->commit({node.mode, owner_, host::Over::file, safely_, node.digest});
  }

 private:
  [[nodiscard]] std::string place(const std::string& path) const { return path::join(operation_.path, path); }

  host::Files& files_;
  const UnpackArchive& operation_;
  const ArchiveNodes& nodes_;
  const std::set<std::string>& missing_;
  bool safely_;
  host::Owner owner_;
  std::string path_;
  std::unique_ptr<host::NewFile> file_;
};

// Later nobody knows any more what the archive holds.
Result<void> check_unpacked(Work& work, const UnpackArchive& operation, const ArchiveNodes& nodes) {
  const auto lacking = TRY_WHILE(Comparison(work, operation, nodes, true).run(), "looking whether it worked");
  if (!lacking.empty()) {
    return Error(Code::not_satisfied,
                 "nothing failed, yet " + path::join(operation.path, *lacking.begin()) + " is not as in the archive");
  }
  return {};
}

}  // namespace

Result<Observation> observe(host::Host& host, const UnpackArchive& operation) {
  const auto view = TRY(model::look_at(host.target, operation.path));
  return observation_of(view ? &*view : nullptr, view && view->kind == host::NodeKind::directory);
}

Result<void> apply(Work& work, const UnpackArchive& operation) {
  const Held held = TRY(hold(work, operation));
  const ArchiveBytes bytes = bytes_of(held);
  const ArchiveNodes nodes = TRY(nodes_in(bytes, operation.strip));
  const bool may_replace = operation.overwrite || work.was_noted;
  const auto missing = TRY(Comparison(work, operation, nodes, may_replace).run());
  if (work.note) {
    TRY(work.note(digest_of(nodes), true));
  }
  // The directory itself too.
  TRY(make_parents(work.host.target, path::join(operation.path, "it")));
  Writer writer(work, operation, nodes, missing);
  TRY(writer.make_directories());
  TRY(read_files(bytes, operation.strip, writer));
  TRY(writer.make_links());
  return check_unpacked(work, operation, nodes);
}

// What is in it nobody knows before it is fetched.
void predict(model::Inventory& inventory, const UnpackArchive& operation) {
  if (inventory.file(operation.path) != nullptr) {
    return;
  }
  model::FileView made;
  made.path = operation.path;
  made.kind = host::NodeKind::directory;
  made.mode = 0755;
  predict_file(inventory, std::move(made));
}

std::string describe(const UnpackArchive& operation) {
  const std::string size = operation.contents.remote ? "fetched" : std::to_string(operation.contents.size) + " bytes";
  return "unpack the archive " + printable(operation.name) + " into " + operation.path + " (" + size + ")";
}

Traits traits(const UnpackArchive& operation) {
  Traits traits;
  traits.sync_path = operation.path;
  // The directory may be there with something else in it.
  traits.observation_proves = false;
  traits.keeps = !operation.overwrite;
  traits.labels = {operation.path};
  return traits;
}

}  // namespace provision::plan
