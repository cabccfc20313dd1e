// SPDX-License-Identifier: Apache-2.0
#include "stages/selection.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "run/journal.hpp"
#include "spec/selectors.hpp"
#include "stages/stage.hpp"

namespace provision::stages {
namespace {

using Selected = std::vector<model::SelectedDisk>;

const model::SelectedDisk* find_in(const Selected& list, const std::string& selector) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const auto& one) { return one.selector == selector; });
  return found == list.end() ? nullptr : &*found;
}

Origin place_of(const spec::Parsed& config, const std::string& name) {
  const auto& all = config.config->provision.disk_selectors;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].name == name) {
      return model::origin_of(config, all[i].place, "$.provision.diskSelectors." + std::to_string(i) + ".name", "name");
    }
  }
  return {};
}

// What a power cut left half done is finished only where it was begun.
Result<void> check_same(const spec::Parsed& config, const Selected& then, const Selected& now) {
  for (const auto& one : now) {
    const auto* const before = find_in(then, one.selector);
    if (before != nullptr && !model::is_same_disk(before->disk, one.disk)) {
      return Error(Code::device_missing,
                   "this first boot was begun on another disk than the one that the selector \"" +
                       printable(one.selector) + "\" names now: then " + model::describe(before->disk) + ", now " +
                       model::describe(one.disk) +
                       ". Put the first one back; or, to begin anew with this one, reinstall the machine")
          .at(place_of(config, one.selector));
    }
  }
  return {};
}

std::string words(const std::vector<const spec::DiskSelector*>& used) {
  std::vector<std::string> names;
  names.reserve(used.size());
  for (const auto* selector : used) {
    names.push_back("\"" + printable(selector->name) + "\"");
  }
  return (names.size() == 1 ? "the disk of the selector " : "the disks of the selectors ") + join(names, ", ");
}

// Where all were known before, they are recognised by more than their selectors say, and none that is still to come
// could be taken for one of them.
bool are_known(const std::vector<const spec::DiskSelector*>& used, const Selected& then) {
  return std::all_of(used.begin(), used.end(),
                     [&](const auto* selector) { return find_in(then, selector->name) != nullptr; });
}

}  // namespace

Selection::Selection(host::Host& host, std::chrono::milliseconds patience)
    : machine_(host), patience_(patience), selected_(host, [this] { return find(); }) {}

Result<Selected> Selection::disks() {
  TRY(selected_.nodes());
  return disks_;
}

Result<host::SelectedNodes> Selection::find() {
  const spec::Parsed config = TRY(load_config(machine_.own));
  const run::Journal journal = TRY(run::Journal::open(machine_.state));
  const auto used = spec::used_selectors(*config.config);
  const Selected then = journal.selected();
  host::DiskSearch search;
  search.what = words(used);
  search.enough = [&](const auto& disks) { return model::all_found(*config.config, disks); };
  search.patience = patience_;
  search.quiet = are_known(used, then) ? std::chrono::milliseconds(0) : model::quiet_for(*config.config);
  const auto found = TRY_WHILE(machine_.disks.whole_disks(search), "looking for the disks of this machine");
  Selected now = TRY(model::select_disks(config, found));
  TRY(check_same(config, then, now));
  disks_ = std::move(now);
  return model::nodes_of(disks_);
}

}  // namespace provision::stages
