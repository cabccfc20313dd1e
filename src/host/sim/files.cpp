// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <map>

#include "base/path.hpp"
#include "host/sim/seams.hpp"

namespace provision::host::sim {
namespace {

// As many steps to what holds a path.
constexpr int most_links = 256;

Error failed(std::string_view doing, std::string_view path, int number) {
  return {Code::io, "cannot " + std::string(doing) + " " + std::string(path), number};
}

Error is_a_directory(const Place& place) { return {Code::conflict, place.full + " is a directory"}; }

bool is_directory(const Entry* entry) { return entry != nullptr && entry->node.kind == NodeKind::directory; }

// Where something stands until it is whole: always the same for the same name, as host/linux does it.
std::string temporary(const std::string& path, std::string_view suffix = "") {
  const std::string name = std::string(path::name(path)) + std::string(suffix);
  return path::join(path::parent(path), ".provision-" + Digest::sha256(name).hex().substr(0, 16));
}

}  // namespace

// --- Seeing

Result<std::optional<Node>> SimFiles::look(std::string_view path) {
  const auto place = world_.place(root_, path);
  if (!place) {
    const int number = place.error().system_error;
    return number == ENOENT || number == ENOTDIR ? Result<std::optional<Node>>(std::nullopt) : place.error();
  }
  const Entry* const found = world_.entry(*place);
  if (found == nullptr) {
    return std::optional<Node>();
  }
  Node node = found->node;
  node.size = found->content.size();
  return std::optional(node);
}

Result<const Entry*> SimFiles::regular_file(std::string_view path) {
  const Place place = TRY(world_.place(root_, path));
  const Entry* const found = world_.entry(place);
  if (found == nullptr) {
    return failed("open", path, ENOENT);
  }
  if (found->node.kind != NodeKind::regular) {
    return Error(Code::io, place.full + " is not a regular file");
  }
  return found;
}

Result<std::string> SimFiles::read(std::string_view path, std::size_t max_bytes) {
  const Entry* const found = TRY(regular_file(path));
  if (found->content.size() > max_bytes) {
    return Error(Code::io, std::string(path) + " is longer than " + std::to_string(max_bytes) + " bytes");
  }
  return found->content;
}

Result<Digest> SimFiles::digest(std::string_view path, HashFunction function) {
  const Entry* const found = TRY(regular_file(path));
  return digest_of(function, found->content);
}

Result<bool> SimFiles::is_same(std::string_view path, std::string_view other) {
  const auto one = world_.place(root_, path);
  const auto two = world_.place(root_, other);
  const Entry* const first = one ? world_.entry(*one) : nullptr;
  const Entry* const second = two ? world_.entry(*two) : nullptr;
  if (first == nullptr || second == nullptr || one->mount != two->mount) {
    return false;
  }
  return first == second || (first->inode != 0 && first->inode == second->inode);
}

Result<std::vector<std::string>> SimFiles::list(std::string_view path) {
  const Place place = TRY(world_.place(root_, path));
  if (!is_directory(world_.entry(place))) {
    return failed("list", path, world_.entry(place) == nullptr ? ENOENT : ENOTDIR);
  }
  std::vector<std::string> names;
  for (const auto& [inner, entry] : world_.files(place).now()) {
    if (inner != "/" && path::parent(inner) == place.inner) {
      names.emplace_back(path::name(inner));
    }
  }
  return names;
}

// --- Changing: each call is a list of mutations; a cut midway leaves all but the last of them.

Result<Place> SimFiles::writable(std::string_view path) {
  Place place = TRY(world_.place(root_, path));
  if (world_.mounts()[place.mount].read_only) {
    return failed("write", path, EROFS);
  }
  if (place.inner == "/") {
    return place;
  }
  const Entry* const folder = world_.entry(Place{place.mount, "", path::parent(place.inner)});
  if (!is_directory(folder)) {
    return failed("write", path, folder == nullptr ? ENOENT : ENOTDIR);
  }
  return place;
}

Result<void> SimFiles::make_root() {
  const Place root = TRY(world_.place("/", root_));
  if (missing_ == MissingRoot::make && world_.entry(root) == nullptr) {
    world_.files(root).change(Put{root.inner, directory(0700)});
    world_.touch(root.full);
  }
  return {};
}

Result<void> SimFiles::run(std::string_view path, const Result<std::vector<Mutation>>& steps, std::size_t count) {
  if (!steps) {
    return steps.error();
  }
  const Place place = TRY(world_.place(root_, path));
  for (std::size_t i = 0; i < std::min(count, steps->size()); ++i) {
    world_.files(place).change((*steps)[i]);
    world_.touch(place.full);
  }
  return {};
}

template <class Steps>
Result<void> SimFiles::change(std::string_view name, std::string_view path, Steps steps) {
  const auto list = [&]() -> Result<std::vector<Mutation>> {
    TRY(make_root());
    const Place place = TRY(writable(path));
    return steps(place);
  };
  const auto whole = [&] { return run(path, list(), SIZE_MAX); };
  const auto half = [&] {
    const auto all = list();
    static_cast<void>(run(path, all, all && !all->empty() ? all->size() - 1 : 0));
  };
  return mutate(world_, name, path::join(root_, path), whole, half);
}

// `make` makes `fresh`, which then takes the place's name.
Result<std::vector<Mutation>> SimFiles::put_steps(const Place& place, Mutation make, const std::string& fresh,
                                                  Over over) {
  std::vector<Mutation> steps;
  if (world_.entry(Place{place.mount, "", fresh}) != nullptr) {
    steps.emplace_back(Erase{fresh});
  }
  steps.push_back(std::move(make));
  if (!is_directory(world_.entry(place))) {
    steps.emplace_back(Rename{fresh, place.inner});
    return steps;
  }
  if (over == Over::file) {
    return is_a_directory(place);
  }
  for (const auto& point : world_.mounts()) {
    if (path::is_within(point.entry.target, place.full)) {
      return Error(Code::conflict, "a file system is mounted at " + point.entry.target);
    }
  }
  steps.emplace_back(Exchange{fresh, place.inner});
  steps.emplace_back(Erase{fresh});
  return steps;
}

// Collects in memory: only commit() changes the world, in one call, which midway leaves the temporary.
class SimFiles::Growing final : public NewFile {
 public:
  Growing(SimFiles& files, std::string path) : files_(files), path_(std::move(path)) {}

