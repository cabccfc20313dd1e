// SPDX-License-Identifier: Apache-2.0
// PutResult: /etc/.ignition-result.json, by which others tell later how a machine was provisioned. Its keys are those
// of Ignition's docs ("Operator notes", provisioningBootID and what follows).
#include "base/path.hpp"
#include "fields/json.hpp"
#include "model/observe.hpp"
#include "plan/operations/parents.hpp"
#include "plan/operations/predicted_files.hpp"
#include "plan/operations/put_file.hpp"

namespace provision::plan {
namespace {

using fields::Value;

constexpr std::size_t max_report_bytes = std::size_t{1} << 20U;
constexpr std::uint32_t report_mode = 0600;

// What was told before: the file that was there; or, if the one that is there is our own of an interrupted try, what
// that one tells of before.
std::optional<Value> previous_report(const PutResult& operation, const std::string& text) {
  fields::Document document("report", text);
  if (operation.before.empty() || !fields::parse_json(document) || document.root().kind != Value::Kind::object) {
    return std::nullopt;
  }
  if (Digest::sha256(text) == operation.before) {
    return document.root();
  }
  const Value* const before = document.root().find("previousReport");
  return before == nullptr ? std::nullopt : std::optional(*before);
}

Result<std::string> report_text(Work& work, const PutResult& operation) {
  std::string old;
  if (const auto node = TRY(work.host.target.look(model::result_path)); node && node->kind == host::NodeKind::regular) {
    old = TRY(work.host.target.read(model::result_path, max_report_bytes));
  }
  Value report = Value::object();
  report.add("provisioningBootID", Value::of(TRY(work.host.firmware.boot_id())));
  report.add("provisioningDate", Value::of(work.host.clock.wall()));
  report.add("userConfigProvided", Value::of(operation.config_provided));
  if (auto before = previous_report(operation, old)) {
    report.add("previousReport", *std::move(before));
  }
  return fields::write_json(report, fields::Layout::indented) + "\n";
}

}  // namespace

Result<Observation> observe(host::Host& host, const PutResult& operation) {
  const auto view = TRY(model::look_at(host.target, std::string(model::result_path)));
  const bool right = view && view->kind == host::NodeKind::regular && view->mode == report_mode &&
                     !operation.whole.empty() && view->digest == operation.whole;
  return observation_of(view ? &*view : nullptr, right);
}

Result<void> apply(Work& work, const PutResult& operation) {
  const std::string path(model::result_path);
  const std::string text = TRY(report_text(work, operation));
  TRY(make_parents(work.host.target, path));
  if (work.note) {
    TRY(work.note(Digest::sha256(text), true));
  }
  return work.host.target.replace_safely(path, text, report_mode, {});
}

void predict(model::Inventory& inventory, const PutResult& operation) {
  model::FileView made;
  made.path = model::result_path;
  made.mode = report_mode;
  made.digest = operation.whole;
  predict_file(inventory, std::move(made));
}

std::string describe(const PutResult& /*operation*/) { return "write " + std::string(model::result_path); }

Traits traits(const PutResult& /*operation*/) {
  Traits traits;
  traits.sync_path = path::parent(model::result_path);
  traits.keeps = true;
  traits.labels = {std::string(model::result_path)};
  return traits;
}

}  // namespace provision::plan
