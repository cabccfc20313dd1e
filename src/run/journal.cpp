// SPDX-License-Identifier: Apache-2.0
#include "run/journal.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "fields/json.hpp"

namespace provision::run {
namespace {

using fields::Value;

constexpr std::string_view journal_path = "/journal";
constexpr std::size_t max_journal_bytes = std::size_t{256} << 20U;
constexpr std::size_t mark_length = 16;

std::string mark_of(std::string_view json) { return Digest::sha256(json).hex().substr(0, mark_length); }

Value record(std::string_view kind) {
  Value made = Value::object();
  made.add("kind", Value::of(std::string(kind)));
  return made;
}

std::string text_at(const Value& value, std::string_view key) {
  const Value* found = value.find(key);
  return found != nullptr && found->kind == Value::Kind::string ? found->string.str() : std::string{};
}

std::set<std::string> texts_at(const Value& value, std::string_view key) {
  std::set<std::string> texts;
  const Value* const list = value.find(key);
  for (const auto& item : list != nullptr ? list->items : std::vector<Value>{}) {
    texts.insert(item.string.str());
  }
  return texts;
}

Value start_record(const std::string& stage_name, const std::string& step) {
  Value value = record("started");
  value.add("stage", Value::of(stage_name));
  value.add("step", Value::of(step));
  return value;
}

Value begin_record(const Begin& begin) {
  Value value = record("begin");
  value.add("format", Value::of(journal_format));
  value.add("engine", Value::of(begin.engine));
  value.add("config", Value::of(begin.config.text()));
  value.add("document", Value::of(begin.document));
  value.add("boot", Value::of(begin.boot));
  value.add("machine", Value::of(begin.machine.text()));
  value.add("seed", Value::of(begin.seed));
  return value;
}

Result<std::vector<model::SelectedDisk>> selected_at(const Value& value) {
  std::vector<model::SelectedDisk> selected;
  const Value* const list = value.find("selected");
  const fields::Document document("journal", "");
  fields::Notes notes;
  fields::Reader reader(document, 0, {fields::first_version, false}, notes);
  for (const auto& item : list != nullptr ? list->items : std::vector<Value>{}) {
    fields::Engine<model::SelectedDisk>::read(item, selected.emplace_back(), reader);
  }
  if (!notes.all.empty()) {
    return Error(Code::journal_damaged, "a stored disk of a selector cannot be read: " + notes.all.front().text);
  }
  return selected;
}

bool are_all_of(const std::vector<model::SelectedDisk>& then, const std::vector<model::SelectedDisk>& now) {
  return std::all_of(then.begin(), then.end(), [&](const model::SelectedDisk& one) {
    return std::any_of(now.begin(), now.end(), [&](const model::SelectedDisk& other) {
      return one.selector == other.selector && model::is_same_disk(one.disk, other.disk);
    });
  });
}

std::string line_of(const Value& value) {
  const std::string json = fields::write_json(value);
  return mark_of(json) + " " + json + "\n";
}

// The record of one line, or nothing if the line is not whole.
std::optional<Value> read_line(std::string_view line) {
  if (line.size() <= mark_length || line[mark_length] != ' ') {
    return std::nullopt;
  }
  const std::string_view json = line.substr(mark_length + 1);
  if (line.substr(0, mark_length) != mark_of(json)) {
    return std::nullopt;
  }
  fields::Document document("journal", std::string(json));
  if (!fields::parse_json(document)) {
    return std::nullopt;
  }
  return document.root();
}

}  // namespace

Digest fingerprint(const host::Machine& machine) {
  return machine.is_known() ? Digest::sha256(machine.uuid + "\n" + machine.serial) : Digest{};
}

Result<Journal> Journal::open(host::Files& state) {
  Journal journal(state);
  if (const auto node = TRY(state.look(journal_path)); node) {
    TRY(journal.load(TRY(state.read(journal_path, max_journal_bytes))));
  }
  return journal;
}

Result<void> Journal::load(const std::string& text) {
  for (const auto line : split(text, '\n')) {
    if (line.empty()) {
      continue;
    }
    const auto value = read_line(line);
    const bool seal = value && text_at(*value, "kind") == "seal";
    // The seal itself may be torn: then another line that cannot be read follows, and a seal after that one.
    if (torn_ && value && !seal) {
      return Error(Code::journal_damaged, "a record in the middle of the journal cannot be read");
    }
    torn_ = !value;
    if (value && !seal) {
      TRY(take(*value));
    }
  }
  // A whole record without its line end is whole: the next append must not run into it.
  torn_ = torn_ || (!text.empty() && !text.ends_with('\n'));
  return {};
}

Result<void> Journal::take_begin(const Value& value) {
  const Value* format = value.find("format");
  if (format == nullptr || format->integer != journal_format) {
    return Error(Code::journal_other_format,
                 "this first boot was begun by provision " + text_at(value, "engine") + " with journal format " +
                     std::to_string(format == nullptr ? 0 : format->integer) + "; this is provision " +
                     PROVISION_VERSION + ", which reads format " + std::to_string(journal_format));
  }
  if (begin_) {
    leave_behind(texts_at(value, "kept"));
  }
  begin_ = Begin{
      text_at(value, "engine"), Digest::parse(text_at(value, "config")).value_or(Digest{}),  text_at(value, "document"),
      text_at(value, "boot"),   Digest::parse(text_at(value, "machine")).value_or(Digest{}), text_at(value, "seed")};
  return {};
}

// Once it is known that nobody goes on with their plans, what they did or may have begun is all that is left of them.
void Journal::leave_behind(const std::set<std::string>& kept) {
  for (auto at = stages_.begin(); at != stages_.end();) {
    const StageHistory& stage = at->second;
    if (kept.contains(at->first)) {
      ++at;
      continue;
    }
    const bool any = stage.interrupted || !stage.stopped_in_order;
    for (const auto& step : stage.plan ? stage.plan->steps : std::vector<plan::Step>{}) {
      if (any || stage.started.contains(step.id) || stage.done.contains(step.id)) {
        left_behind_.push_back(step);
        left_on_.push_back(stage.selected);
      }
    }
    at = stages_.erase(at);
  }
}

Result<void> Journal::take(const Value& value) {
  const std::string kind = text_at(value, "kind");
  const std::string name = text_at(value, "stage");
  if (kind == "begin") {
    return take_begin(value);
  }
  if (kind == "plan") {
    const Value* stored = value.find("plan");
    if (stored == nullptr) {
      return Error(Code::journal_damaged, "a plan record has no plan");
    }
    stages_[name] = {};
    stages_[name].plan = TRY(plan::from_value(*stored));
    stages_[name].selected = TRY(selected_at(value));
  } else if (kind == "complete") {
    complete_ = true;
  } else {
    take_step(value, kind);
  }
  return {};
}

void Journal::take_step(const Value& value, const std::string& kind) {
  StageHistory& history = stages_[text_at(value, "stage")];
  const std::string step = text_at(value, "step");
  if (kind == "run") {
    history.interrupted = history.interrupted || !history.stopped_in_order;
    history.stopped_in_order = false;
  } else if (kind == "started") {
    history.started.insert(step);
  } else if (kind == "note") {
    history.notes[step] = Digest::parse(text_at(value, "digest")).value_or(Digest{});
  } else if (kind == "done") {
    history.done.insert(step);
  } else if (kind == "failed") {
    history.stopped_in_order = true;
  } else if (kind == "stage") {
    history.done_in = text_at(value, "boot");
  }
}

const StageHistory* Journal::stage(const std::string& name) const {
  const auto found = stages_.find(name);
  return found == stages_.end() ? nullptr : &found->second;
}

bool Journal::nothing_done() const {
  return std::all_of(stages_.begin(), stages_.end(), [](const auto& entry) {
    const StageHistory& stage = entry.second;
    const bool empty = stage.plan && stage.plan->steps.empty();
    return empty || (stage.started.empty() && stage.stopped_in_order && !stage.interrupted);
  });
}

History Journal::history(const std::string& stage_name, const std::string& step) const {
  const StageHistory* known = stage(stage_name);
  if (known == nullptr) {
    return {};
  }
  return {known->interrupted || known->started.contains(step), known->done.contains(step)};
}

std::vector<model::SelectedDisk> Journal::selected() const {
  std::vector<model::SelectedDisk> all;
  std::set<std::string> names;
  for (const auto& entry : stages_) {
    for (const auto& one : entry.second.selected) {
      if (names.insert(one.selector).second) {
        all.push_back(one);
      }
    }
  }
  return all;
}

void Journal::disown_other_disks(const std::vector<model::SelectedDisk>& now) {
  for (std::size_t i = left_behind_.size(); i-- > 0;) {
    if (!are_all_of(left_on_[i], now)) {
      left_behind_.erase(left_behind_.begin() + static_cast<std::ptrdiff_t>(i));
      left_on_.erase(left_on_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

const Digest* Journal::note(const std::string& stage_name, const std::string& step) const {
  const StageHistory* known = stage(stage_name);
  if (known == nullptr) {
    return nullptr;
  }
  const auto found = known->notes.find(step);
  return found == known->notes.end() ? nullptr : &found->second;
}

Result<void> Journal::append(const Value& value) {
  std::string text;
  if (torn_) {
    text = "\n" + line_of(record("seal"));
    torn_ = false;
  }
  text += line_of(value);
  TRY_WHILE(state_->append(journal_path, text), "writing the journal");
  return take(value);
}

Result<void> Journal::append_durably(const Value& value) {
  TRY(append(value));
  TRY_WHILE(state_->sync(journal_path), "making the journal durable");
  return {};
}

Result<void> Journal::begin(const Begin& begin) {
  begin_.reset();
  stages_.clear();
  left_behind_.clear();
  left_on_.clear();
  complete_ = false;
  torn_ = false;
  const Value value = begin_record(begin);
  // In one piece: a cut leaves the earlier journal, whose seed this one may have taken over, or this one.
  TRY_WHILE(state_->replace_safely(journal_path, line_of(value), 0600, {}), "starting the journal");
  TRY_WHILE(state_->sync(journal_path), "making the journal durable");
  return take(value);
}

Result<void> Journal::take_over(const Begin& begin, const std::vector<std::string>& kept) {
  Value names = Value::array();
  for (const auto& name : kept) {
    names.items.push_back(Value::of(name));
  }
  Value value = begin_record(begin);
  value.add("kept", std::move(names));
  return append_durably(value);
}

Result<void> Journal::planned(const plan::Plan& plan, const std::vector<model::SelectedDisk>& selected) {
  Value value = record("plan");
  value.add("stage", Value::of(plan.stage));
  value.add("plan", plan::to_value(plan));
  if (!selected.empty()) {
    Value list = Value::array();
    for (const auto& one : selected) {
      list.items.push_back(fields::Engine<model::SelectedDisk>::write(one));
    }
    value.add("selected", std::move(list));
  }
  return append_durably(value);
}

Result<void> Journal::resumed(const std::string& stage_name, const std::string& boot) {
  Value value = record("run");
  value.add("stage", Value::of(stage_name));
  value.add("boot", Value::of(boot));
  return append_durably(value);
}

Result<void> Journal::started(const std::string& stage_name, const std::string& step) {
  return append(start_record(stage_name, step));
}

Result<void> Journal::started_durably(const std::string& stage_name, const std::string& step) {
  return append_durably(start_record(stage_name, step));
}

Result<void> Journal::noted(const std::string& stage_name, const std::string& step, const Digest& digest,
                            bool durably) {
  Value value = record("note");
  value.add("stage", Value::of(stage_name));
  value.add("step", Value::of(step));
  value.add("digest", Value::of(digest.text()));
  return durably ? append_durably(value) : append(value);
}

Result<void> Journal::done(const std::string& stage_name, const std::string& step) {
  Value value = record("done");
  value.add("stage", Value::of(stage_name));
  value.add("step", Value::of(step));
  return append(value);
}

Result<void> Journal::failed(const std::string& stage_name, const std::string& step, const std::string& error) {
  Value value = record("failed");
  value.add("stage", Value::of(stage_name));
  value.add("step", Value::of(step));
  value.add("error", Value::of(error));
  return append_durably(value);
}

Result<void> Journal::stage_done(const std::string& stage_name, const std::string& boot) {
  Value value = record("stage");
  value.add("stage", Value::of(stage_name));
  value.add("boot", Value::of(boot));
  return append_durably(value);
}

Result<void> Journal::completed() { return append_durably(record("complete")); }

}  // namespace provision::run
