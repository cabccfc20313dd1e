// SPDX-License-Identifier: Apache-2.0
#include "cli/complaint.hpp"

#include <algorithm>

#include "cli/console.hpp"
#include "cli/documents.hpp"
#include "cli/notes.hpp"
#include "cli/screen.hpp"
#include "host/linux/fetcher.hpp"

namespace provision::cli {
namespace {

constexpr std::size_t excerpt_width = 100;

// The rows' hints speak to somebody whose machine does not boot; those that hold anywhere.
bool has_hint_for_anywhere(Code code) {
  switch (code) {
    case Code::unsupported:
    case Code::conflict:
    case Code::program_failed:
    case Code::program_missing:
    case Code::network:
    case Code::bad_contents:
    case Code::internal:
      return true;
    case Code::usage:
    case Code::bad_config:
    case Code::no_platform:
    case Code::config_unavailable:
    case Code::device_missing:
    case Code::device_busy:
    case Code::io:
    case Code::not_satisfied:
    case Code::journal_other_config:
    case Code::journal_other_machine:
    case Code::journal_other_format:
    case Code::journal_damaged:
    case Code::stage_order:
    case Code::tpm_failed:
      return false;
  }
  return false;
}

}  // namespace

void print_notes(const spec::Parsed& parsed) {
  NotesText text(parsed.sources, false);
  for (const auto& note : parsed.notes.all) {
    print_error(text.of(note));
  }
}

std::optional<stages::Given> read_config(const std::string& name, const std::string& ca_file, int& status) {
  host::LinuxFetcher fetcher;
  return read_config(name, ca_file, status, fetcher);
}

std::optional<stages::Given> read_config(const std::string& name, const std::string& ca_file, int& status,
                                         host::Fetcher& fetcher) {
  auto text = read_document(name, ca_file);
  if (!text) {
    status = complain(text.error(), nullptr);
    return std::nullopt;
  }
  fields::Notes notes;
  stages::Documents brought;
  auto given = stages::fetch_given({shown_name(name), *text}, fetcher, notes, brought);
  if (given) {
    print_notes(given->config);
    return *std::move(given);
  }
  spec::Parsed parsed = spec::parse(shown_name(name), *std::move(text));
  if (!parsed.config) {
    print_notes(parsed);
    status = row(Code::bad_config).exit_status;
    return std::nullopt;
  }
  for (auto& document : brought) {
    if (document.kind == stages::KeptDocument::Kind::referred) {
      parsed.sources.documents.emplace_back(std::move(document.name), std::move(document.bytes));
    }
  }
  parsed.notes = notes;
  print_notes(parsed);
  status = complain(given.error(), document_of(parsed, given.error()));
  return std::nullopt;
}

const fields::Document* document_of(const spec::Parsed& parsed, const Error& error) {
  const auto& documents = parsed.sources.documents;
  const auto found = std::find_if(documents.begin(), documents.end(), [&](const fields::Document& document) {
    return error.origin && document.name() == error.origin->document;
  });
  return found == documents.end() ? nullptr : &*found;
}

int complain(const Error& error, const fields::Document* document) {
  std::string text = "provision: " + to_string(error) + "\n";
  if (error.origin && error.origin->line != 0) {
    text = to_string(*error.origin) + ": error: " + to_string(error) + "\n";
    text += document != nullptr ? excerpt(*document, *error.origin, excerpt_width) : "";
  }
  if (has_hint_for_anywhere(error.code)) {
    text += "  hint: " + std::string(row(error.code).hint) + "\n";
  }
  print_error(text);
  return row(error.code).exit_status;
}

}  // namespace provision::cli
