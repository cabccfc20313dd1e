// SPDX-License-Identifier: Apache-2.0
// Whether this is a first boot: decided by positive evidence only, and never twice. docs/exactly-once.md has the prose.
#pragma once

#include <cstdint>
#include <string_view>

#include "stages/stage.hpp"

namespace provision::stages {

// Left where this turns out to be no first boot: neither a stage nor a unit of ours does anything then.
inline constexpr std::string_view not_first_boot_path = "/run/provision/not-first-boot";
// Where `decide` mounts what it asks, read-only. The journal and the stamp that it is run with are paths below.
inline constexpr std::string_view look_path = "/run/provision/look";

struct Evidence {
  enum class Stamp : std::uint8_t {
    unknown,  // nobody has said what it is
    absent,
    present,
    // Present, and another one than that of the first boot that the journal calls complete.
    renewed,
  };
  enum class Record : std::uint8_t {
    none,
    begun,
    // Every stage that leaves something has ended well; that the first boot is complete is not recorded.
    all_done,
    complete,
  };
  Stamp stamp = Stamp::unknown;
  Record record = Record::none;
  bool asked_for = true;
  bool stamp_is_ours = true;
};

enum class Verdict : std::uint8_t {
  // A first boot, or the rest of one.
  first,
  // It has been, and nothing may run again.
  over,
  // There is no sign of one.
  none,
};

// The whole decision. Pure.
Verdict judge(const Evidence& evidence);

// The stage: waits for the device of the stamp, makes sure that it is the only one of its name and, where only the
// stamp can tell, asks it without a byte written to any device. What cannot be told is an error.
Result<void> decide(Context& context, run::StageReport& report);

// Asked again once the file system of the stamp is mounted for writing, with what its own journal has put right, and so
// where the stamp was seen by a boot loader, which reads no such journal. True: it is none; that is told and marked,
// and what the completion of the first boot was cut off from is done.
Result<bool> is_no_first_boot(Context& context);

Result<bool> is_marked_as_no_first_boot(Context& context);

// For a stamp that somebody else removes later: which one it was, durably, so that another one is known by it.
Result<void> remember_stamp(Context& context);

}  // namespace provision::stages
