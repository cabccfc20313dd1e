// SPDX-License-Identifier: Apache-2.0
// provision apply --image FILE… CONFIG: provisions image files offline, with the stages of a first boot.
#include <fmt/format.h>

#include <memory>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/complaint.hpp"
#include "cli/console.hpp"
#include "cli/documents.hpp"
#include "cli/progress.hpp"
#include "cli/target.hpp"
#include "plan/unsupported.hpp"
#include "run/journal.hpp"
#include "stages/stage.hpp"

namespace provision::cli {
namespace {

constexpr int changed_status = 2;

struct ApplyOptions {
  std::string config;
  std::string ca_file;
  std::string journal;
  TargetOptions target;
  bool quiet = false;
  bool detailed_exit_status = false;
};

double seconds(std::chrono::microseconds duration) { return std::chrono::duration<double>(duration).count(); }

// Says each step, and counts those whose effect lasts.
class ApplyListener final : public run::Listener {
 public:
  explicit ApplyListener(bool quiet) : quiet_(quiet) {}

  void begin(const stages::Stage& stage) { lasts_ = stage.lasts; }
  [[nodiscard]] std::size_t changes() const { return changes_; }

  void on(const run::Event& event) override {
    if (event.kind == run::Event::Kind::notice) {
      say(printable(event.text) + "\n");
    }
    if (event.kind == run::Event::Kind::step_done && lasts_) {
      ++changes_;
      say(fmt::format("{} ({:.2f} s)\n", printable(event.text), seconds(event.took)));
    }
  }

 private:
  void say(const std::string& text) const {
    if (!quiet_) {
      print(text);
    }
  }

