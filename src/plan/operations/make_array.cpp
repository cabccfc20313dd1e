// SPDX-License-Identifier: Apache-2.0
// MakeArray: a RAID array (md) of devices, by mdadm.
#include "plan/operations/make_array.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "base/text.hpp"
#include "model/observe.hpp"
#include "plan/operation.hpp"
#include "plan/operations/device_content.hpp"
#include "plan/operations/programs.hpp"

namespace provision::plan {
namespace {

constexpr std::chrono::seconds patience{30};
constexpr std::string_view mdadm = "mdadm";

struct Seen {
  host::DeviceRef device;
  std::string node;
  host::Signature signature;
  host::ArrayMember member;
};

Result<std::vector<Seen>> look(host::Host& host, const std::vector<host::DeviceRef>& devices) {
  std::vector<Seen> all;
  for (const auto& device : devices) {
    Seen seen;
    seen.device = device;
    seen.node = TRY(host.disks.await(device, patience));
    seen.signature = TRY(model::content_of(host, device));
    seen.member = TRY(host.disks.array_member(device));
    all.push_back(std::move(seen));
  }
  return all;
}

bool is_of(const Seen& seen, const Uuid& array) { return seen.member.array == array; }
bool runs(const Seen& seen, const Uuid& array) { return is_of(seen, array) && seen.member.running; }
bool lives(const std::vector<Seen>& all, const Uuid& array) {
  std::vector<host::ArrayMember> members;
  for (const auto& seen : all) {
    if (is_of(seen, array)) {
      members.push_back(seen.member);
    }
  }
  return model::was_started(members);
}

const Seen* running_of(const std::vector<Seen>& all, const Uuid& array) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Seen& seen) { return runs(seen, array); });
  return found == all.end() ? nullptr : &*found;
}

bool is_blank(const Seen& seen) { return seen.signature.type.empty(); }

std::string words_on(const Seen& seen) {
  const bool known = !seen.member.array.empty();
  return seen.device.path + " holds " + (known ? model::describe(seen.member) : model::describe(seen.signature));
}

// An array of this name that is another is never taken for it: mdadm gives a name that is taken to nobody else, and
// calls the array by a number behind it.
Result<void> check_name(host::Host& host, const std::string& path, const std::string& node) {
  const std::string named = TRY(host.disks.await({path, {}, 0}, patience));
  if (named != node) {
    return Error(Code::conflict, path + " is " + named + ", and the array of these devices is " + node +
                                     ": another array has its name");
  }
  return {};
}

// That mdadm did what it says.
Result<void> check_running(host::Host& host, const std::string& path, const host::DeviceRef& device) {
  const host::ArrayMember member = TRY(host.disks.array_member(device));
  if (!member.running) {
    return Error(Code::program_failed, "mdadm says that the array " + path + " is set up, and it is not");
  }
  return check_name(host, path, member.node);
}

// What mdadm itself would load by the name of a node that is not there yet. A kernel that has it built in needs
// nothing, and one without it makes mdadm fail, with its own words.
void load_drivers_of(host::Host& host, std::string_view level) {
  std::vector<std::string> names{"md_mod"};
  if (!level.empty()) {
    const bool parity = level == "raid4" || level == "raid5" || level == "raid6";
    names.emplace_back(parity ? "raid456" : level);
  }
  load_drivers(host, names);
}

std::vector<std::string> nodes_of(const std::vector<Seen>& all) {
  std::vector<std::string> nodes;
  nodes.reserve(all.size());
  for (const auto& seen : all) {
    nodes.push_back(seen.node);
  }
  return nodes;
}

Result<void> run_mdadm(host::Host& host, std::vector<std::string> arguments) {
  host::Command command;
  command.program = std::string(mdadm);
  command.arguments = std::move(arguments);
  return run_program(host, command);
}

// An array that was begun and not started: udev's rules do so with members that come one by one.
Result<void> stop_begun(host::Host& host, const std::vector<Seen>& all) {
  std::set<std::string> begun;
  for (const auto& seen : all) {
    if (!seen.member.node.empty() && !seen.member.running) {
      begun.insert(seen.member.node);
    }
  }
  for (const auto& node : begun) {
    TRY_WHILE(run_mdadm(host, {"--stop", node}), "ending the array " + node + ", which was begun and not started");
  }
  return {};
}

bool gives(const std::vector<std::string>& options, std::string_view name) {
  const std::string with_value = std::string(name) + "=";
  return std::any_of(options.begin(), options.end(),
                     [&](const std::string& option) { return option == name || option.starts_with(with_value); });
}

