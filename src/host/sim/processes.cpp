// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <optional>

#include "base/uuid.hpp"
#include "host/sim/clevis.hpp"
#include "host/sim/cryptenroll.hpp"
#include "host/sim/lvm.hpp"
#include "host/sim/mdadm.hpp"
#include "host/sim/seams.hpp"
#include "host/sim/zkey.hpp"

namespace provision::host::sim {
namespace {

// How a mkfs is told what to make; the last of equal options counts.
struct Maker {
  std::string_view program;
  std::string_view type;
  std::string_view id_option;
  std::string_view id_prefix;
  std::string_view label_option;
  std::size_t label_bytes;
};

constexpr std::array makers{
    Maker{"mkfs.ext4", "ext4", "-U", "", "-L", 16},    Maker{"mkfs.xfs", "xfs", "-m", "uuid=", "-L", 12},
    Maker{"mkfs.btrfs", "btrfs", "-U", "", "-L", 256}, Maker{"mkfs.vfat", "vfat", "-i", "", "-n", 11},
    Maker{"mkswap", "swap", "-U", "", "-L", 15},
};

const Maker* maker_of(std::string_view program) {
  const auto* found = std::find_if(makers.begin(), makers.end(), [&](const Maker& m) { return m.program == program; });
  return found == makers.end() ? nullptr : found;
}

// What the command line asks of it.
struct Wish {
  std::string id;
  std::string label;
  std::string node;
};

// "abcd1234" as libblkid shows it: "ABCD-1234".
std::string serial(std::string hex) {
  for (auto& c : hex) {
    c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return hex.size() == 8 ? hex.substr(0, 4) + "-" + hex.substr(4) : std::string{};
}

std::optional<Wish> parse(const Maker& maker, const std::vector<std::string>& arguments) {
  Wish wish;
  for (std::size_t i = 0; i + 2 < arguments.size(); ++i) {
    const std::string& value = arguments[i + 1];
    if (arguments[i] == maker.id_option && value.starts_with(maker.id_prefix)) {
      wish.id = value.substr(maker.id_prefix.size());
    } else if (arguments[i] == maker.label_option) {
      wish.label = value;
    }
  }
  const bool is_vfat = maker.type == "vfat";
  const auto uuid = Uuid::parse(wish.id);
  wish.id = is_vfat ? serial(wish.id) : uuid ? uuid->text() : std::string{};
  wish.node = arguments.empty() ? std::string{} : arguments.back();
  const bool sound = !wish.id.empty() && wish.label.size() <= maker.label_bytes;
  return sound ? std::optional(wish) : std::nullopt;
}

Exit failure(std::string output) { return Exit{1, std::move(output)}; }

}  // namespace

Result<Exit> SimProcesses::make_file_system(const Command& command, bool torn) {
  const Maker& maker = *maker_of(command.program);
  const auto wish = parse(maker, command.arguments);
  if (!wish) {
    return failure(command.program + ": these arguments are not known here");
  }
  const auto device = world_.find(wish->node);
  if (!device) {
    return failure("The file " + wish->node + " does not exist and no size was specified.");
  }
  if (!world_.users(*device).empty()) {
    return failure(wish->node + " is mounted; will not make a filesystem here!");
  }
  const Tree files = maker.type == "ext4" ? tree({{"/lost+found", directory(0700)}}) : tree();
  Formatted made{Signature{std::string(maker.type), wish->label, wish->id, false}, torn, FileSystem(files),
                 std::nullopt};
  world_.disk(*device).format(device->start, device->sectors, std::move(made));
  world_.touch(device->node);
  return Exit{};
}

Result<void> SimProcesses::must_have(const std::string& program) {
  constexpr std::array<std::string_view, 6> known{"modprobe",  "mdadm", "clevis", "lvm", "systemd-cryptenroll",
                                                  "cryptsetup"};
  const auto& others = world_.spec().programs;
  const bool is_known = std::find(known.begin(), known.end(), program) != known.end() ||
                        std::find(others.begin(), others.end(), program) != others.end();
  if (maker_of(program) == nullptr && !is_known) {
    return Error(Code::program_missing, "there is no program " + program);
  }
  return {};
}

// A program that fails by plan exits with 1: that is how a bad disk shows itself through mkfs.
Result<Exit> SimProcesses::run(const Command& command) {
  TRY(must_have(command.program));
  if (is_lvm_report(command)) {
    return report_lvm(world_, command);
  }
  const bool is_lvm = command.program == "lvm";
  const bool is_mkfs = maker_of(command.program) != nullptr;
  const bool is_mdadm = command.program == "mdadm";
  const bool is_cryptenroll = command.program == "systemd-cryptenroll";
  const bool is_cryptsetup = command.program == "cryptsetup";
  const std::string last = command.arguments.empty() ? "" : command.arguments.back();
  const bool is_zkey = command.program == "zkey";
  const bool is_zkey_cryptsetup = command.program == "zkey-cryptsetup";
  const bool opens = is_cryptsetup && command.arguments.size() > 1 && !world_.find(last);
  const auto device = world_.find(is_zkey_cryptsetup && command.arguments.size() > 1 ? command.arguments[1]
                                  : opens ? command.arguments[command.arguments.size() - 2]
                                          : last);
  const auto whole = [&]() -> Result<Exit> {
    if (is_mdadm) {
      return run_mdadm(world_, command.arguments);
    }
    if (is_lvm) {
      return run_lvm(world_, command.arguments);
    }
    if (command.program == "clevis") {
      return run_clevis(command);
    }
    if (is_cryptenroll) {
      return run_cryptenroll(world_, command, false);
    }
    if (is_cryptsetup) {
      return run_cryptsetup(world_, command);
    }
    if (is_zkey || is_zkey_cryptsetup) {
      return is_zkey ? run_zkey(world_, command, false) : run_zkey_cryptsetup(world_, command);
    }
    return is_mkfs ? make_file_system(command, false) : Result<Exit>(Exit{});
  };
  const auto half = [&] {
    if (is_mkfs) {
      static_cast<void>(make_file_system(command, true));
    } else if (is_mdadm) {
      run_mdadm_midway(world_, command.arguments);
    } else if (is_lvm) {
      run_lvm_midway(world_, command.arguments);
    } else if (is_cryptenroll) {
      static_cast<void>(run_cryptenroll(world_, command, true));
    } else if (is_zkey) {
      static_cast<void>(run_zkey(world_, command, true));
    } else if (is_zkey_cryptsetup && world_.random().below(2) == 1) {
      static_cast<void>(run_zkey_cryptsetup(world_, command));
    }
  };
  return mutate<Exit>(world_, "run " + command.program, device ? device->node : last,
                      Answers<Exit>{failure("simulated failure"), Exit{}}, whole, half);
}

}  // namespace provision::host::sim
