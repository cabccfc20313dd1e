// SPDX-License-Identifier: Apache-2.0
#include "host/sim/mdadm.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "base/uuid.hpp"
#include "host/sim/array_level.hpp"

namespace provision::host::sim {
namespace {

constexpr std::string_view names = "/dev/md/";

struct Wish {
  std::string link;
  // With what --create makes it, or only its UUID.
  ArrayMember identity;
  std::vector<Device> members;
};

Error no(std::string why) { return {Code::program_failed, "mdadm: " + std::move(why)}; }

bool has(const std::vector<std::string>& arguments, std::string_view wanted) {
  return std::find(arguments.begin(), arguments.end(), wanted) != arguments.end();
}

// mdadm takes none of these twice.
Result<std::string> option(const std::vector<std::string>& arguments, std::string_view name) {
  const std::string start = "--" + std::string(name) + "=";
  std::vector<std::string> found;
  for (const auto& argument : arguments) {
    if (argument.starts_with(start)) {
      found.push_back(argument.substr(start.size()));
    }
  }
  if (found.size() > 1) {
    return no("--" + std::string(name) + " is given twice");
  }
  return found.empty() ? std::string{} : found.front();
}

Result<std::size_t> number(const std::vector<std::string>& arguments, std::string_view name) {
  const std::string text = TRY(option(arguments, name));
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!text.empty() && (error != std::errc() || end != text.data() + text.size())) {
    return no("--" + std::string(name) + " is no number: " + text);
  }
  return value;
}

// The array's name, which no other has now.
Result<std::string> free_link(const World& world, const std::vector<std::string>& arguments) {
  const std::string link = arguments.size() > 1 ? arguments[1] : std::string{};
  if (!link.starts_with(names) || link.size() == names.size()) {
    return no("an array is named " + std::string(names) + "NAME here");
  }
  if (world.find(link)) {
    return no(link + " is already in use");
  }
  return link;
}

Result<Uuid> array_uuid(const std::vector<std::string>& arguments) {
  const std::string text = TRY(option(arguments, "uuid"));
  const auto uuid = Uuid::parse(text);
  if (!uuid) {
    return no("bad uuid: " + text);
  }
  return *uuid;
}

// Opened exclusively, each of them.
Result<std::vector<Device>> members(const World& world, const std::vector<std::string>& nodes) {
  std::vector<Device> found;
  for (const auto& node : nodes) {
    const auto device = world.find(node);
    if (!device) {
      return no("cannot open " + node + ": No such file or directory");
    }
    const auto is_same = [&](const Device& other) { return other.node == device->node; };
    if (!world.users(*device).empty() || std::any_of(found.begin(), found.end(), is_same)) {
      return no("cannot open " + node + ": Device or resource busy");
    }
    found.push_back(*device);
  }
  return found;
}

Result<ArrayMember> new_identity(const std::vector<std::string>& arguments, const std::string& link) {
  ArrayMember identity;
  identity.array = TRY(array_uuid(arguments));
  identity.name = link.substr(names.size());
  identity.level = TRY(option(arguments, "level"));
  const std::size_t devices = TRY(number(arguments, "raid-devices"));
  const std::size_t spares = TRY(number(arguments, "spare-devices"));
  identity.devices = static_cast<std::int64_t>(devices);
  const ArrayLevel* const level = array_level(identity.level);
  if (level == nullptr || identity.devices < level->least_devices) {
    return no("no array of level '" + identity.level + "' has so few devices");
  }
  if (spares > 0 && !level->redundant) {
    return no("level " + identity.level + " has no spares");
  }
  return identity;
}

// The members are the last arguments, whatever the user's options before them are.
Result<std::vector<std::string>> last_nodes(const std::vector<std::string>& arguments) {
  const std::size_t devices = TRY(number(arguments, "raid-devices"));
  const std::size_t spares = TRY(number(arguments, "spare-devices"));
  const std::size_t count = devices + spares;
  if (arguments.size() < count + 2) {
    return no("you haven't given enough devices to create this array");
  }
  return std::vector<std::string>(arguments.end() - static_cast<std::ptrdiff_t>(count), arguments.end());
}

Result<Wish> to_create(const World& world, const std::vector<std::string>& arguments) {
  if (!has(arguments, "--run")) {
    return no("create aborted: nobody answers whether to continue");
  }
  Wish wish;
  wish.link = TRY(free_link(world, arguments));
  wish.identity = TRY(new_identity(arguments, wish.link));
  const std::vector<std::string> nodes = TRY(last_nodes(arguments));
  wish.members = TRY(members(world, nodes));
  return wish;
}

// The levels without redundancy never write their state again.
std::int64_t first_events(const ArrayMember& identity) {
  const ArrayLevel* const level = array_level(identity.level);
  return level != nullptr && level->redundant ? 1 : 0;
}

Result<void> create(World& world, const std::vector<std::string>& arguments) {
  Wish wish = TRY(to_create(world, arguments));
  wish.identity.events = first_events(wish.identity);
  world.write_superblocks(wish.identity, wish.members);
  const std::size_t array = world.add_array(wish.identity, wish.members);
  world.assemble(array, wish.link, wish.members);
  return {};
}

Result<void> assemble(World& world, const std::vector<std::string>& arguments) {
  const std::string link = TRY(free_link(world, arguments));
  const Uuid uuid = TRY(array_uuid(arguments));
  std::vector<std::string> nodes;
  std::copy_if(arguments.begin() + 2, arguments.end(), std::back_inserter(nodes),
               [](const std::string& argument) { return !argument.starts_with("--"); });
  const std::vector<Device> found = TRY(members(world, nodes));
  const auto array = world.find_array(uuid, found);
  if (!array) {
    return no("not enough members of " + uuid.text() + " to start the array, or others among them");
  }
  if (missing(world.arrays()[*array], found) > 0 && !has(arguments, "--run")) {
    return no("need all devices to start it (use --run to insist)");
  }
  world.assemble(*array, link, found);
  return {};
}

Result<void> stop(World& world, const std::vector<std::string>& arguments) {
  const std::string name = arguments.size() == 2 ? arguments[1] : std::string{};
  const auto device = world.find(name);
  if (!device || device->number != 0 || world.array_of(device->disk) == nullptr) {
    return no("'" + name + "' is no array");
  }
  if (!world.users(*device).empty()) {
    return no("cannot get exclusive access to " + name);
  }
  world.disassemble(*device);
  return {};
}

Result<void> run(World& world, const std::vector<std::string>& arguments) {
  const std::string mode = arguments.empty() ? std::string{} : arguments.front();
  if (mode == "--create") {
    return create(world, arguments);
  }
  if (mode == "--assemble") {
    return assemble(world, arguments);
  }
  return mode == "--stop" ? stop(world, arguments) : no("these arguments are not known here");
}

}  // namespace

Exit run_mdadm(World& world, const std::vector<std::string>& arguments) {
  const auto done = run(world, arguments);
  return done ? Exit{} : Exit{1, done.error().what};
}

void run_mdadm_midway(World& world, const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments.front() != "--create") {
    return;
  }
  if (auto wish = to_create(world, arguments)) {
    const std::vector<Device> all = wish->members;
    wish->members.resize(world.random().below(all.size() + 1));
    world.write_superblocks(wish->identity, wish->members);
    if (wish->members.size() == all.size() && first_events(wish->identity) == 0) {
      // With all superblocks it is as good as one that was started.
      world.add_array(wish->identity, all);
    }
  }
}

}  // namespace provision::host::sim
