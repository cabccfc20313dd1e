// SPDX-License-Identifier: Apache-2.0
#include "plan/plan.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "fields/engine_impl.hpp"

namespace provision::fields {

using plan::Plan;
using plan::Step;

template <>
struct Codec<std::uint32_t> : ScalarCodec {
  static void read(const Value& value, std::uint32_t& into, Reader& reader) {
    std::int64_t number = 0;
    Codec<std::int64_t>::read(value, number, reader);
    into = static_cast<std::uint32_t>(number);
  }
  static Value write(std::uint32_t value) { return Value::of(static_cast<std::int64_t>(value)); }
  static bool absent(std::uint32_t /*value*/) { return false; }
  static Shape shape() { return {Shape::Kind::integer, {}, {}}; }
};

template <>
struct Table<Origin> {
  static constexpr auto rows = std::tuple{
      field("document", &Origin::document, "The document's name."),
      field("line", &Origin::line, "The line, from 1."),
      field("column", &Origin::column, "The column, from 1."),
      field("path", &Origin::path, "The config path."),
  };
};

template <>
struct Table<Step> {
  static constexpr auto rows = std::tuple{
      field("id", &Step::id, "The step's stable name.", {.required = true}),
      field("operation", &Step::operation, "What it does.", {.required = true}),
      field("why", &Step::why, "Why it is in the plan."),
      field("origin", &Step::origin, "Where the config asks for it."),
      field("after", &Step::after, "Steps that must have ended before."),
      field("assumes", &Step::assumes, "The fingerprint of what was there."),
      field("replaces", &Step::replaces, "The fingerprint of what may be destroyed."),
      field("afresh", &Step::afresh, "Whether an equal result of an earlier provisioning does not count."),
  };
};

template <>
struct Table<Plan> {
  static constexpr auto rows = std::tuple{
      field("format", &Plan::format, "The format's number.", {.required = true}),
      field("stage", &Plan::stage, "The stage.", {.required = true}),
      field("steps", &Plan::steps, "The steps."),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::Origin);
PROVISION_INSTANTIATE_RECORD(provision::plan::Step);
PROVISION_INSTANTIATE_RECORD(provision::plan::Plan);

namespace provision::plan {

fields::Value to_value(const Plan& plan) { return fields::Engine<Plan>::write(plan); }

Result<Plan> from_value(const fields::Value& value) {
  const fields::Value* format = value.find("format");
  if (format == nullptr || format->integer != Plan::current_format) {
    return Error(Code::journal_other_format,
                 "a stored plan has format " + std::to_string(format == nullptr ? 0 : format->integer) +
                     ", this version of provision reads format " + std::to_string(Plan::current_format));
  }
  const fields::Document document("stored plan", "");
  fields::Notes notes;
  fields::Reader reader(document, 0, {fields::first_version, false}, notes);
  Plan plan;
  fields::Engine<Plan>::read(value, plan, reader);
  // A key that this version does not know is as bad as a wrong one: a plan is never carried out in part.
  if (!notes.all.empty()) {
    return Error(Code::journal_damaged,
                 "a stored plan cannot be read: " + notes.all.front().text + " at " + notes.all.front().origin.path);
  }
  return plan;
}

bool changes_anything(const std::vector<Plan>& plans) {
  return std::any_of(plans.begin(), plans.end(), [](const Plan& plan) {
    return std::any_of(plan.steps.begin(), plan.steps.end(),
                       [](const Step& step) { return traits(step.operation).lasts; });
  });
}

model::Inventory predicted(model::Inventory inventory, const Plan& plan) {
  for (const auto& step : plan.steps) {
    predict(inventory, step.operation);
  }
  return inventory;
}

}  // namespace provision::plan
