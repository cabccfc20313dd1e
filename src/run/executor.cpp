// SPDX-License-Identifier: Apache-2.0
#include "run/executor.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>

#include "base/assert.hpp"
#include "plan/downloads.hpp"
#include "run/decide.hpp"
#include "run/pool.hpp"

namespace provision::run {
namespace {

class Execution {
 public:
  Execution(host::Host& host, const plan::Plan& plan, const plan::ContentSource& contents, Journal& journal,
            Listener& listener, const Options& options)
      : plan_(plan),
        host_(host),
        contents_(contents),
        journal_(journal),
        listener_(listener),
        options_(options),
        waits_for_(plan.steps.size(), 0),
        wanted_by_(plan.steps.size()),
        ended_(plan.steps.size(), false),
        downloads_(host.fetcher, host.target, contents),
        pool_(options.workers, options.seed) {}

  Result<std::vector<StepResult>> run() {
    count_needs();
    TRY(begin_downloads());
    begin_steps_without_needs();
    while (pool_.next()) {
    }
    if (failure_) {
      return record_failure();
    }
    INVARIANT(ended_count_ == plan_.steps.size());
    TRY(sync_touched(plan_.steps));
    return std::move(results_);
  }

 private:
  [[nodiscard]] host::Host& host() const { return host_; }

  // All that the steps will fetch begins before them, except what is there already since an earlier boot.
  Result<void> begin_downloads() {
    std::vector<plan::Downloads::Transfer> wanted;
    for (const auto& step : plan_.steps) {
      auto transfers = plan::Downloads::transfers_of(step.operation);
      if (!transfers.empty() && !TRY(is_there_since_before(step))) {
        wanted.insert(wanted.end(), transfers.begin(), transfers.end());
      }
    }
    downloads_.expect(std::move(wanted));
    return {};
  }

  Result<bool> is_there_since_before(const plan::Step& step) {
    const History history = journal_.history(plan_.stage, step.id);
    if (!history.may_have_begun) {
      return false;
    }
    const plan::Observation seen = TRY(plan::observe(host(), known(step)));
    return decide(step, seen, history) == Decision::skip;
  }

  // The step's operation, with what the journal knows of its result.
  plan::Operation known(const plan::Step& step) {
    const std::lock_guard lock(journal_mutex_);
    const Digest* const note = journal_.note(plan_.stage, step.id);
    return note == nullptr ? step.operation : plan::noted(step.operation, *note);
  }

  bool was_noted(const plan::Step& step) {
    const std::lock_guard lock(journal_mutex_);
    return journal_.note(plan_.stage, step.id) != nullptr;
  }

  // How many steps each one waits for, and which wait for it. One that the plan does not have is waited for in vain.
  void count_needs() {
    std::map<std::string_view, std::size_t> indices;
    for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
      indices.emplace(plan_.steps[i].id, i);
    }
    for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
      for (const auto& id : plan_.steps[i].after) {
        if (id == plan::after_all) {
          after_all_.push_back(i);
          continue;
        }
        ++waits_for_[i];
        if (const auto needed = indices.find(id); needed != indices.end()) {
          wanted_by_[needed->second].push_back(i);
        }
      }
    }
  }

  // Whether all steps before this one have ended.
  bool all_ended_before(std::size_t index) {
    while (first_open_ < plan_.steps.size() && ended_[first_open_]) {
      ++first_open_;
    }
    return first_open_ >= index;
  }

  [[nodiscard]] bool comes_after_all(std::size_t index) const {
    return std::binary_search(after_all_.begin(), after_all_.end(), index);
  }

