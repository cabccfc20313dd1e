// SPDX-License-Identifier: Apache-2.0
#include "base/error.hpp"

#include <array>
#include <system_error>

namespace provision {
namespace {

constexpr std::array rows{
    CodeRow{Code::usage, "usage", 2, false, "See `provision --help`."},
    CodeRow{Code::bad_config, "bad-config", 1, false,
            "Correct the config at the line shown and boot again; nothing was written."},
    CodeRow{Code::unsupported, "unsupported", 1, false,
            "This version of provision cannot do this yet: take it out of the config, or use a newer version."},
    CodeRow{Code::no_platform, "no-platform", 1, false,
            "Give the image's platform on the kernel command line: ignition.platform.id=ID."},
    CodeRow{Code::config_unavailable, "config-unavailable", 1, true,
            "Whether there is a config could not be learnt, so nothing was done. Check the source named above, then "
            "reboot."},
    CodeRow{Code::device_missing, "device-missing", 1, true,
            "Check the device's name and that its driver is in the initramfs, then reboot."},
    CodeRow{Code::device_busy, "device-busy", 1, false, "Something uses this device; free it, then reboot."},
    CodeRow{Code::conflict, "conflict", 1, false,
            "What is there was not made by this config and the config does not allow it to be replaced. Nothing of it "
            "was touched: move it away, or allow it in the config (wipeTable, wipeFilesystem, overwrite)."},
    CodeRow{Code::io, "io", 1, true, "Check the device and the kernel's messages (dmesg), then reboot to resume."},
    CodeRow{Code::program_failed, "program-failed", 1, true,
            "The program's own words are above. Correct the cause, then reboot to resume."},
    CodeRow{Code::program_missing, "program-missing", 1, false,
            "Put the program into the image's initramfs (see the program table in the docs)."},
    CodeRow{Code::network, "network", 1, true, "Check address, name resolution and certificates, then try again."},
    CodeRow{
        Code::bad_contents, "bad-contents", 1, false,
        "What came is not what the config describes (hash, compression, size): correct the config or what is served, "
        "then boot again."},
    CodeRow{Code::not_satisfied, "not-satisfied", 1, true,
            "The step reported success without the effect being there: suspect the device. Reboot to resume."},
    CodeRow{Code::journal_other_config, "journal-other-config", 1, false,
            "The other config has already changed this machine. Give it that one again and reboot; or boot with "
            "provision.unfinished=resume (what is done stays, this config does the rest) or =start-over on the kernel "
            "command line, as a system credential, or in the config itself ($.provision.unfinished)."},
    CodeRow{
        Code::journal_other_machine, "journal-other-machine", 1, false,
        "Make machines of a disk whose first boot has ended or never began. If this is the same machine after a "
        "repair, boot with provision.unfinished=resume on the kernel command line; to begin anew on this disk, with "
        "provision.unfinished=start-over."},
    CodeRow{Code::journal_other_format, "journal-other-format", 1, false,
            "Boot the image that began this provisioning, or reinstall the machine to start over."},
    CodeRow{Code::journal_damaged, "journal-damaged", 1, false,
            "The record of the first boot is damaged beyond a torn last line. Reinstall the machine to start over."},
    CodeRow{Code::stage_order, "stage-order", 1, false,
            "Run the stages in the order of `provision stage --help`; an earlier one has not ended well."},
    CodeRow{
        Code::tpm_failed, "tpm-failed", 1, true,
        "The config could not be measured, so nothing was done. Look at the TPM in the firmware's settings, or switch "
        "it off there, then reboot."},
    CodeRow{Code::internal, "internal", 70, false, "This is a fault of provision: please report it with this screen."},
};

static_assert(rows.size() == static_cast<std::size_t>(Code::internal) + 1, "each code has one row");

constexpr bool rows_in_order() {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (static_cast<std::size_t>(rows[i].code) != i) {
      return false;
    }
  }
  return true;
}
static_assert(rows_in_order(), "rows stand in the order of the codes");

}  // namespace

const CodeRow& row(Code code) { return rows.at(static_cast<std::size_t>(code)); }

std::string to_string(const Origin& origin) {
  if (origin.line == 0) {
    return origin.document;
  }
  return origin.document + ":" + std::to_string(origin.line) + ":" + std::to_string(origin.column);
}

Error&& Error::at(std::optional<Origin> place) && {
  if (!origin) {
    origin = std::move(place);
  }
  return std::move(*this);
}

Error&& Error::while_(std::string doing) && {
  frames.push_back(std::move(doing));
  return std::move(*this);
}

std::string to_string(const Error& error) {
  std::string text = error.what;
  if (error.system_error != 0) {
    text += ": " + std::generic_category().message(error.system_error);
  }
  for (const auto& frame : error.frames) {
    text += ", while " + frame;
  }
  return text;
}

}  // namespace provision
