// SPDX-License-Identifier: Apache-2.0
#include "support/golden_run.hpp"

#include <utility>

#include "model/cards.hpp"
#include "model/observe.hpp"
#include "model/selectors.hpp"
#include "plan/operations/make_volume.hpp"
#include "plan/volume_keys.hpp"
#include "run/executor.hpp"
#include "run/journal.hpp"
#include "stages/stage.hpp"
#include "support/golden_machine.hpp"

namespace provision::test {
namespace {

constexpr std::chrono::seconds patience{5};
constexpr model::Scope everything{.tables = true,
                                  .arrays = true,
                                  .volumes = true,
                                  .groups = true,
                                  .contents = true,
                                  .mounts = true,
                                  .files = true,
                                  .patience = patience,
                                  .whole_disks = true};

class Silence final : public run::Listener {
 public:
  void on(const run::Event& /*event*/) override {}
};

class Running {
 public:
  Running(host::Host host, const GoldenCase& golden, const std::string& target_path, unsigned workers)
      : machine_(std::move(host)),
        selected_(model::selected_host(machine_, golden.config)),
        host_(selected_.host()),
        golden_(golden),
        workers_(workers) {
    names_.target_path = target_path;
    names_.node = [this](const std::string& path) {
      return host_.disks.await({path, {}, 0}, std::chrono::milliseconds(0)).value_or(std::string(path));
    };
  }

  // With what only the kernel command line tells.
  Result<model::Inventory> see(const model::Scope& scope) {
    model::Inventory seen = TRY(model::observe(host_, golden_.config, scope));
    seen.root = golden_.inventory.root;
    seen.kept = golden_.inventory.kept;
    seen.journal = golden_.inventory.journal;
    // The one that the machine has besides.
    std::erase_if(seen.whole_disks, [](const host::WholeDisk& disk) { return disk.node == root_node; });
    return seen;
  }

  std::vector<std::string> refuse() {
    const auto result = try_refuse();
    if (!result) {
      complain("failed: " + to_string(result.error()));
    }
    return std::move(result_.complaints);
  }

  GoldenRun run() {
    if (const auto result = try_run(); !result) {
      complain("failed: " + to_string(result.error()));
    }
    return std::move(result_);
  }

 private:
  void complain(std::string what) { result_.complaints.push_back(std::move(what)); }

  void complain_all(const std::string& what, const std::vector<std::string>& lines) {
    for (const auto& line : lines) {
      complain(what + ": " + line);
    }
  }

  Result<void> try_refuse() {
    predicted_ = TRY(see(everything));
    TRY(check_machine());
    const auto plans = stages::plan_all(golden_.config, predicted_);
    if (const std::string text = plans ? golden_text(*plans) : golden_text(plans.error()); text != golden_.expected) {
      complain("the answer on this machine is another one:\n" + text);
    }
    return {};
  }

  Result<void> try_run() {
    predicted_ = TRY(see(everything));
    TRY(check_machine());
    const auto plans = TRY(stages::plan_all(golden_.config, predicted_));
    if (const std::string text = golden_text(plans); text != golden_.expected) {
      complain("the plan on this machine is another one:\n" + text);
    }
    run::Journal journal = TRY(run::Journal::open(host_.state));
    TRY(journal.begin({"test", spec::meaning(*golden_.config.config), "config.json", "boot"}));
    TRY(keep_keys());
    for (const auto& stage : stages::stages()) {
      if (stage.planner != nullptr) {
        TRY_WHILE(run_stage(stage, journal), "in the stage " + std::string(stage.name));
      }
    }
    return {};
  }

  // Adds what is at the paths that `wanted` has views of, where nobody looks at them (any more).
  Result<model::Inventory> with_views_of(const model::Inventory& wanted, model::Inventory seen) {
    for (const auto& view : wanted.files) {
      if (seen.file(view.path) != nullptr) {
        continue;
      }
      auto found = TRY(model::look_at(host_.target, view.path));
      if (found) {
        seen.files.push_back(*std::move(found));
      }
    }
    return seen;
  }

  Result<void> check_machine() {
    const model::Inventory& claim = golden_.inventory;
    const model::Inventory seen = TRY(with_views_of(claim, claimed_part(claim, predicted_)));
    complain_all("the machine is not as the inventory says", differences(claim, seen, {}, names_));
    return {};
  }

