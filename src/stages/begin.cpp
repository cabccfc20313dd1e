// SPDX-License-Identifier: Apache-2.0
#include "stages/begin.hpp"

#include <algorithm>
#include <optional>

#include "base/path.hpp"
#include "base/text.hpp"
#include "plan/operations/loader.hpp"
#include "plan/volume_keys.hpp"
#include "providers/trust.hpp"
#include "run/journal.hpp"
#include "stages/confidential.hpp"
#include "stages/sources.hpp"

namespace provision::stages {
namespace {

// Where PID 1 keeps the credentials of the whole system (systemd.exec(5), "System Credentials").
constexpr std::string_view credentials = "/run/credentials/@system";
constexpr std::size_t max_credential_bytes = 64;

enum class Unfinished : std::uint8_t { stop, resume, start_over };

Result<Unfinished> unfinished_of(std::string_view word, const std::string& said_by) {
  if (word == "resume") {
    return Unfinished::resume;
  }
  if (word == "start-over") {
    return Unfinished::start_over;
  }
  return Error(Code::bad_config, said_by + " says \"" + printable(word) +
                                     "\" of an unfinished first boot; it may say \"resume\" or \"start-over\"");
}

void notice(Context& context, std::string text) {
  context.listener.on({run::Event::Kind::notice, {}, std::move(text), {}});
}

// systemd takes system credentials from SMBIOS and fw_cfg too.
Result<std::optional<std::string>> credential_named(Context& context, const std::string& name) {
  const std::string path = path::join(credentials, name);
  if (!TRY(context.host.own.look(path))) {
    return std::optional<std::string>{};
  }
  if (const std::string technology = TRY(confidential_by(context.host.firmware)); !technology.empty()) {
    notice(context,
           "the credential " + name + " is not heard: " + providers::not_believed("a system credential", technology));
    return std::optional<std::string>{};
  }
  std::string word = TRY(context.host.own.read(path, max_credential_bytes));
  return std::optional(std::string(trim(word)));
}

// What is to become of it, by the first that says something.
Result<Unfinished> choice(Context& context, const spec::Config& config) {
  const std::string line = TRY(context.host.firmware.command_line());
  if (const auto word = kernel_argument(line, unfinished_key)) {
    return unfinished_of(*word, "the kernel command line");
  }
  const std::string name(unfinished_key.substr(0, unfinished_key.size() - 1));
  if (const auto word = TRY(credential_named(context, name))) {
    return unfinished_of(*word, "the credential " + name);
  }
  return config.provision.unfinished ? unfinished_of(*config.provision.unfinished, "the config")
                                     : Result<Unfinished>(Unfinished::stop);
}

// A boot's id is drawn by chance; as the seed it stays, also for a later first boot of the same machine. A journal in
// memory would lose it, and with it what an earlier try is known by: there none is drawn.
std::string seed_of(const Context& context, const run::Journal& journal, const host::Machine& machine,
                    const std::string& boot) {
  if (machine.is_known() || context.options.journal_in_memory) {
    return {};
  }
  const bool drawn = journal.begun() && !journal.begun()->seed.empty();
  return drawn ? journal.begun()->seed : boot;
}

Result<run::Begin> this_beginning(Context& context, const run::Journal& journal, const spec::Parsed& config,
                                  const std::string& document) {
  const std::string boot = TRY(context.host.firmware.boot_id());
  const host::Machine machine = TRY(context.host.firmware.machine());
  return run::Begin{PROVISION_VERSION,         spec::meaning(*config.config),           document, boot,
                    run::fingerprint(machine), seed_of(context, journal, machine, boot)};
}

// A machine that cannot be known is none that has changed.
bool is_other_machine(const run::Begin& begun, const run::Begin& now) {
  return !begun.machine.empty() && !now.machine.empty() && begun.machine != now.machine;
}

std::string two_configs(const run::Begin& begun, const run::Begin& now) {
  return "then " + begun.config.brief() + "… from " + begun.document + ", now " + now.config.brief() + "… from " +
         now.document;
}

Error begun_otherwise(const run::Begin& begun, const run::Begin& now) {
  if (is_other_machine(begun, now)) {
    return {Code::journal_other_machine, "the first boot on this disk was begun on another machine (" +
                                             begun.machine.brief() + "…, this one is " + now.machine.brief() +
                                             "…) and has not ended: the disk is a copy, or was moved"};
  }
  return {Code::journal_other_config,
          "the first boot of this machine was begun with another config: " + two_configs(begun, now)};
}

std::vector<std::string> done_for_good(const run::Journal& journal) {
  std::vector<std::string> names;
  for (const auto& stage : stages()) {
    const run::StageHistory* const history = journal.stage(std::string(stage.name));
    if (stage.lasts && history != nullptr && !history->done_in.empty()) {
      names.emplace_back(stage.name);
    }
  }
  return names;
}

Result<void> take_over(Context& context, run::Journal& journal, const run::Begin& now, Unfinished how) {
  const run::Begin begun = *journal.begun();
  if (how == Unfinished::stop) {
    return begun_otherwise(begun, now);
  }
  const bool resumes = how == Unfinished::resume;
  std::string text = "a first boot that was begun otherwise (" + two_configs(begun, now) + ")";
  text += resumes ? " goes on with this config, as was asked for: the stages that are done stay"
                  : " is started over with this config, as was asked for";
  notice(context, text + "; what the other config has made and this one does not name stays as it is");
  const auto kept = resumes ? done_for_good(journal) : std::vector<std::string>{};
  // Keys that were handed over are of no use any more.
  if (std::find(kept.begin(), kept.end(), "disks") == kept.end() ||
      TRY(plan::are_keys_handed_over(context.host.state))) {
    TRY(plan::forget_keys(context.host.state));
  }
  return journal.take_over(now, kept);
}

void tell_of_going_on(Context& context, const run::Begin& begun) {
  std::string text = "going on with a first boot that an earlier boot began";
  if (begun.engine != PROVISION_VERSION) {
    text += "; it was begun by provision " + begun.engine + ", this is provision " + PROVISION_VERSION +
            ": both keep the same format of journal and plan, so the stored plans are carried out as they are";
  }
  notice(context, std::move(text));
}

}  // namespace

Result<void> begin_or_go_on(Context& context, const spec::Parsed& config, const std::string& document) {
  run::Journal journal = TRY(run::Journal::open(context.host.state));
  const run::Begin now = TRY(this_beginning(context, journal, config, document));
  if (!journal.begun() || journal.complete()) {
    TRY(plan::forget_keys(context.host.state));
    TRY(plan::forget_loaders(context.host.state));
    return journal.begin(now);
  }
  const run::Begin& begun = *journal.begun();
  if (begun.config == now.config && !is_other_machine(begun, now)) {
    tell_of_going_on(context, begun);
    return {};
  }
  if (journal.nothing_done()) {
    notice(context, "this first boot was begun otherwise (" + two_configs(begun, now) +
                        "), and nothing was done; it begins anew");
    return journal.begin(now);
  }
  const Unfinished how = TRY(choice(context, *config.config));
  return take_over(context, journal, now, how);
}

}  // namespace provision::stages
