// SPDX-License-Identifier: Apache-2.0
// The program under the name `ignition-apply`: files, directories, links and units of a config, into the root of a
// container while it is built. Nothing stays but what the config asks for: no journal, no result file, no labels.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/complaint.hpp"
#include "cli/console.hpp"
#include "cli/offline_fetcher.hpp"
#include "host/linux/fetcher.hpp"
#include "host/linux/linux_host.hpp"
#include "model/observe.hpp"
#include "plan/planners.hpp"
#include "plan/unsupported.hpp"
#include "run/executor.hpp"
#include "run/journal.hpp"
#include "spec/inline_bytes.hpp"
#include "stages/documents.hpp"

namespace provision::cli {
namespace {

struct Options {
  std::string config;
  std::string root = "/";
  bool ignore_unsupported = false;
  bool offline = false;
};

// By the signs that container engines leave: systemd's CONTAINER_INTERFACE, podman's and docker's files.
bool is_in_container() {
  const char* const variable = std::getenv("container");
  std::error_code none;
  return (variable != nullptr && *variable != '\0') || std::filesystem::exists("/run/.containerenv", none) ||
         std::filesystem::exists("/.dockerenv", none);
}

// Removed with all that is in it, however the command ends by itself.
class ScratchDirectory {
 public:
  static Result<std::unique_ptr<ScratchDirectory>> make() {
    const char* const wanted = std::getenv("TMPDIR");
    std::string path = std::string(wanted != nullptr && *wanted == '/' ? wanted : "/tmp") + "/ignition-apply-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) {
      return Error(Code::io, "no directory can be made for the journal of this run: " + path, errno);
    }
    return std::make_unique<ScratchDirectory>(std::move(path));
  }
  explicit ScratchDirectory(std::string path) : path_(std::move(path)) {}
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ScratchDirectory(ScratchDirectory&&) = delete;
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ~ScratchDirectory() {
    std::error_code none;
    std::filesystem::remove_all(path_, none);
  }
  [[nodiscard]] std::string below(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  std::string path_;
};

// A part of the spec that a container has no use for.
struct Part {
  std::string_view path;
  std::string_view key;
  bool (*is_there)(const spec::Config& config);
  void (*drop)(spec::Config& config);
};

constexpr std::array parts{
    Part{"$.kernelArguments", "kernelArguments",
         [](const spec::Config& config) {
           return !config.kernel_arguments.should_exist.empty() || !config.kernel_arguments.should_not_exist.empty();
         },
         [](spec::Config& config) { config.kernel_arguments = {}; }},
    Part{"$.passwd", "passwd",
         [](const spec::Config& config) { return !config.passwd.users.empty() || !config.passwd.groups.empty(); },
         [](spec::Config& config) { config.passwd = {}; }},
    Part{"$.storage.disks", "disks", [](const spec::Config& config) { return !config.storage.disks.empty(); },
         [](spec::Config& config) { config.storage.disks.clear(); }},
    Part{"$.storage.filesystems", "filesystems",
         [](const spec::Config& config) { return !config.storage.filesystems.empty(); },
         [](spec::Config& config) { config.storage.filesystems.clear(); }},
    Part{"$.storage.luks", "luks", [](const spec::Config& config) { return !config.storage.luks.empty(); },
         [](spec::Config& config) { config.storage.luks.clear(); }},
    Part{"$.storage.raid", "raid", [](const spec::Config& config) { return !config.storage.raid.empty(); },
         [](spec::Config& config) { config.storage.raid.clear(); }},
    Part{"$.provision.volumeGroups", "volumeGroups",
         [](const spec::Config& config) { return !config.provision.volume_groups.empty(); },
         [](spec::Config& config) { config.provision.volume_groups.clear(); }},
};

const spec::Located& place_of(const spec::Config& config, const Part& part) {
  return part.path.starts_with("$.storage")     ? config.storage.place
         : part.path.starts_with("$.provision") ? config.provision.place
                                                : config.place;
}

// Says what is left out, or refuses it.
Result<void> leave_out_parts(const Options& options, spec::Parsed& parsed) {
  for (const auto& part : parts) {
    if (!part.is_there(*parsed.config)) {
      continue;
    }
    const Origin origin =
        parsed.sources.origin(place_of(*parsed.config, part), std::string(part.path), std::string(part.key));
    if (!options.ignore_unsupported) {
      return Error(Code::usage, fmt::format("\"{}\" cannot be applied to a container; leave it out, or have it "
                                            "left out by --ignore-unsupported",
                                            part.key))
          .at(origin);
    }
    print_error(fmt::format("ignition-apply: left out: \"{}\" at {}\n", part.key, to_string(origin)));
    part.drop(*parsed.config);
  }
  return {};
}

// The steps for a container: the target is not marked as provisioned, and nothing is labelled.
Result<plan::Plan> plan_container(host::Host& host, const spec::Parsed& config) {
  model::Inventory inventory = TRY(model::observe(host, config, {.files = true}));
  inventory.policy = {};
  plan::Plan plan = TRY(plan::plan_files({config, inventory}));
  std::erase_if(plan.steps,
                [](const plan::Step& step) { return std::holds_alternative<plan::PutResult>(step.operation); });
  return plan;
}

class Silence final : public run::Listener {
 public:
  void on(const run::Event& event) override {
    if (event.kind == run::Event::Kind::notice) {
      print_error("ignition-apply: " + printable(event.text) + "\n");
    }
  }
};

Result<void> carry_out(host::Host& host, const spec::Parsed& config) {
  run::Journal journal = TRY(run::Journal::open(host.state));
  const std::string boot = TRY(host.firmware.boot_id());
  TRY(journal.begin({PROVISION_VERSION, spec::meaning(*config.config), config.sources.documents.front().name(), boot}));
  const plan::Plan plan = TRY(plan_container(host, config));
  TRY(journal.planned(plan));
  Silence silence;
  const plan::ContentSource contents(*config.config);
  TRY(run::execute(host, plan, contents, journal, silence, {.journal_in_memory = true}));
  return {};
}

Result<void> apply(const Options& options, stages::Given& given) {
  TRY(leave_out_parts(options, given.config));
  if (auto error = plan::unsupported(given.config)) {
    return *std::move(error);
  }
  const auto scratch = TRY(ScratchDirectory::make());
  host::LinuxHost machine(options.root, scratch->below("journal"));
  OfflineFetcher nothing_far;
  host::Host real = machine.host();
  host::Host host{
      real.target,   real.target_path, real.state,
      real.own,      real.disks,       real.crypt,
      real.mounts,   real.processes,   real.clock,
      real.firmware, real.http,        options.offline ? static_cast<host::Fetcher&>(nothing_far) : real.fetcher};
  TRY(host.fetcher.configure(stages::fetch_settings(given.config.config->ignition, given.documents)));
  return carry_out(host, given.config);
}

// Before anything is written.
Result<void> refuse_far_files(const spec::Parsed& parsed) {
  const auto& files = parsed.config->storage.files;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string path = "$.storage.files." + std::to_string(i);
    const auto refuse_far = [&](const spec::Resource& resource, const std::string& below) -> Result<void> {
      return resource.source && !spec::is_inline(resource)
                 ? Result<void>(Error(Code::usage, std::string(offline_words))
                                    .at(parsed.sources.origin(resource.place, path + below + ".source", "source")))
                 : Result<void>();
    };
    TRY(refuse_far(files[i].contents, ".contents"));
    for (std::size_t k = 0; k < files[i].append.size(); ++k) {
      TRY(refuse_far(files[i].append[k], ".append." + std::to_string(k)));
    }
  }
  return {};
}

int run_apply(const Options& options) {
  if (!is_in_container()) {
    print_error(
        "ignition-apply: this is no container, and ignition-apply changes the root that it runs in; `provision apply` "
        "provisions image files\n");
    return 1;
  }
  OfflineFetcher nothing_far;
  host::LinuxFetcher fetcher;
  int status = 1;
  auto given =
      read_config(options.config, {}, status, options.offline ? static_cast<host::Fetcher&>(nothing_far) : fetcher);
  if (!given) {
    return 1;
  }
  Result<void> done = options.offline ? refuse_far_files(given->config) : Result<void>();
  done = done ? apply(options, *given) : done;
  if (!done) {
    complain(done.error(), document_of(given->config, done.error()));
  }
  return done ? 0 : 1;
}

}  // namespace

int run_as_ignition_apply(std::span<const std::string_view> words) {
  ArgumentParser program("Files, directories, links and units of a config, into the root of a container.",
                         "ignition-apply");
  Options options;
  program.add_version_flag();
  program.add_option("config", options.config, "The config; - for standard input").required();
  program.add_option("--root", options.root, "The root of the container").show_default();
  program.add_flag("--ignore-unsupported", options.ignore_unsupported,
                   "Leave out what cannot be applied to a container");
  program.add_flag("--offline", options.offline, "Refuse a config that refers to anything over the network");
  switch (program.parse(words)) {
    case ParseOutcome::answered:
      return 0;
    case ParseOutcome::wrong_usage:
      return 1;
    case ParseOutcome::parsed:
      break;
  }
  return run_apply(options);
}

}  // namespace provision::cli