  // Of volumes that are open, as those who opened them did.
  Result<void> keep_keys() {
    const plan::ContentSource contents(*golden_.config.config);
    const auto& volumes = golden_.config.config->storage.luks;
    for (std::size_t i = 0; i < volumes.size(); ++i) {
      const auto* const view = predicted_.volume(volumes[i].name);
      if (view != nullptr && view->is_open() && volumes[i].key_file.source) {
        const std::string place = "$.storage.luks." + std::to_string(i) + ".keyFile";
        TRY(plan::keep_key(host_.state, view->name, TRY(plan::configured_key(host_.fetcher, contents, place))));
      } else if (view != nullptr && view->is_open() && model::wants_card(volumes[i])) {
        plan::MakeVolume volume;
        volume.cex = true;
        const Secret key = TRY(plan::key_from_elsewhere(host_, contents, volume));
        TRY(plan::keep_key(host_.state, view->name, key));
      }
    }
    return {};
  }

  Result<void> run_stage(const stages::Stage& stage, run::Journal& journal) {
    const std::string name(stage.name);
    model::Scope scope = stage.scope;
    scope.patience = patience;
    const model::Inventory now = TRY(see(scope));
    const plan::Plan plan = TRY(stage.planner({golden_.config, now}));
    if (const plan::Plan on_predicted = TRY(stage.planner({golden_.config, predicted_})); on_predicted != plan) {
      complain("the stage " + name + " is planned in another way on what is predicted:\n" +
               plan::render({on_predicted}, false) + "than on what is seen:\n" + plan::render({plan}, false));
    }
    TRY(journal.planned(plan));
    const plan::ContentSource contents(*golden_.config.config);
    Silence silence;
    run::Options options;
    options.workers = workers_;
    TRY(run::execute(host_, plan, contents, journal, silence, options));
    TRY(journal.stage_done(name, "boot"));
    for (const auto& step : plan.steps) {
      done_.push_back(step.operation);
    }
    const model::Inventory predicted = plan::predicted(predicted_, plan);
    const model::Inventory looked_at = TRY(see(everything));
    const model::Inventory seen = TRY(with_views_of(predicted, looked_at));
    complain_all("after the stage " + name, differences(predicted, seen, done_, names_));
    check_comparison(plan, predicted, seen);
    predicted_ = predicted;
    return {};
  }

  // Each prediction that changes anything is left out once, as if the operation predicted nothing.
  void check_comparison(const plan::Plan& plan, const model::Inventory& predicted, const model::Inventory& seen) {
    for (std::size_t i = 0; i < plan.steps.size(); ++i) {
      plan::Plan fewer = plan;
      fewer.steps.erase(fewer.steps.begin() + static_cast<std::ptrdiff_t>(i));
      const model::Inventory without = plan::predicted(predicted_, fewer);
      if (without == predicted || leaves_blank(plan.steps[i].operation, without)) {
        continue;
      }
      ++result_.left_out;
      if (differences(without, seen, done_, names_).empty()) {
        complain("nobody notices that nothing was predicted of the step " + plan.steps[i].id);
      }
    }
  }

  // A partition that is predicted to be blank anyway, since it is new.
  static bool leaves_blank(const plan::Operation& operation, const model::Inventory& without) {
    const auto* made = std::get_if<plan::MakeFilesystem>(&operation);
    const model::DiskView* disk = made != nullptr ? without.disk(made->device.disk) : nullptr;
    const auto* partition = disk != nullptr ? disk->partition(made->device.number) : nullptr;
    return partition != nullptr && made->format == "none" && partition->signature.type.empty();
  }

  host::Host machine_;
  host::SelectedHost selected_;
  host::Host& host_;
  const GoldenCase& golden_;
  unsigned workers_;
  Names names_;
  GoldenRun result_;
  model::Inventory predicted_;
  std::vector<plan::Operation> done_;
};

}  // namespace

GoldenRun run_golden(host::Host host, const GoldenCase& golden, const std::string& target_path, unsigned workers) {
  return Running(std::move(host), golden, target_path, workers).run();
}

std::vector<std::string> refuse_golden(host::Host host, const GoldenCase& golden, const std::string& target_path) {
  return Running(std::move(host), golden, target_path, 1).refuse();
}

}  // namespace provision::test
