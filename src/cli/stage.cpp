// SPDX-License-Identifier: Apache-2.0
// provision stage NAME: one stage of a first boot, in the initramfs.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/path.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/complaint.hpp"
#include "cli/console.hpp"
#include "cli/journal_entries.hpp"
#include "cli/progress.hpp"
#include "cli/screen.hpp"
#include "cli/stage.hpp"
#include "host/linux/linux_host.hpp"
#include "host/linux/mounts.hpp"
#include "plan/operations/moved_journal.hpp"
#include "providers/detect.hpp"
#include "run/last_failure.hpp"
#include "run/status.hpp"
#include "stages/confidential.hpp"
#include "stages/documents.hpp"
#include "stages/hooks.hpp"
#include "stages/stage.hpp"

namespace provision::cli {
namespace {

// Our own id of "a first boot stopped", for who watches the journal.
constexpr std::string_view failure_message_id = "8d1c5b1c0f5a4a57b2f3d9c1e07a64f2";

// Held while a stage runs.
constexpr std::string_view lock_path = "/run/provision/lock";
constexpr std::string_view programs_mark = "/run/provision/programs";
// As long as a program may take by itself.
constexpr std::chrono::seconds programs_patience{600};

// Where the generator puts it that was told of no place on a disk.
bool has_journal_in_memory(const StageOptions& options) { return options.state == run::volatile_state; }

double seconds(std::chrono::microseconds duration) { return std::chrono::duration<double>(duration).count(); }

class ConsoleListener final : public run::Listener {
 public:
  explicit ConsoleListener(const StageOptions& options) : options_(options) {}

  void on(const run::Event& event) override {
    switch (event.kind) {
      case run::Event::Kind::notice:
        say(printable(event.text));
        break;
      case run::Event::Kind::step_started:
        break;
      case run::Event::Kind::step_done:
        say(fmt::format("{} ({:.2f} s)", printable(event.text), seconds(event.took)));
        break;
      case run::Event::Kind::step_skipped:
        say(printable(event.text) + ": it was so already");
        break;
    }
  }

 private:
  void say(const std::string& text) const {
    const std::string line = fmt::format("provision {}: {}\n", options_.name, text);
    options_.to_output_alone ? print(line) : print_to_console(line);
  }