std::vector<std::string> creation(const MakeArray& operation, const std::vector<Seen>& all) {
  const auto devices = static_cast<std::int64_t>(operation.members.size()) - operation.spares;
  // --run: without a question. --force: also an array of one device.
  std::vector<std::string> arguments{"--create",
                                     operation.path,
                                     "--run",
                                     "--force",
                                     "--level=" + operation.level,
                                     "--raid-devices=" + std::to_string(devices)};
  if (operation.spares > 0) {
    arguments.push_back("--spare-devices=" + std::to_string(operation.spares));
  }
  // For any host: the name is the same wherever the disks are put.
  if (!gives(operation.options, "--homehost")) {
    arguments.emplace_back("--homehost=any");
  }
  // mdadm takes one UUID only.
  if (const auto given = uuid_in(operation.options); given && !*given) {
    arguments.push_back("--uuid=" + operation.uuid.text());
  }
  arguments.insert(arguments.end(), operation.options.begin(), operation.options.end());
  const auto nodes = nodes_of(all);
  arguments.insert(arguments.end(), nodes.begin(), nodes.end());
  return arguments;
}

// mdadm writes its superblocks beside whatever is there, and what an earlier array held shows through a new one.
Result<void> create(host::Host& host, const MakeArray& operation, const std::vector<Seen>& all) {
  TRY(stop_begun(host, all));
  for (const auto& seen : all) {
    if (!is_blank(seen)) {
      TRY(erase_content(host, seen.device));
    }
  }
  load_drivers_of(host, operation.level);
  TRY(run_mdadm(host, creation(operation, all)));
  TRY(check_running(host, operation.path, all.front().device));
  return erase_content(host, {operation.path, {}, 0});
}

// A cut came after its making and before it was known to be blank. Where something stands on it, that was known.
Result<void> finish(host::Host& host, const host::DeviceRef& array) {
  const auto users = TRY(host.disks.users(array));
  return users.empty() ? erase_content(host, array) : Result<void>{};
}

void predict_member(model::Inventory& inventory, const host::DeviceRef& device, const host::Signature& signature,
                    const host::ArrayMember& member) {
  predict_on_disks(inventory, device, signature);
  for (auto& array : inventory.arrays) {
    for (auto& view : array.members) {
      if (view.device.path == device.path) {
        view.signature = signature;
        view.member = member;
      }
    }
  }
}

void add_missing(model::ArrayView& view, const std::vector<host::DeviceRef>& devices) {
  std::vector<model::MemberView> members;
  for (const auto& device : devices) {
    const auto* const seen = view.member(device.path);
    members.push_back(seen != nullptr ? *seen : model::MemberView{device, {}, {}, {}});
  }
  view.members = std::move(members);
}

}  // namespace

std::string level_name(std::string_view level) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> names{{
      {"0", "raid0"},
      {"stripe", "raid0"},
      {"1", "raid1"},
      {"mirror", "raid1"},
      {"4", "raid4"},
      {"5", "raid5"},
      {"6", "raid6"},
      {"10", "raid10"},
  }};
  for (const auto& [other, name] : names) {
    if (other == level) {
      return std::string(name);
    }
  }
  return std::string(level);
}

Result<std::optional<Uuid>> uuid_in(const std::vector<std::string>& options) {
  constexpr std::string_view with_value = "--uuid=";
  std::optional<std::string> given;
  for (std::size_t i = 0; i < options.size(); ++i) {
    const std::string& option = options[i];
    if ((option == "--uuid" || option == "-u") && i + 1 < options.size()) {
      given = options[i + 1];
    } else if (option.starts_with(with_value)) {
      given = option.substr(with_value.size());
    }
  }
  if (!given) {
    return std::optional<Uuid>{};
  }
  // mdadm takes its own form, with colons, as well.
  std::string text;
  for (const char c : lower_ascii(*given)) {
    if (c == '-' || c == ':' || c == '.' || c == ' ') {
      continue;
    }
    text += text.size() == 8 || text.size() == 13 || text.size() == 18 || text.size() == 23 ? "-" : "";
    text += c;
  }
  auto uuid = Uuid::parse(text);
  if (!uuid) {
    return Error(Code::bad_config, "\"" + printable(*given) + "\" is no UUID: that has 32 hex digits");
  }
  return uuid;
}