  bool quiet_;
  bool lasts_ = false;
  std::size_t changes_ = 0;
};

// What the stages find in the private /run: the config's documents, and a journal that was begun with it.
Result<void> prepare(host::Host& host, const stages::Given& given) {
  const spec::Parsed& config = given.config;
  const std::string& name = config.sources.documents.front().name();
  TRY(stages::keep_documents(host.own, given.documents));
  run::Journal journal = TRY(run::Journal::open(host.state));
  const Digest meaning = spec::meaning(*config.config);
  if (!journal.begun() || journal.complete() || journal.nothing_done()) {
    return journal.begin({PROVISION_VERSION, meaning, name, TRY(host.firmware.boot_id())});
  }
  if (journal.begun()->config != meaning) {
    return Error(Code::journal_other_config,
                 "the journal is of a run with another config that did not end: " + journal.begun()->config.brief() +
                     "… from " + journal.begun()->document + ", now " + meaning.brief() + "… from " + name +
                     "; give that one again to go on, or another directory by --journal");
  }
  return {};
}

// The disks stage may make the root file system; it is mounted for all that comes after.
Result<void> run_stages(ImageHost& images, const ApplyOptions& options, ApplyListener& listener) {
  host::Host host = images.host();
  run::Activities activities(host.clock);
  ProgressListener::Seams seams;
  seams.transfers = [&host] { return host.fetcher.progress(); };
  seams.say = [&options](const std::string& line) { print(options.quiet ? std::string() : line); };
  ProgressListener progress(listener, activities, std::move(seams));
  stages::Context context{host, progress, "file", {}, std::chrono::milliseconds(0), {}};
  for (const auto& stage : stages::stages()) {
    if (stage.planner == nullptr || (stage.name == "files" && !options.target.root.given())) {
      continue;
    }
    if (stage.name == "mount" && options.target.root.given()) {
      TRY(images.mount(TRY(images.find_root(options.target.root)), "/"));
    }
    listener.begin(stage);
    TRY(stages::run_stage(context, stage));
  }
  run::Journal journal = TRY(run::Journal::open(host.state));
  return journal.completed();
}

Result<void> provision_images(const ApplyOptions& options, const stages::Given& given, ApplyListener& listener) {
  ImageHost::Settings settings;
  settings.images = TRY(parse_images(options.target.images));
  settings.read_only = false;
  settings.sector_size = options.target.sector_size;
  settings.journal = options.journal;
  const auto images = TRY(ImageHost::open(settings));
  host::Host host = images->host();
  // A root that is neither there nor made is found out before anything is written.
  TRY(find_root(*images, *given.config.config, options.target.root));
  TRY(prepare(host, given));
  TRY(run_stages(*images, options, listener));
  return images->unmount_all();
}

int apply_images(const ApplyOptions& options, const stages::Given& given) {
  ApplyListener listener(options.quiet);
  if (const auto done = provision_images(options, given, listener); !done) {
    return complain(done.error(), document_of(given.config, done.error()));
  }
  const std::size_t changes = listener.changes();
  if (!options.quiet) {
    print(changes == 0 ? "Nothing to do: the images are as the config wants them.\n"
                       : fmt::format("Done: {} step{}.\n", changes, changes == 1 ? "" : "s"));
  }
  return options.detailed_exit_status && changes > 0 ? changed_status : 0;
}

Result<void> check_no_shares(const spec::Parsed& parsed) {
  const auto& filesystems = parsed.config->storage.filesystems;
  for (std::size_t i = 0; i < filesystems.size(); ++i) {
    if (is_virtiofs(filesystems[i])) {
      const std::string path = "$.storage.filesystems." + std::to_string(i) + ".format";
      return Error(Code::unsupported,
                   "a virtiofs is shared by the host that the machine will run on: what belongs on it cannot be put "
                   "there from its images")
          .at(parsed.sources.origin(filesystems[i].place, path, "format"));
    }
  }
  return {};
}

// An open volume would be a device of this machine, and its key would lie beside the images.
Result<void> check_no_volumes(const spec::Parsed& parsed) {
  const auto& volumes = parsed.config->storage.luks;
  if (volumes.empty()) {
    return {};
  }
  return Error(Code::unsupported,
               "encrypted volumes cannot be made on images: the machine itself makes them at its first boot")
      .at(parsed.sources.origin(volumes.front().place, "$.storage.luks.0", "name"));
}

// Its logical volumes would be devices of this machine.
Result<void> check_no_groups(const spec::Parsed& parsed) {
  const auto& groups = parsed.config->provision.volume_groups;
  if (groups.empty()) {
    return {};
  }
  return Error(Code::unsupported,
               "volume groups cannot be made on images: the machine itself makes them at its first boot")
      .at(parsed.sources.origin(groups.front().place, "$.provision.volumeGroups.0", "name"));
}

Result<void> check(const ApplyOptions& options, const spec::Parsed& parsed) {
  if (auto error = plan::unsupported(parsed)) {
    return *std::move(error);
  }
  TRY(check_no_shares(parsed));
  TRY(check_no_volumes(parsed));
  TRY(check_no_groups(parsed));
  return check_root_choice(*parsed.config, options.target.root);
}

int failure(const ApplyOptions& options, const Error& error, const fields::Document* document) {
  const int status = complain(error, document);
  return options.detailed_exit_status && status == changed_status ? 1 : status;
}

int run_apply_command(const ApplyOptions& options) {
  int wrong = 1;
  const auto given = read_config(options.config, options.ca_file, wrong);
  if (!given) {
    return options.detailed_exit_status && wrong == changed_status ? 1 : wrong;
  }
  if (const auto fine = check(options, given->config); !fine) {
    return failure(options, fine.error(), document_of(given->config, fine.error()));
  }
  const auto status = run_apart(options.target, [&] { return apply_images(options, *given); });
  return status ? *status : failure(options, status.error(), nullptr);
}

}  // namespace

Command add_apply(ArgumentParser& program) {
  ArgumentParser parser = program.add_subcommand("apply", "Provision image files offline, as a first boot would");
  auto options = std::make_shared<ApplyOptions>();
  parser.add_option("config", options->config, "The config: a file, - for standard input, or an http(s) URL")
      .required();
  add_target_options(parser, options->target);
  parser.get_option("--image").required();
  parser.add_option("--journal", options->journal,
                    "Keep the journal in this directory: a run that was stopped is then gone on with");
  parser.add_option("--ca-file", options->ca_file, "Trust the certificates in this PEM file for https");
  parser.add_flag("--quiet", options->quiet, "Say nothing but errors");
  parser.add_flag("--detailed-exit-status", options->detailed_exit_status,
                  "As `plan`: 0 nothing was to do, 2 something was changed, 1 an error");
  parser.footer(target_footer() +
                "\nNothing stays mounted or attached, however the command ends. A second run finds its own work and\n"
                "changes nothing, but for what the config wants wiped each time (wipeFilesystem).\n"
                "\nExit status: 0 the images are as the config wants them, 1 an error, 2 wrong usage.");
  return {parser, [options] { return run_apply_command(*options); }};
}

}  // namespace provision::cli