  const StageOptions& options_;
};

ProgressListener::Seams progress_seams(host::Host& host, const StageOptions& options) {
  ProgressListener::Seams seams;
  seams.transfers = [&host] { return host.fetcher.progress(); };
  seams.say = [&options](const std::string& line) {
    const std::string whole = "provision " + options.name + ": " + line;
    if (options.to_output_alone) {
      print(whole);
      return;
    }
    print_to_console(whole);
    write_to_further_consoles(whole);
  };
  return seams;
}

// The document that an error points into, as it is kept for this boot, well-formed or not; null if it is not there.
std::unique_ptr<fields::Document> kept_document(host::Files& own, const Error& error) {
  const auto kept = stages::kept_documents(own);
  const std::string wanted = error.origin ? error.origin->document : "";
  const auto* document = kept ? stages::find_document(*kept, wanted) : nullptr;
  return document != nullptr ? std::make_unique<fields::Document>(document->name, document->bytes) : nullptr;
}

// Whether another first boot will follow, and can read what this one leaves.
bool is_read_by_next_boot(host::Host& host, const StageOptions& options) {
  if (options.stamp_is_disk_guid) {
    return !has_journal_in_memory(options);
  }
  const auto stamp = options.stamp.empty() ? Result<std::optional<host::Node>>{} : host.own.look(options.stamp);
  return stamp && *stamp && !has_journal_in_memory(options);
}

// Last of all: a disk that hangs must not keep anything from being shown.
void keep_for_next_boot(host::Host& host, const std::string& stage, const Error& error, const std::string& screen) {
  const auto boot = host.firmware.boot_id();
  const std::string summary = run::failure_summary(host.clock.wall(), boot ? *boot : "unknown", stage, error);
  if (const auto kept = run::keep_failure(host.state, summary, screen); !kept) {
    print_error("provision: the screen above could not be kept for the next boot: " + to_string(kept.error()) + "\n");
  }
}

// What an earlier boot stopped with, once more, now that the first boot goes on. A person who has just seen it, because
// it was in this boot, gets the one line.
void tell_of_last_failure(host::Host& host, run::Listener& listener) {
  const std::string kept = run::kept_failure(host.state);
  if (kept.empty()) {
    return;
  }
  const std::string summary = run::summary_of(kept);
  listener.on({run::Event::Kind::notice, {}, "the last try of this first boot stopped: " + summary, {}});
  const auto boot = host.firmware.boot_id();
  if (boot && summary.find(*boot) != std::string::npos) {
    return;
  }
  std::string shown;
  for (const auto line : split(std::string_view(kept).substr(std::min(kept.size(), summary.size() + 2)), '\n')) {
    shown += "  then: " + printable(line) + "\n";
  }
  print_to_console(shown);
}

// Shows the screen wherever somebody may look, and keeps it.
void show_failure(host::Host& host, const StageOptions& options, const Error& error) {
  const std::string& stage = options.name;
  const auto document = kept_document(host.own, error);
  const bool lasts = is_read_by_next_boot(host, options);
  // What cannot be told is no leave to reboot.
  const auto needs_memory = plan::is_memory_needed(host);
  const bool must_not_reboot = needs_memory ? *needs_memory : plan::has_journal_moved(host).value_or(true);
  const std::string screen =
      failure_screen(error, "stage " + stage, document.get(), lasts ? options.state : "", must_not_reboot);
  const bool kept = stages::make_own_directory(host.own, "/run/provision").has_value() &&
                    host.own.replace(run::failure_path, screen, 0600, {}).has_value();
  const bool in_journal =
      write_to_journal(screen, {{"PRIORITY", "3"},
                                {"MESSAGE_ID", std::string(failure_message_id)},
                                {"PROVISION_STAGE", stage},
                                {"PROVISION_CODE", std::string(row(error.code).name)},
                                {"PROVISION_ORIGIN", error.origin ? to_string(*error.origin) : ""}});
  const bool shown = write_to_consoles(screen);
  if (!shown || !in_journal || ::isatty(STDERR_FILENO) == 1) {
    print_error(screen);
  }
  if (!kept) {
    print_error("provision: the screen above could not be kept in " + std::string(run::failure_path) + "\n");
  }
  if (lasts) {
    keep_for_next_boot(host, stage, error, screen);
  }
}

// Of two runs at once each would find undone what the other is about to do. The second one leaves the first alone, and
// what it says of itself too.
Result<std::unique_ptr<host::Lock>> keep_others_off(host::Files& own) {
  TRY(stages::make_own_directory(own, path::parent(lock_path)));
  auto lock = own.lock(lock_path);
  if (!lock) {
    return std::move(lock).error().while_("making sure that no other stage runs on this machine");
  }
  return lock;
}

// A stage that was killed, by the kernel for want of memory or by a person, may have left a program at work: what that
// still writes must not come between what this stage does.
Result<void> wait_for_left_behind(host::LinuxProcesses& processes, const StageOptions& options) {
  const auto waiting = [&](const std::string& programs) {
    print_to_console(fmt::format("provision {}: waiting for what an earlier run of a stage left at work: {}\n",
                                 options.name, programs));
  };
  return processes.mark_programs(std::string(programs_mark), programs_patience, waiting);
}

Result<std::string> platform_of(host::Host& host, const StageOptions& options) {
  if (options.platform != "auto") {
    return options.platform;
  }
  const std::string confidential = TRY(stages::confidential_by(host.firmware));
  auto found = TRY_WHILE(providers::detect(host.own, confidential), "telling which platform this is");
  if (!found) {
    return Error(Code::no_platform,
                 "ignition.platform.id=auto is on the kernel command line, and neither the firmware nor a drive tells "
                 "which platform this is");
  }
  print_to_console(fmt::format("provision {}: platform {}: {}\n", options.name, found->id, found->why));
  return std::move(found->id);
}

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

}  // namespace

int run_stage_command(const StageOptions& options) {
  const stages::Stage* stage = stages::find_stage(options.name);
  if (stage == nullptr) {
    print_error("provision: there is no stage \"" + printable(options.name) + "\"; see `provision stage --help`\n");
    return row(Code::usage).exit_status;
  }
  host::LinuxHost machine(options.root, options.state);
  run::Activities activities(machine.clock);
  run::WatchedDisks disks(machine.disks, activities);
  host::Host host = machine.host_with(disks, machine.firmware);
  const auto alone = keep_others_off(host.own);
  if (!alone) {
    return complain(alone.error(), nullptr);
  }
  if (const auto marked = wait_for_left_behind(machine.processes, options); !marked) {
    show_failure(host, options, marked.error());
    return row(marked.error().code).exit_status;
  }
  const auto platform = platform_of(host, options);
  if (!platform) {
    show_failure(host, options, platform.error());
    return row(platform.error().code).exit_status;
  }
  ConsoleListener words(options);
  ProgressListener listener(words, activities, progress_seams(host, options));
  stages::Context context{host,
                          listener,
                          *platform,
                          options.stamp,
                          milliseconds(options.device_timeout),
                          {.journal_in_memory = has_journal_in_memory(options)},
                          {options.state_device, options.state, !options.only_the_stamp_tells,
                           options.stamp_owner == "provision", &host::read_only_options, options.stamp_is_disk_guid},
                          milliseconds(options.fetch_timeout),
                          options.handover};
  if (stage->hook == &stages::fetch_offline) {
    tell_of_last_failure(host, listener);
  }
  if (const auto result = stages::run_stage(context, *stage); !result) {
    show_failure(host, options, result.error());
    stages::tell_platform(context, "provision: " + to_string(result.error()));
    return row(result.error().code).exit_status;
  }
  tell_journal(host, *stage);
  return 0;
}

namespace {

std::string stage_list() {
  std::string text = "\nStages, in their order:\n";
  for (const auto& stage : stages::stages()) {
    text += fmt::format("  {:<15}{}\n", stage.name, stage.doc);
  }
  return text;
}

}  // namespace

Command add_stage(ArgumentParser& program) {
  ArgumentParser parser = program.add_subcommand("stage", "Run one stage of a first boot (in the initramfs)");
  auto options = std::make_shared<StageOptions>();
  parser.add_option("name", options->name, "The stage").required();
  parser.add_option("--root", options->root, "The root of the machine being provisioned").show_default();
  parser.add_option("--platform", options->platform, "Where the machine runs (ignition.platform.id)");
  parser.add_option("--state", options->state, "The directory of the journal; durable where it is on a disk")
      .show_default();
  parser.add_option("--stamp", options->stamp, "The first-boot stamp, which `complete` removes; none: the distro does");
  parser.add_option("--stamp-owner", options->stamp_owner, "Who removes the stamp: provision, or the distro later")
      .one_of({"provision", "distro"})
      .show_default();
  parser.add_flag("--stamp-disk-guid", options->stamp_is_disk_guid,
                  "The stamp is the image's disk GUID, which `complete` replaces");
  parser.add_option("--state-device", options->state_device,
                    "The device of stamp and journal; they tell whether the first boot is over");
  parser.add_flag("--auto", options->only_the_stamp_tells, "Nobody says that this is a first boot: only the stamp can");
  parser.add_option("--device-timeout", options->device_timeout, "Seconds to wait for a device of the config")
      .show_default();
  parser.add_option("--fetch-timeout", options->fetch_timeout, "Seconds to wait for the platform's user-data")
      .show_default();
  parser.add_option("--config-cache", options->handover.config_cache,
                    "Write the config here for other programs, as Ignition does to /run/ignition.json");
  parser.footer(stage_list());
  return {parser, [options] { return run_stage_command(*options); }};
}

}  // namespace provision::cli