  Result<void> write(std::string_view bytes) override {
    content_ += bytes;
    return {};
  }
  Result<void> restart() override {
    content_.clear();
    return {};
  }
  Result<void> read(const std::function<Result<void>(std::string_view)>& take) override { return take(content_); }
  Result<void> commit(const Finish& finish) override { return files_.commit(path_, content_, finish); }

 private:
  SimFiles& files_;
  std::string path_;
  std::string content_;
};

Result<void> SimFiles::commit(std::string_view path, const std::string& content, const Finish& finish) {
  return change("replace", path, [&](const Place& place) {
    Entry entry = regular(content, finish.mode, finish.owner);
    // The content is settled by itself, before the name.
    entry.settled = finish.durable ? content.size() : 0;
    const std::string fresh = temporary(place.inner);
    return put_steps(place, Put{fresh, std::move(entry)}, fresh, finish.over);
  });
}

Result<std::unique_ptr<NewFile>> SimFiles::begin(std::string_view path, Parent parent) {
  if (parent == Parent::exists && missing_ == MissingRoot::is_an_error) {
    TRY(writable(path));
  }
  return std::unique_ptr<NewFile>(std::make_unique<Growing>(*this, std::string(path)));
}

Result<std::vector<Mutation>> SimFiles::link_steps(const Place& place, const NewLink& link) {
  const std::string fresh = temporary(place.inner);
  if (!link.hard) {
    return put_steps(place, Put{fresh, symlink(link.target, link.owner)}, fresh, link.over);
  }
  const Place target = TRY(world_.place(root_, link.target));
  const Entry* const found = world_.entry(target);
  if (found == nullptr || is_directory(found)) {
    return failed("link", link.target, found == nullptr ? ENOENT : EPERM);
  }
  if (target.mount != place.mount) {
    return failed("link", link.target, EXDEV);
  }
  return put_steps(place, Join{target.inner, fresh}, fresh, link.over);
}

Result<void> SimFiles::make_link(std::string_view path, const NewLink& link) {
  return change("make_link", path, [&](const Place& place) { return link_steps(place, link); });
}

Result<std::vector<Mutation>> SimFiles::append_steps(const Place& place, std::string_view bytes) {
  std::vector<Mutation> steps;
  const Entry* const found = world_.entry(place);
  if (found == nullptr) {
    steps.emplace_back(Put{place.inner, regular("", 0600)});
  } else if (found->node.kind != NodeKind::regular) {
    return is_directory(found) ? is_a_directory(place) : failed("append to", place.full, ELOOP);
  }
  // Two writes, so that midway there is a torn end.
  const std::size_t cut = bytes.empty() ? 0 : world_.random().below(bytes.size());
  steps.emplace_back(Grow{place.inner, std::string(bytes.substr(0, cut))});
  steps.emplace_back(Grow{place.inner, std::string(bytes.substr(cut))});
  return steps;
}

Result<void> SimFiles::append(std::string_view path, std::string_view bytes) {
  return change("append", path, [&](const Place& place) { return append_steps(place, bytes); });
}

Result<std::vector<Mutation>> SimFiles::directory_steps(const Place& place, std::uint32_t mode, Owner owner) {
  const Entry* const found = world_.entry(place);
  if (found == nullptr) {
    const std::string fresh = temporary(place.inner, "/");
    return std::vector<Mutation>{Put{fresh, directory(0700)}, Attributes{fresh, mode, owner},
                                 Rename{fresh, place.inner}};
  }
  if (!is_directory(found)) {
    return Error(Code::conflict, place.full + " is there and is not a directory");
  }
  return std::vector<Mutation>{Attributes{place.inner, mode, owner}};
}

Result<void> SimFiles::make_directory(std::string_view path, std::uint32_t mode, Owner owner) {
  return change("make_directory", path, [&](const Place& place) { return directory_steps(place, mode, owner); });
}

Result<void> SimFiles::make_directory_anew(std::string_view path, std::uint32_t mode, Owner owner) {
  return change("make_directory_anew", path, [&](const Place& place) {
    const std::string fresh = temporary(place.inner, "/");
    return put_steps(place, Put{fresh, directory(mode, owner)}, fresh, Over::tree);
  });
}

Result<void> SimFiles::set_attributes(std::string_view path, std::uint32_t mode, Owner owner) {
  return change("set_attributes", path, [&](const Place& place) -> Result<std::vector<Mutation>> {
    const Entry* const found = world_.entry(place);
    if (found == nullptr || (found->node.kind != NodeKind::regular && !is_directory(found))) {
      return failed("change", place.full, found == nullptr ? ENOENT : ELOOP);
    }
    return std::vector<Mutation>{Attributes{place.inner, found->node.mode & mode & 0777U, found->node.owner},
                                 Attributes{place.inner, mode, owner}};
  });
}

Result<void> SimFiles::copy_attributes(std::string_view from, std::string_view to) {
  return change("copy_attributes", to, [&](const Place& place) -> Result<std::vector<Mutation>> {
    const Place source = TRY(world_.place(root_, from));
    const Entry* const found = world_.entry(source);
    if (!is_directory(found) || !is_directory(world_.entry(place))) {
      return failed("copy the attributes of", from, ENOTDIR);
    }
    return std::vector<Mutation>{Attributes{place.inner, found->node.mode, found->node.owner}};
  });
}

Result<std::vector<Mutation>> SimFiles::remove_steps(const Place& place) {
  const Entry* const found = world_.entry(place);
  if (is_directory(found)) {
    return is_a_directory(place);
  }
  if (found == nullptr) {
    return std::vector<Mutation>{};
  }
  return std::vector<Mutation>{Erase{place.inner}};
}

Result<void> SimFiles::remove(std::string_view path) {
  // A directory on the way that is not there means that there is nothing to remove.
  const auto place = world_.place(root_, path);
  if (!place && place.error().system_error == ENOENT) {
    return mutate(
        world_, "remove", path::join(root_, path), [] { return Result<void>(); }, [] {});
  }
  return change("remove", path, [&](const Place& found) { return remove_steps(found); });
}

// No medium here keeps what was overwritten, so that it is a removal like another.
Result<void> SimFiles::erase(std::string_view path) { return remove(path); }

// Nobody else is on a simulated machine: the lock is always free.
Result<std::unique_ptr<Lock>> SimFiles::lock(std::string_view path) {
  TRY(change("lock", path, [&](const Place& place) -> Result<std::vector<Mutation>> {
    std::vector<Mutation> steps;
    if (world_.entry(place) == nullptr) {
      steps.emplace_back(Put{place.inner, regular("", 0600)});
    }
    return steps;
  }));
  return std::make_unique<Lock>();
}

Result<void> SimFiles::set_owner(std::string_view path, Owner owner) {
  return change("set_owner", path, [&](const Place& place) -> Result<std::vector<Mutation>> {
    const Entry* const found = world_.entry(place);
    if (found == nullptr) {
      return failed("own", place.full, ENOENT);
    }
    const std::uint32_t kept = found->node.kind == NodeKind::regular ? 01777U : 07777U;
    return std::vector<Mutation>{Attributes{place.inner, found->node.mode & kept, owner}};
  });
}

Result<std::vector<Mutation>> SimFiles::move_steps(const Place& place, const Place& to) {
  if (world_.entry(place) == nullptr || world_.entry(to) != nullptr) {
    return failed("move", place.full, world_.entry(place) == nullptr ? ENOENT : EEXIST);
  }
  if (to.mount != place.mount) {
    return failed("move", place.full, EXDEV);
  }
  return std::vector<Mutation>{Rename{place.inner, to.inner}};
}

Result<void> SimFiles::move(std::string_view from, std::string_view to) {
  return change("move", from, [&](const Place& place) -> Result<std::vector<Mutation>> {
    const Place other = TRY(writable(to));
    world_.touch(other.full);
    return move_steps(place, other);
  });
}

Result<void> SimFiles::remove_directory(std::string_view path) {
  return change("remove_directory", path, [&](const Place& place) -> Result<std::vector<Mutation>> {
    if (world_.entry(place) == nullptr) {
      return std::vector<Mutation>{};
    }
    if (!TRY(list(path)).empty()) {
      return failed("remove", place.full, ENOTEMPTY);
    }
    return std::vector<Mutation>{Erase{place.inner}};
  });
}

// A file of several names is put once, and joined.
Result<std::vector<Mutation>> SimFiles::copy_steps(const Place& from, const Place& to, const std::string& fresh,
                                                   TreeTop top) {
  for (const auto& point : world_.mounts()) {
    const bool allowed = top == TreeTop::may_be_mounted && point.entry.target == from.full;
    if (!allowed && path::is_within(point.entry.target, from.full)) {
      return Error(Code::conflict, "a file system is mounted at " + point.entry.target);
    }
  }
  std::vector<Mutation> steps;
  if (world_.entry(Place{to.mount, "", fresh}) != nullptr) {
    steps.emplace_back(Erase{fresh});
  }
  std::map<std::uint64_t, std::string> names;
  for (const auto& [inner, entry] : world_.files(from).now()) {
    if (!path::is_within(inner, from.inner)) {
      continue;
    }
    const std::string below = from.inner == "/" ? inner : inner.substr(from.inner.size());
    const std::string name = below == "/" ? fresh : fresh + below;
    const auto first = entry.inode == 0 ? names.end() : names.find(entry.inode);
    if (first != names.end()) {
      steps.emplace_back(Join{first->second, name});
      continue;
    }
    Entry copy = entry;
    copy.settled = 0;
    copy.inode = 0;
    copy.is_subvolume = false;
    copy.is_default = false;
    steps.emplace_back(Put{name, std::move(copy)});
    if (entry.inode != 0) {
      names.emplace(entry.inode, name);
    }
  }
  return steps;
}

// Midway there is only the temporary, of which the power may take anything.
Result<void> SimFiles::copy_tree(std::string_view from, std::string_view to, TreeTop top) {
  const auto copy = [&](bool whole) -> Result<void> {
    const Place source = TRY(world_.place(root_, from));
    const Place place = TRY(writable(to));
    if (!is_directory(world_.entry(source)) || world_.entry(place) != nullptr) {
      return failed("copy", from, world_.entry(place) != nullptr ? EEXIST : ENOTDIR);
    }
    const std::string fresh = temporary(place.inner, "/");
    auto steps = TRY(copy_steps(source, place, fresh, top));
    for (auto& step : steps) {
      world_.files(place).change(std::move(step));
      world_.touch(place.full);
    }
    if (whole) {
      world_.sync(place);
      world_.files(place).change(Rename{fresh, place.inner});
      world_.sync(place);
    }
    return {};
  };
  return mutate(
      world_, "copy_tree", path::join(root_, from), [&] { return copy(true); },
      [&] { static_cast<void>(copy(false)); });
}

Result<Place> SimFiles::holder(std::string_view path) {
  std::string at(path);
  for (int links = 0; links < most_links; ++links) {
    const auto place = world_.place(root_, at);
    const Entry* const found = place ? world_.entry(*place) : nullptr;
    if (found != nullptr && found->node.kind == NodeKind::symlink) {
      const std::string above = place->full.substr(root_ == "/" ? 0 : root_.size());
      at = path::clean(found->node.target.starts_with('/') ? found->node.target
                                                           : path::join(path::parent(above), found->node.target));
    } else if (is_directory(found)) {
      return *place;
    } else if (at == "/") {
      return failed("open", path, ENOENT);
    } else {
      at = path::parent(at);
    }
  }
  return failed("open", path, ELOOP);
}

Result<std::uint64_t> SimFiles::file_system_of(std::string_view path) {
  const Place place = TRY(holder(path));
  return place.mount;
}

Result<void> SimFiles::sync(std::string_view path) {
  const auto whole = [&]() -> Result<void> {
    const Place place = TRY(holder(path));
    world_.sync(place);
    return {};
  };
  const auto half = [&] {
    if (const auto place = holder(path)) {
      world_.files(*place).settle_some(world_.random());
    }
  };
  return mutate(world_, "sync", path::join(root_, path), whole, half);
}

}  // namespace provision::host::sim
