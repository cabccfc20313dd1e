// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.hpp"

#include <CLI/CLI.hpp>

namespace provision::cli {

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::show_default() {
  option_->capture_default_str();
  return *this;
}

Option& Option::one_of(std::initializer_list<std::string_view> choices) {
  option_->check(CLI::IsMember(std::vector<std::string>(choices.begin(), choices.end())));
  return *this;
}

Option& Option::one_of(std::initializer_list<int> choices) {
  option_->check(CLI::IsMember(choices));
  return *this;
}

Option& Option::range(int first, int last) {
  option_->check(CLI::Range(first, last));
  return *this;
}

Option& Option::existing_directory() {
  option_->check(CLI::ExistingDirectory);
  return *this;
}

Option& Option::excludes(const std::string& other) {
  option_->excludes(other);
  return *this;
}

Option& Option::type_name(const std::string& name) {
  option_->type_name(name);
  return *this;
}

Option& Option::one_value_at_a_time() {
  option_->allow_extra_args(false);
  return *this;
}

ArgumentParser::ArgumentParser(const std::string& description, const std::string& name)
    : app_(std::make_shared<CLI::App>(description, name)) {}

ArgumentParser ArgumentParser::add_subcommand(const std::string& name, const std::string& description) {
  return ArgumentParser(app_->get_subcommand_ptr(app_->add_subcommand(name, description)));
}

Option ArgumentParser::add_option(const std::string& name, std::string& value, const std::string& description) {
  return Option(*app_->add_option(name, value, description));
}

Option ArgumentParser::add_option(const std::string& name, std::vector<std::string>& values,
                                  const std::string& description) {
  return Option(*app_->add_option(name, values, description));
}

Option ArgumentParser::add_option(const std::string& name, std::uint32_t& value, const std::string& description) {
  return Option(*app_->add_option(name, value, description));
}

Option ArgumentParser::add_option(const std::string& name, std::int64_t& value, const std::string& description) {
  return Option(*app_->add_option(name, value, description));
}

Option ArgumentParser::add_option(const std::string& name, double& value, const std::string& description) {
  return Option(*app_->add_option(name, value, description));
}

Option ArgumentParser::add_flag(const std::string& name, bool& given, const std::string& description) {
  return Option(*app_->add_flag(name, given, description));
}

void ArgumentParser::add_version_flag() {
  app_->set_version_flag("--version", std::string("provision ") + PROVISION_VERSION);
}

Option ArgumentParser::get_option(const std::string& name) { return Option(*app_->get_option(name)); }

void ArgumentParser::footer(const std::string& text) { app_->footer(text); }

void ArgumentParser::require_one_subcommand() { app_->require_subcommand(1); }

ParseOutcome ArgumentParser::parse(std::span<const std::string_view> words) {
  // The order that CLI11 wants them in.
  std::vector<std::string> backwards(words.rbegin(), words.rend());
  try {
    app_->parse(std::move(backwards));
  } catch (const CLI::ParseError& error) {
    // Help and version are "errors" of status 0 here.
    return app_->exit(error) == 0 ? ParseOutcome::answered : ParseOutcome::wrong_usage;
  }
  return ParseOutcome::parsed;
}

bool ArgumentParser::parsed() const { return app_->parsed(); }

}  // namespace provision::cli
