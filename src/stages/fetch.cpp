// SPDX-License-Identifier: Apache-2.0
// fetch-offline: which config, if any, this machine has.
#include <array>
#include <optional>

#include "base/path.hpp"
#include "base/text.hpp"
#include "plan/unsupported.hpp"
#include "providers/provider.hpp"
#include "run/journal.hpp"
#include "stages/hooks.hpp"

namespace provision::stages {
namespace {

constexpr std::size_t max_config_bytes = std::size_t{64} << 20U;
// Highest first. The first user.ign found is the config, before the platform's.
constexpr std::array<std::string_view, 3> system_directories{"/run/ignition", "/etc/ignition", "/usr/lib/ignition"};
constexpr std::string_view empty_config = R"({"ignition": {"version": "3.4.0"}})";

// Sources that the user names and that cannot be asked yet must stop the boot, not be passed over.
Result<void> refuse_unknown_sources(host::Host& host) {
  constexpr std::array<std::string_view, 3> refused{
      "ignition.config.url=", "ignition.config.device=", "ignition.config.path="};
  const std::string line = TRY(host.firmware.command_line());
  for (const auto word : split(line, ' ')) {
    for (const auto key : refused) {
      if (word.starts_with(key) && word.size() > key.size()) {
        return Error(Code::unsupported, "the kernel command line has " + std::string(key) +
                                            "…, and this version of provision cannot read a config from there yet");
      }
    }
  }
  return {};
}

Result<std::optional<providers::UserData>> system_config(host::Files& own) {
  for (const auto directory : system_directories) {
    const std::string path = path::join(directory, "user.ign");
    if (TRY(own.look(path))) {
      return std::optional(providers::UserData{TRY(own.read(path, max_config_bytes)), path});
    }
  }
  return std::optional<providers::UserData>{};
}

providers::UserData no_config(run::Listener& listener, const std::string& reason) {
  listener.on({run::Event::Kind::notice, {}, "no config: " + reason + "; the machine boots as the image is", {}});
  return {std::string(empty_config), "no config (" + reason + ")"};
}

Result<providers::UserData> platform_config(Context& context) {
  if (context.platform.empty()) {
    return Error(Code::no_platform, "the image does not say on which platform it runs");
  }
  const providers::Platform* platform = providers::find_platform(context.platform);
  if (platform == nullptr) {
    return Error(Code::no_platform,
                 "\"" + printable(context.platform) +
                     "\" is no platform that this version of provision knows: " + providers::known_platforms());
  }
  providers::Outcome outcome = TRY(platform->fetch(context.host));
  if (auto* none = std::get_if<providers::None>(&outcome)) {
    return no_config(context.listener, none->reason);
  }
  if (auto* need = std::get_if<providers::NeedNet>(&outcome)) {
    return Error(Code::unsupported, "the config needs the network: " + need->reason);
  }
  auto data = std::get<providers::UserData>(std::move(outcome));
  if (trim(data.bytes).empty()) {
    return no_config(context.listener, data.document + " is empty");
  }
  return data;
}

Result<providers::UserData> find_config(Context& context) {
  TRY(refuse_unknown_sources(context.host));
  if (auto data = TRY(system_config(context.host.own))) {
    return *std::move(data);
  }
  return platform_config(context);
}

// The user's own text is kept before it is judged, so that a failure can show the line.
Result<void> keep(host::Files& own, const providers::UserData& data) {
  TRY(make_own_directory(own, path::parent(config_path)));
  TRY(own.replace(document_path, data.document, 0600, {}));
  return own.replace(config_path, data.bytes, 0600, {});
}

Result<void> begin_or_go_on(Context& context, const spec::Parsed& config, const std::string& document) {
  run::Journal journal = TRY(run::Journal::open(context.host.state));
  const Digest meaning = spec::meaning(*config.config);
  const std::string boot = TRY(context.host.firmware.boot_id());
  if (!journal.begun() || journal.complete()) {
    return journal.begin({PROVISION_VERSION, meaning, document, boot});
  }
  const run::Begin& begun = *journal.begun();
  if (begun.config != meaning && journal.nothing_done()) {
    context.listener.on({run::Event::Kind::notice,
                         {},
                         "another config than before, " + meaning.brief() + "…; nothing was done by the first one (" +
                             begun.config.brief() + "…), so this one begins anew",
                         {}});
    return journal.begin({PROVISION_VERSION, meaning, document, boot});
  }
  if (begun.config != meaning) {
    return Error(Code::journal_other_config, "the first boot of this machine was begun with another config: then " +
                                                 begun.config.brief() + "… from " + begun.document + ", now " +
                                                 meaning.brief() + "… from " + document);
  }
  std::string text = "going on with a first boot that an earlier boot began";
  if (begun.engine != PROVISION_VERSION) {
    text += "; it was begun by provision " + begun.engine + ", this is provision " + PROVISION_VERSION +
            ": both keep the same format of journal and plan, so the stored plans are carried out as they are";
  }
  context.listener.on({run::Event::Kind::notice, {}, text, {}});
  return {};
}

}  // namespace

Result<void> make_own_directory(host::Files& own, const std::string& path) {
  if (path == "/" || TRY(own.look(path))) {
    return {};
  }
  TRY(make_own_directory(own, path::parent(path)));
  return own.make_directory(path, 0755, {});
}

Result<void> fetch_offline(Context& context, run::StageReport& /*report*/) {
  const providers::UserData data = TRY(find_config(context));
  TRY_WHILE(keep(context.host.own, data), "keeping the config for the later stages");
  const spec::Parsed config = spec::parse(data.document, data.bytes);
  for (const auto& note : config.notes.all) {
    const std::string hint = note.hint.empty() ? "" : " (" + note.hint + ")";
    context.listener.on(
        {run::Event::Kind::notice,
         {},
         std::string(name_of(note.severity)) + " at " + to_string(note.origin) + ": " + note.text + hint,
         {}});
  }
  if (!config.config) {
    return spec::error_of(config);
  }
  if (auto error = plan::unsupported(config)) {
    return *std::move(error);
  }
  return begin_or_go_on(context, config, data.document);
}

Result<spec::Parsed> load_config(host::Files& own) {
  auto text = own.read(config_path, max_config_bytes);
  auto name = own.read(document_path, max_config_bytes);
  if (!text || !name) {
    return Error(Code::stage_order, "no config is kept for this boot: the stage fetch-offline has not run");
  }
  spec::Parsed config = spec::parse(*std::move(name), *std::move(text));
  if (!config.config) {
    return spec::error_of(config);
  }
  return config;
}

}  // namespace provision::stages
