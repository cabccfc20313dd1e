// SPDX-License-Identifier: Apache-2.0
// fetch-offline and fetch: which config, if any, this machine has.
#include "base/path.hpp"
#include "base/text.hpp"
#include "plan/operations/moved_journal.hpp"
#include "plan/unsupported.hpp"
#include "providers/provider.hpp"
#include "stages/begin.hpp"
#include "stages/config_cache.hpp"
#include "stages/first_boot.hpp"
#include "stages/hooks.hpp"
#include "stages/measure.hpp"
#include "stages/sources.hpp"
#include "stages/wanted.hpp"

namespace provision::stages {
namespace {

void notice(Context& context, const std::string& text) {
  context.listener.on({run::Event::Kind::notice, {}, text, {}});
}

void tell_notes(Context& context, const fields::Notes& notes) {
  for (const auto& note : notes.all) {
    const std::string hint = note.hint.empty() ? "" : " (" + note.hint + ")";
    notice(context, std::string(name_of(note.severity)) + " at " + to_string(note.origin) + ": " + note.text + hint);
  }
}

Result<void> ask_for_network(Context& context, const std::string& why) {
  notice(context, "the network is needed: " + why);
  const std::string& flag = context.handover.neednet;
  TRY(make_own_directory(context.host.own, path::parent(flag)));
  return context.host.own.replace(flag, "", 0644, {});
}

// For an image whose configs are to hold on other engines too.
Result<void> check_extensions(Context& context, const spec::Parsed& config) {
  const std::string line = TRY(context.host.firmware.command_line());
  const std::string word = kernel_argument(line, "provision.extensions=").value_or("on");
  if (word != "on" && word != "off") {
    return Error(Code::config_unavailable,
                 "provision.extensions=" + printable(word) + " is on the kernel command line: it is on or off");
  }
  const auto refused = word == "off" ? spec::refused_extensions(config) : std::nullopt;
  if (!refused) {
    return {};
  }
  return Error(Code::bad_config,
               refused->text + " by provision.extensions=off of the kernel command line (" + refused->hint + ")")
      .at(refused->origin);
}

Result<void> find_config(Context& context, Network network) {
  FreshDocuments documents(context, network);
  fields::Notes notes;
  const Result<spec::Parsed> config = assemble(documents, notes);
  tell_notes(context, notes);
  if (!config) {
    return documents.needs_network() ? ask_for_network(context, *documents.needs_network()) : config.error();
  }
  if (const auto finished = documents.finish(config->config->ignition); !finished) {
    return documents.needs_network() ? ask_for_network(context, *documents.needs_network()) : finished;
  }
  TRY(check_extensions(context, *config));
  if (auto error = plan::unsupported(*config)) {
    return *std::move(error);
  }
  if (network == Network::absent && wants_network(*config->config)) {
    TRY(ask_for_network(context, "the config has files that come from elsewhere"));
  }
  TRY(measure(context, *config));
  TRY(write_config_cache(context, *config->config));
  return begin_or_go_on(context, *config, documents.user_document());
}

// Nothing is fetched, and others may still look for the config.
Result<void> write_cache_of_kept(Context& context) {
  if (context.handover.config_cache.empty()) {
    return {};
  }
  const spec::Parsed config = TRY(load_config(context.host.own));
  return write_config_cache(context, *config.config);
}

// Longer for a machine that is ready, which somebody is waiting for.
constexpr auto patience_when_done = std::chrono::milliseconds(30'000);
constexpr auto patience_when_stopped = std::chrono::milliseconds(8'000);

}  // namespace

void tell_platform(Context& context, const std::string& failure) {
  const providers::Platform* const platform = providers::find_platform(context.platform);
  const auto network = context.host.own.look(context.handover.neednet);
  if (platform == nullptr || platform->report == nullptr || !network || !*network) {
    return;
  }
  const auto say = [&](const std::string& line) { notice(context, line); };
  const auto told = platform->report(
      {context.host, true, say, failure.empty() ? patience_when_done : patience_when_stopped}, failure);
  notice(context,
         told ? "the platform was told that this machine is " + std::string(failure.empty() ? "ready" : "not ready")
              : to_string(told.error()));
}

Result<void> make_own_directory(host::Files& own, const std::string& path) {
  if (path == "/" || TRY(own.look(path))) {
    return {};
  }
  TRY(make_own_directory(own, path::parent(path)));
  return own.make_directory(path, 0755, {});
}

namespace {

bool has_whole_config(Context& context) {
  const auto kept = kept_documents(context.host.own);
  return kept && are_whole(*kept);
}

}  // namespace

Result<void> fetch_offline(Context& context, run::StageReport& report) {
  if (TRY(is_no_first_boot(context))) {
    report.result = "skipped";
    return {};
  }
  if (TRY(plan::is_journal_in_memory(context.host)) && has_whole_config(context)) {
    // An earlier run in this boot stopped while the boot partition is made anew, and the config may have been there.
    report.result = "skipped";
    return {};
  }
  // Of an earlier run in this boot.
  TRY(context.host.own.remove(documents_path));
  return find_config(context, Network::absent);
}

Result<void> fetch(Context& context, run::StageReport& report) {
  if (has_whole_config(context)) {
    report.result = "skipped";
    return write_cache_of_kept(context);
  }
  return find_config(context, Network::present);
}

}  // namespace provision::stages