Result<void> assemble(host::Host& host, const std::string& path, const Uuid& array,
                      const std::vector<host::DeviceRef>& devices) {
  const auto all = TRY(look(host, devices));
  TRY(stop_begun(host, all));
  load_drivers_of(host, {});
  // Only those that have it: of one without a superblock mdadm would make an end.
  std::vector<std::string> arguments{"--assemble", path, "--run", "--uuid=" + array.text()};
  for (const auto& seen : all) {
    if (is_of(seen, array)) {
      arguments.push_back(seen.node);
    }
  }
  const auto done = run_mdadm(host, std::move(arguments));
  // udev's own rules may have been faster.
  const auto now = TRY(look(host, devices));
  if (const Seen* const running = running_of(now, array)) {
    return check_name(host, path, running->member.node);
  }
  return done ? Error(Code::program_failed, "mdadm says that the array " + path + " is set up, and it is not")
              : done.error();
}

Result<Observation> observe(host::Host& host, const MakeArray& operation) {
  const auto all = TRY(look(host, operation.members));
  Observation observation;
  std::vector<std::string> prints;
  prints.reserve(all.size());
  for (const auto& seen : all) {
    prints.push_back(model::fingerprint(seen.signature));
  }
  const bool blank = std::all_of(all.begin(), all.end(), is_blank);
  observation.fingerprint = blank ? std::string(model::absent_fingerprint) : join(prints, " ");
  if (const Seen* const running = running_of(all, operation.uuid)) {
    TRY(check_name(host, operation.path, running->member.node));
    observation.state = State::satisfied;
    return observation;
  }
  const auto other = std::find_if(all.begin(), all.end(),
                                  [&](const Seen& seen) { return !is_blank(seen) && !is_of(seen, operation.uuid); });
  const bool alive = lives(all, operation.uuid);
  // What a cut left of its making, or what is only to be set up again.
  observation.state = other != all.end() && !alive ? State::foreign : blank ? State::absent : State::partly_ours;
  observation.found = other != all.end() ? words_on(*other) : alive ? "the array is there and is not set up" : "";
  return observation;
}

Result<void> apply(Work& work, const MakeArray& operation) {
  host::Host& host = work.host;
  TRY(must_have_program(host, mdadm));
  const auto all = TRY(look(host, operation.members));
  if (running_of(all, operation.uuid) != nullptr) {
    return operation.there ? Result<void>{} : finish(host, {operation.path, {}, 0});
  }
  if (lives(all, operation.uuid)) {
    return assemble(host, operation.path, operation.uuid, operation.members);
  }
  if (operation.there) {
    return Error(Code::conflict, "none of its devices has the array " + operation.uuid.text() + " any more");
  }
  return create(host, operation, all);
}

void predict(model::Inventory& inventory, const MakeArray& operation) {
  const host::Signature signature{"linux_raid_member", "any:" + operation.name, operation.uuid.text(), false};
  host::ArrayMember member;
  member.array = operation.uuid;
  member.name = operation.name;
  member.level = operation.level;
  member.devices = static_cast<std::int64_t>(operation.members.size()) - operation.spares;
  member.events = operation.level == "raid0" || operation.level == "linear" ? 0 : 1;
  member.running = true;
  if (inventory.array(operation.name) == nullptr) {
    inventory.arrays.push_back({operation.name, {}});
  }
  for (auto& array : inventory.arrays) {
    if (array.name == operation.name) {
      add_missing(array, operation.members);
    }
  }
  for (const auto& device : operation.members) {
    const auto* const before = inventory.array(operation.name)->member(device.path);
    if (operation.there && before != nullptr && before->member.array != operation.uuid) {
      continue;
    }
    predict_member(inventory, device, signature, member);
  }
}

std::string describe(const MakeArray& operation) {
  std::vector<std::string> members;
  const std::size_t active = operation.members.size() - static_cast<std::size_t>(operation.spares);
  for (std::size_t i = 0; i < operation.members.size(); ++i) {
    members.push_back((i >= active ? "the spare " : "") + printable(operation.members[i].path));
  }
  return std::string(operation.there ? "set up" : "make") + " the RAID array " + printable(operation.name) + " (" +
         operation.level + ") of " + join(members, ", ");
}

// That it runs does not prove that what an earlier one held has been wiped from it; one that is only set up is not
// wiped.
Traits traits(const MakeArray& operation) {
  return {.sync_path = {}, .observation_proves = operation.there, .lasts = true};
}

}  // namespace provision::plan
