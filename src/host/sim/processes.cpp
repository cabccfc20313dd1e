// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "base/uuid.hpp"
#include "host/sim/seams.hpp"

namespace provision::host::sim {
namespace {

// What the command line asks of mkfs.ext4.
struct Wish {
  std::string uuid;
  std::string label;
  std::string node;
};

std::optional<Wish> parse(const std::vector<std::string>& arguments) {
  if (arguments.size() < 5 || arguments[0] != "-F" || arguments[1] != "-q" || arguments[2] != "-U" ||
      !Uuid::parse(arguments[3])) {
    return std::nullopt;
  }
  Wish wish{Uuid::parse(arguments[3])->text(), "", arguments.back()};
  if (arguments.size() >= 7 && arguments[4] == "-L") {
    wish.label = arguments[5];
  }
  // An ext4 label has 16 bytes.
  return wish.label.size() <= 16 ? std::optional(wish) : std::nullopt;
}

Exit failure(std::string output) { return Exit{1, std::move(output)}; }

}  // namespace

Result<Exit> SimProcesses::make_file_system(const Command& command, bool torn) {
  const auto wish = parse(command.arguments);
  if (!wish) {
    return failure("mkfs.ext4: these arguments are not known here");
  }
  const auto device = world_.find(wish->node);
  if (!device) {
    return failure("The file " + wish->node + " does not exist and no size was specified.");
  }
  if (!world_.users(*device).empty()) {
    return failure(wish->node + " is mounted; will not make a filesystem here!");
  }
  Formatted made{Signature{"ext4", wish->label, wish->uuid, false}, torn,
                 FileSystem(tree({{"/lost+found", directory(0700)}}))};
  world_.disk(*device).format(device->start, device->sectors, std::move(made));
  world_.touch(device->node);
  return Exit{};
}

// A program that fails by plan exits with 1: that is how a bad disk shows itself through mkfs.
Result<Exit> SimProcesses::run(const Command& command) {
  const bool is_mkfs = command.program == "mkfs.ext4";
  if (!is_mkfs && command.program != "modprobe") {
    return Error(Code::program_missing, "there is no program " + command.program);
  }
  const std::string last = command.arguments.empty() ? "" : command.arguments.back();
  const auto device = world_.find(last);
  const auto whole = [&]() -> Result<Exit> {
    return is_mkfs ? make_file_system(command, false) : Result<Exit>(Exit{});
  };
  const auto half = [&] {
    if (is_mkfs) {
      static_cast<void>(make_file_system(command, true));
    }
  };
  return mutate<Exit>(world_, "run " + command.program, device ? device->node : last,
                      Answers<Exit>{failure("simulated failure"), Exit{}}, whole, half);
}

}  // namespace provision::host::sim
