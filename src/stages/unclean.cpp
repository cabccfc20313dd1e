// SPDX-License-Identifier: Apache-2.0
#include "stages/unclean.hpp"

#include <variant>

#include "base/text.hpp"

namespace provision::stages {
namespace {

bool may_be_damaged(const run::Journal& journal, const std::string& boot) {
  const run::StageHistory* const mount = journal.stage("mount");
  if (mount == nullptr || !mount->plan || mount->done_in == boot) {
    return false;
  }
  const run::StageHistory* const files = journal.stage("files");
  return files == nullptr || files->done_in.empty();
}

Result<void> make_anew(Context& context, const plan::MakeFilesystem& made, const plan::ContentSource& contents) {
  const std::string& device = made.device.path;
  const std::string text = "an earlier boot was ended while " + printable(device) +
                           " was written to, which a vfat need not survive: it is made anew";
  context.listener.on({run::Event::Kind::notice, {}, text, {}});
  plan::Work work{context.host, contents};
  TRY(plan::apply(work, made));
  const plan::Observation seen = TRY(plan::observe(context.host, made));
  if (seen.state != plan::State::satisfied) {
    return Error(Code::not_satisfied, "nothing failed, yet there is no new vfat on " + device);
  }
  return {};
}

}  // namespace

Result<void> make_unclean_anew(Context& context, const spec::Parsed& config, const run::Journal& journal) {
  const run::StageHistory* const disks = journal.stage("disks");
  const std::string boot = TRY(context.host.firmware.boot_id());
  if (disks == nullptr || !disks->plan || !may_be_damaged(journal, boot)) {
    return {};
  }
  const plan::ContentSource contents(*config.config);
  for (const auto& step : disks->plan->steps) {
    const auto* const made = std::get_if<plan::MakeFilesystem>(&step.operation);
    if (made == nullptr || made->format != "vfat") {
      continue;
    }
    const auto users = TRY(context.host.disks.users(made->device));
    if (users.empty()) {
      TRY_WHILE(make_anew(context, *made, contents), "making " + made->device.path + " anew after a power cut");
    }
  }
  return {};
}

}  // namespace provision::stages
