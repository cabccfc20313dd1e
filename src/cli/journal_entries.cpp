// SPDX-License-Identifier: Apache-2.0
#include "cli/journal_entries.hpp"

#include "cli/console.hpp"
#include "plan/planners.hpp"
#include "run/journal.hpp"
#include "stages/hooks.hpp"

namespace provision::cli {
namespace {

using Kind = stages::KeptDocument::Kind;

constexpr const char* config_message_id = "57124006b5c94805b77ce473e92a8aeb";
constexpr const char* keys_message_id = "225067b87bbd4a0cb6ab151f82fa364b";
// How the id of the step begins that writes a user's keys.
constexpr std::string_view keys_step = "keys:";

void send(const std::vector<JournalEntry>& entries) {
  for (const auto& entry : entries) {
    static_cast<void>(write_to_journal(entry.message, entry.fields));
  }
}

}  // namespace

std::vector<JournalEntry> entries_of(const stages::Documents& documents) {
  std::vector<JournalEntry> entries;
  // What another one refers to comes after it.
  std::string type;
  for (const auto& document : documents) {
    type = document.kind == Kind::base ? "base" : document.kind == Kind::user ? "user" : type;
    const bool is_config = document.kind != Kind::authority && document.kind != Kind::end;
    if (is_config && !plan::is_no_config(document.name)) {
      const bool referred = document.kind == Kind::referred;
      entries.push_back(
          {"fetched " + std::string(referred ? "referenced " : "") + type + " config from " + document.name,
           {{"PRIORITY", "6"},
            {"MESSAGE_ID", config_message_id},
            {"IGNITION_CONFIG_TYPE", type},
            {"IGNITION_CONFIG_SRC", document.name},
            {"IGNITION_CONFIG_REFERENCED", referred ? "true" : "false"}}});
    }
  }
  return entries;
}

std::vector<JournalEntry> entries_of(const plan::Plan& files) {
  std::vector<JournalEntry> entries;
  for (const auto& step : files.steps) {
    const auto* const file = std::get_if<plan::PutFile>(&step.operation);
    if (file != nullptr && step.id.starts_with(keys_step)) {
      const std::string user = step.id.substr(keys_step.size());
      entries.push_back({"wrote ssh authorized keys file for user: " + user,
                         {{"PRIORITY", "6"},
                          {"MESSAGE_ID", keys_message_id},
                          {"IGNITION_USER_NAME", user},
                          {"IGNITION_PATH", file->path}}});
    }
  }
  return entries;
}

void tell_journal(host::Host& host, const stages::Stage& stage) {
  if (stage.hook == &stages::fetch_offline || stage.hook == &stages::fetch) {
    const auto documents = stages::kept_documents(host.own);
    // Otherwise they are told once the other stage has fetched the rest.
    if (documents && stages::are_whole(*documents)) {
      send(entries_of(*documents));
    }
  }
  if (stage.name == "files") {
    const auto journal = run::Journal::open(host.state);
    const auto* const history = journal ? journal->stage("files") : nullptr;
    if (history != nullptr && history->plan) {
      send(entries_of(*history->plan));
    }
  }
}

}  // namespace provision::cli