  void begin_steps_without_needs() {
    for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
      if (waits_for_[i] == 0 && !comes_after_all(i)) {
        look_at(plan_.steps[i]);
      }
    }
    begin_last_steps();
  }

  // The steps that come after all others wait in their order.
  void begin_last_steps() {
    while (!after_all_.empty() && waits_for_[after_all_.front()] == 0 && all_ended_before(after_all_.front())) {
      const std::size_t index = after_all_.front();
      after_all_.pop_front();
      look_at(plan_.steps[index]);
    }
  }

  void begin_steps_after(std::size_t ended) {
    for (const std::size_t index : wanted_by_[ended]) {
      if (--waits_for_[index] == 0 && !comes_after_all(index)) {
        look_at(plan_.steps[index]);
      }
    }
    begin_last_steps();
  }

  void look_at(const plan::Step& step) {
    pool_.submit([this, &step] {
      auto seen = plan::observe(host(), known(step));
      return [this, &step, seen = std::move(seen)]() mutable { decide_on(step, std::move(seen)); };
    });
  }

  void decide_on(const plan::Step& step, Result<plan::Observation> seen) {
    if (failure_) {
      return;
    }
    if (!seen) {
      return fail(step, std::move(seen).error().while_("looking whether it is so already"));
    }
    switch (decide(step, *seen, history_of(step))) {
      case Decision::skip:
        return end(step, Outcome::already, std::chrono::microseconds(0));
      case Decision::conflict:
        return fail(step, Error(Code::conflict, "cannot " + plan::describe(step.operation) + ": " + seen->found +
                                                    ", which is not this config's work and may not be replaced"));
      case Decision::apply:
        return change(step);
    }
  }

  History history_of(const plan::Step& step) {
    const std::lock_guard lock(journal_mutex_);
    return journal_.history(plan_.stage, step.id);
  }

  template <class Record>
  Result<void> record(Record write) {
    const std::lock_guard lock(journal_mutex_);
    return write(journal_);
  }

  void change(const plan::Step& step) {
    const bool durably = plan::traits(step.operation).rests_on_record;
    auto recorded = record([&](Journal& journal) {
      return durably ? journal.started_durably(plan_.stage, step.id) : journal.started(plan_.stage, step.id);
    });
    if (!recorded) {
      return fail(step, std::move(recorded).error());
    }
    listener_.on({Event::Kind::step_started, step.id, plan::describe(step.operation), {}});
    const auto start = host().clock.monotonic();
    pool_.submit([this, &step, start] {
      auto made = make_so(step);
      return [this, &step, start, made = std::move(made)]() mutable {
        if (!made) {
          return fail(step, std::move(made).error());
        }
        end(step, Outcome::applied, host().clock.monotonic() - start);
      };
    });
  }

  Result<void> make_so(const plan::Step& step) {
    plan::Work work{
        host_,
        contents_,
        &downloads_,
        [&](const Digest& digest, bool durably) {
          return record([&](Journal& journal) { return journal.noted(plan_.stage, step.id, digest, durably); });
        },
        options_.journal_in_memory,
        was_noted(step)};
    TRY(plan::apply(work, step.operation));
    if (options_.check_after_apply) {
      TRY(check(step));
    }
    return settle(step);
  }

  Result<void> check(const plan::Step& step) {
    const plan::Observation seen = TRY_WHILE(plan::observe(host(), known(step)), "looking whether it worked");
    if (seen.state != plan::State::satisfied) {
      return Error(Code::not_satisfied, "nothing failed, yet the result is not there" +
                                            (seen.found.empty() ? std::string{} : ": " + seen.found));
    }
    return {};
  }

  // Where nothing but the record tells later that the work is whole, the work is durable before it. The journal lies on
  // another file system, so the record could outlive what it tells of. A step that comes after all others (labels)
  // works on what they made, wherever that is.
  Result<void> settle(const plan::Step& step) {
    if (plan::traits(step.operation).observation_proves) {
      return {};
    }
    const bool of_all = std::find(step.after.begin(), step.after.end(), plan::after_all) != step.after.end();
    return of_all ? sync_touched(plan_.steps) : sync_touched({&step, 1});
  }

  void end(const plan::Step& step, Outcome outcome, std::chrono::microseconds took) {
    if (outcome == Outcome::applied) {
      if (auto recorded = record([&](Journal& journal) { return journal.done(plan_.stage, step.id); }); !recorded) {
        return fail(step, std::move(recorded).error());
      }
    }
    const auto kind = outcome == Outcome::applied ? Event::Kind::step_done : Event::Kind::step_skipped;
    const std::string sentence = plan::describe(step.operation);
    listener_.on({kind, step.id, sentence, took});
    results_.push_back({step.id, sentence, outcome, took});
    const auto index = static_cast<std::size_t>(&step - plan_.steps.data());
    ended_[index] = true;
    ++ended_count_;
    begin_steps_after(index);
  }

  // The first failure counts.
  void fail(const plan::Step& step, Error error) {
    if (!failure_) {
      failed_step_ = step.id;
      failure_ = std::move(error).while_("trying to " + plan::describe(step.operation)).at(step.origin);
    }
  }

  Error record_failure() {
    if (const auto recorded = journal_.failed(plan_.stage, failed_step_, to_string(*failure_)); !recorded) {
      failure_->frames.push_back("(the failure could not be recorded: " + to_string(recorded.error()) + ")");
    }
    return *std::move(failure_);
  }

  // Syncs each file system that the steps touch, once. Where a path leads is asked when the work is done: links are
  // followed as the steps followed them.
  Result<void> sync_touched(std::span<const plan::Step> steps) {
    std::map<std::uint64_t, std::string> holders;
    for (const auto& step : steps) {
      if (const auto path = plan::traits(step.operation).sync_path; !path.empty()) {
        const std::uint64_t number = TRY_WHILE(host().target.file_system_of(path), "making the work durable");
        holders.emplace(number, path);
      }
    }
    for (const auto& [number, path] : holders) {
      TRY_WHILE(host().target.sync(path), "making the work durable");
    }
    return {};
  }

  const plan::Plan& plan_;
  host::Host& host_;
  const plan::ContentSource& contents_;
  // What is noted comes from the workers.
  std::mutex journal_mutex_;
  Journal& journal_;
  Listener& listener_;
  Options options_;
  std::vector<std::size_t> waits_for_;
  std::vector<std::vector<std::size_t>> wanted_by_;
  // Those that have not begun, in the plan's order.
  std::deque<std::size_t> after_all_;
  std::vector<bool> ended_;
  std::size_t ended_count_ = 0;
  std::size_t first_open_ = 0;
  std::vector<StepResult> results_;
  std::optional<Error> failure_;
  std::string failed_step_;
  plan::Downloads downloads_;
  // Last, so that its workers are gone before what they use.
  Pool pool_;
};

}  // namespace

Result<std::vector<StepResult>> execute(host::Host& host, const plan::Plan& plan, const plan::ContentSource& contents,
                                        Journal& journal, Listener& listener, const Options& options) {
  return Execution(host, plan, contents, journal, listener, options).run();
}

}  // namespace provision::run
