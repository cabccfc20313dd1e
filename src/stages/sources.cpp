// SPDX-License-Identifier: Apache-2.0
#include "stages/sources.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "base/path.hpp"
#include "base/text.hpp"
#include "spec/url.hpp"
#include "stages/confidential.hpp"
#include "stages/placeholders.hpp"

namespace provision::stages {
namespace {

constexpr std::size_t max_config_bytes = std::size_t{64} << 20U;
// Highest first.
constexpr std::array<std::string_view, 3> system_directories{"/run/ignition", "/etc/ignition", "/usr/lib/ignition"};
constexpr std::string_view embedded_config = "/config.ign";
constexpr std::string_view empty_config = R"({"ignition": {"version": "3.4.0"}})";
constexpr auto label_patience = std::chrono::milliseconds(30'000);

constexpr std::string_view url_key = "ignition.config.url=";
// Container Linux and Flatcar, heard where the first is absent.
constexpr std::array<std::string_view, 2> older_url_keys{"coreos.config.url=", "flatcar.config.url="};
constexpr std::string_view device_key = "ignition.config.device=";
constexpr std::string_view foreign_key = "provision.foreign-user-data=";
constexpr std::string_view path_key = "ignition.config.path=";

spec::Brought no_config(run::Listener& listener, const std::string& reason) {
  listener.on({run::Event::Kind::notice, {}, "no config: " + reason + "; the machine boots as the image is", {}});
  return {std::string(plan::no_config) + reason + ")", std::string(empty_config)};
}

// What is there but empty is no config, as a platform's empty user data is none.
spec::Brought or_empty(run::Listener& listener, spec::Brought found) {
  return trim(found.bytes).empty() ? no_config(listener, found.name + " is empty") : std::move(found);
}

Result<Address> checked_url(const std::string& url) {
  if (const auto fault = spec::source_fault(with_some_machine(url), spec::spec_versions().back().version)) {
    return Error(Code::config_unavailable,
                 "ignition.config.url= on the kernel command line is no URL that a config "
                 "can come from: " +
                     fault->what);
  }
  return Address{url};
}

// A device by its label, as other engines have it.
Result<host::DeviceRef> device_ref(const std::string& label) {
  const bool plain = label.find('/') == std::string::npos && label != "." && label != "..";
  if (!plain) {
    return Error(Code::config_unavailable,
                 "ignition.config.device= on the kernel command line is the label of a file system, a name without /");
  }
  host::DeviceRef device;
  device.path = "/dev/disk/by-label/" + label;
  return device;
}

Result<spec::Brought> read_file_of(Context& context, const std::string& label, const std::string& file) {
  const host::DeviceRef device = TRY(device_ref(label));
  const std::string node =
      TRY(context.host.disks.await(device, std::min<std::chrono::milliseconds>(label_patience, context.patience)));
  const host::Signature signature = TRY(context.host.disks.probe(device));
  std::string text = TRY(context.host.mounts.read_file(node, signature.type, file, max_config_bytes));
  return spec::Brought{file + " on the device labelled " + printable(label), std::move(text)};
}

Result<spec::Brought> from_device(Context& context, const std::string& label, const std::string& file) {
  if (!path::is_clean_absolute(file) || file == "/") {
    return Error(Code::config_unavailable,
                 "ignition.config.path= on the kernel command line is no absolute path of a file");
  }
  auto found = read_file_of(context, label, file);
  if (!found) {
    return std::move(found).error().while_("reading the config " + printable(file) + " from the device labelled \"" +
                                           printable(label) + "\", as the kernel command line says");
  }
  return found;
}

Result<std::optional<Source>> from_command_line(Context& context) {
  const std::string line = TRY(context.host.firmware.command_line());
  auto url = kernel_argument(line, url_key);
  for (const auto key : older_url_keys) {
    url = url ? url : kernel_argument(line, key);
  }
  const auto device = kernel_argument(line, device_key);
  const auto file = kernel_argument(line, path_key);
  if (url && (device || file)) {
    return Error(Code::config_unavailable,
                 "the kernel command line names two configs: by ignition.config.url= and by ignition.config.device=");
  }
  if (url) {
    return std::optional(Source(TRY(checked_url(*url))));
  }
  if (device.has_value() != file.has_value()) {
    return Error(Code::config_unavailable,
                 "ignition.config.device= and ignition.config.path= on the kernel command "
                 "line go together, and one is missing");
  }
  if (!device) {
    return std::optional<Source>{};
  }
  return std::optional(Source(or_empty(context.listener, TRY(from_device(context, *device, *file)))));
}

Result<std::optional<spec::Brought>> read_if_there(host::Files& own, const std::string& path) {
  if (!TRY(own.look(path))) {
    return std::optional<spec::Brought>{};
  }
  return std::optional(spec::Brought{path, TRY_WHILE(own.read(path, max_config_bytes), "reading the config " + path)});
}

Result<std::optional<spec::Brought>> from_files(Context& context) {
  std::vector<std::string> places;
  places.reserve(system_directories.size() + 2);
  for (const auto directory : system_directories) {
    places.push_back(path::join(directory, "user.ign"));
  }
  places.emplace_back(embedded_config);
  if (auto installed = installed_config_path(context.stamp); !installed.empty()) {
    places.push_back(std::move(installed));
  }
  for (const auto& place : places) {
    if (auto found = TRY(read_if_there(context.host.own, place))) {
      return found;
    }
  }
  return std::optional<spec::Brought>{};
}

// What is somebody else's is told loudly; whether the machine boots on is for the image to say.
Result<Source> nothing_for_us(Context& context, const providers::None& none) {
  const std::string line = TRY(context.host.firmware.command_line());
  if (!none.foreign.empty() && kernel_argument(line, foreign_key) == "stop") {
    return Error(Code::config_unavailable,
                 none.reason + ", and provision.foreign-user-data=stop is on the kernel command line");
  }
  return Source(no_config(context.listener, none.reason));
}

Result<Source> from_platform(Context& context, bool network) {
  if (context.platform.empty()) {
    return Error(Code::no_platform, "the image does not say on which platform it runs");
  }
  const providers::Platform* platform = providers::find_platform(context.platform);
  if (platform == nullptr) {
    return Error(Code::no_platform,
                 "\"" + printable(context.platform) +
                     "\" is no platform that this version of provision knows: " + providers::known_platforms());
  }
  std::string confidential = TRY(confidential_by(context.host.firmware));
  const auto say = [&](const std::string& line) { context.listener.on({run::Event::Kind::notice, {}, line, {}}); };
  providers::Outcome outcome =
      TRY(platform->fetch({context.host, network, say, context.fetch_patience, std::move(confidential)}));
  if (auto* none = std::get_if<providers::None>(&outcome)) {
    return nothing_for_us(context, *none);
  }
  if (auto* need = std::get_if<providers::NeedNet>(&outcome)) {
    return Source(std::move(*need));
  }
  auto data = std::get<providers::UserData>(std::move(outcome));
  return Source(or_empty(context.listener, {std::move(data.document), std::move(data.bytes)}));
}

// The files of one folder of the system directories, by name.
using Pieces = std::map<std::string, std::string, std::less<>>;

Result<void> find_pieces(host::Files& own, const std::string& folder, Pieces& pieces) {
  const auto there = TRY(own.look(folder));
  if (!there) {
    return {};
  }
  for (const auto& name : TRY(own.list(folder))) {
    const auto node = TRY(own.look(path::join(folder, name)));
    if (node && node->kind != host::NodeKind::directory) {
      pieces.try_emplace(name, path::join(folder, name));
    }
  }
  return {};
}

Result<void> add_base(host::Files& own, const std::string& folder, std::vector<spec::Brought>& found) {
  Pieces pieces;
  for (const auto directory : system_directories) {
    TRY(find_pieces(own, path::join(directory, folder), pieces));
  }
  for (const auto& [name, path] : pieces) {
    found.push_back({path, TRY_WHILE(own.read(path, max_config_bytes), "reading the base config " + path)});
  }
  return {};
}

}  // namespace

std::optional<std::string> kernel_argument(std::string_view line, std::string_view key) {
  std::optional<std::string> value;
  std::string word;
  bool quoted = false;
  const auto end_word = [&] {
    if (word.starts_with(key) && word.size() > key.size()) {
      value = word.substr(key.size());
    }
    word.clear();
  };
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && (c == ' ' || c == '\t' || c == '\n')) {
      end_word();
    } else {
      word += c;
    }
  }
  end_word();
  return value;
}

Result<std::vector<spec::Brought>> base_configs(host::Files& own, const std::string& platform) {
  std::vector<spec::Brought> found;
  TRY(add_base(own, "base.d", found));
  const bool is_name = !platform.empty() && platform.find('/') == std::string::npos && !platform.starts_with('.');
  if (is_name) {
    TRY(add_base(own, "base.platform.d/" + platform, found));
  }
  return found;
}

std::string installed_config_path(const std::string& stamp) {
  return stamp.empty() ? std::string() : path::join(path::parent(stamp), "ignition/config.ign");
}

Result<Source> user_config(Context& context, bool network) {
  if (auto found = TRY(from_command_line(context))) {
    return *std::move(found);
  }
  if (auto found = TRY(from_files(context))) {
    return Source(or_empty(context.listener, *std::move(found)));
  }
  return from_platform(context, network);
}

}  // namespace provision::stages
