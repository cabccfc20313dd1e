// SPDX-License-Identifier: Apache-2.0
// provision validate FILE…: whether configs are right, and everything that is not. Nothing but the files is read.
#include <fmt/format.h>

#include <array>
#include <memory>
#include <vector>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/documents.hpp"
#include "cli/go_flags.hpp"
#include "cli/notes.hpp"
#include "fields/json.hpp"
#include "spec/enrollments.hpp"
#include "spec/parse.hpp"
#include "spec/selectors.hpp"

namespace provision::cli {
namespace {

struct ValidateOptions {
  std::vector<std::string> files;
  std::string format = "text";
  bool strict = false;
  bool no_extensions = false;
  bool quiet = false;
};

std::string counted(std::size_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

// As a document that nothing is laid under or over.
spec::Parsed parse_alone(const std::string& name, std::string text) {
  spec::Parsed parsed = spec::parse(shown_name(name), std::move(text));
  if (parsed.config) {
    spec::add_selector_notes(parsed);
  }
  if (parsed.config) {
    spec::add_notes(parsed, spec::enrollment_notes(parsed));
  }
  return parsed;
}

// Goes through the files one by one, so that only one of them is held at a time.
class Validation {
 public:
  explicit Validation(const ValidateOptions& options)
      : options_(options), json_(options.format == "json"), colour_(output_shows_colour()) {}

  void file(const std::string& name) {
    auto text = read_document(name);
    if (!text) {
      unreadable_ = true;
      print_error("provision: " + to_string(text.error()) + "\n");
      return;
    }
    // The stages take it so too: no config.
    if (trim(*text).empty()) {
      say(shown_name(name) + ": empty: no config, nothing would be provisioned\n");
      return;
    }
    spec::Parsed parsed = parse_alone(name, *std::move(text));
    if (options_.no_extensions) {
      refuse_extensions(parsed);
    }
    judge(std::move(parsed));
  }

  // The exit status.
  int end() {
    if (json_) {
      print(fields::write_json(found_, fields::Layout::indented) + "\n");
    } else if (errors_ + warnings_ > 0) {
      const std::string errors = errors_ > 0 ? counted(errors_, "error") : "";
      const std::string warnings = warnings_ > 0 ? counted(warnings_, "warning") : "";
      print(fmt::format("{}{}{} in {}\n", errors, errors.empty() || warnings.empty() ? "" : ", ", warnings,
                        counted(files_with_notes_, "file")));
    }
    return unreadable_ ? row(Code::usage).exit_status : errors_ > 0 ? 1 : 0;
  }

 private:
  static void refuse_extensions(spec::Parsed& parsed) {
    if (auto refused = parsed.config ? spec::refused_extensions(parsed) : std::nullopt) {
      parsed.notes.add(*std::move(refused));
      spec::sort_notes(parsed.notes);
      parsed.config.reset();
    }
  }

  // A sentence about a file that is in order.
  void say(const std::string& text) const {
    if (!json_ && !options_.quiet) {
      print(text);
    }
  }

  void judge(spec::Parsed parsed) {
    const std::size_t errors_before = errors_;
    for (auto& note : parsed.notes.all) {
      if (options_.strict && note.strict) {
        note.severity = fields::Severity::error;
      }
      const bool is_error = note.severity == fields::Severity::error;
      const bool is_warning = note.severity == fields::Severity::warning;
      errors_ += is_error ? 1 : 0;
      warnings_ += is_warning ? 1 : 0;
    }
    files_with_notes_ += parsed.notes.all.empty() ? 0U : 1U;
    show(parsed);
    if (errors_ == errors_before && parsed.config) {
      say(fmt::format("{}: valid (spec {})\n", parsed.sources.documents.front().name(),
                      parsed.config->ignition.version));
    }
  }

  void show(const spec::Parsed& parsed) {
    NotesText text(parsed.sources, colour_);
    for (const auto& note : parsed.notes.all) {
      if (json_) {
        found_.items.push_back(to_value(note));
      } else {
        print(text.of(note));
      }
    }
  }

  const ValidateOptions& options_;
  bool json_;
  bool colour_;
  bool unreadable_ = false;
  std::size_t errors_ = 0;
  std::size_t warnings_ = 0;
  std::size_t files_with_notes_ = 0;
  fields::Value found_ = fields::Value::array();
};

// What nobody can tell: no file, or an empty one, which is no config.
int judge_as_ignition(const std::string& name) {
  const auto text = read_document(name);
  if (!text) {
    print_error("ignition-validate: " + to_string(text.error()) + "\n");
    return 1;
  }
  if (trim(*text).empty()) {
    print_error("ignition-validate: " + shown_name(name) + " is empty, which is no config\n");
    return 1;
  }
  const spec::Parsed parsed = parse_alone(name, *text);
  NotesText notes(parsed.sources, output_shows_colour());
  for (const auto& note : parsed.notes.all) {
    print(notes.of(note));
  }
  return parsed.config ? 0 : 1;
}

int run_validate_command(const ValidateOptions& options) {
  Validation validation(options);
  for (const auto& name : options.files) {
    validation.file(name);
  }
  return validation.end();
}

}  // namespace

int run_as_ignition_validate(std::span<const std::string_view> words) {
  bool version = false;
  const std::array flags{GoFlag{"version", "print the version and exit", &version}};
  const auto arguments = parse_go_flags(flags, words);
  const std::string usage =
      "Usage: ignition-validate [flags] FILE, or - for standard input\n" + describe_go_flags(flags);
  if (!arguments) {
    print_error("ignition-validate: " + arguments.error().what + "\n" + usage);
    return 2;
  }
  if (version || arguments->help) {
    print(version ? std::string("provision ") + PROVISION_VERSION + "\n" : usage);
    return 0;
  }
  if (arguments->rest.size() != 1) {
    print_error(usage);
    return 1;
  }
  return judge_as_ignition(arguments->rest.front());
}

Command add_validate(ArgumentParser& program) {
  ArgumentParser parser = program.add_subcommand("validate", "Check configs and say all that is wrong with them");
  auto options = std::make_shared<ValidateOptions>();
  parser.add_option("files", options->files, "The configs; - for standard input").required();
  parser.add_option("--format", options->format, "text or json").show_default().one_of({"text", "json"});
  parser.add_flag("--strict", options->strict, "What no machine can want is an error too, as unused keys");
  parser.add_flag("--no-extensions", options->no_extensions,
                  "What only provision has (\"+provision.1\") is an error, as on a machine that turns it off");
  parser.add_flag("--quiet", options->quiet, "Say nothing about files that are valid");
  parser.footer("Exit status: 0 all valid, 1 some are not, 2 a file cannot be read or the usage is wrong.");
  return {parser, [options] { return run_validate_command(*options); }};
}

}  // namespace provision::cli
