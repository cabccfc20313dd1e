// SPDX-License-Identifier: Apache-2.0
// What the command line may say, and reading it: a thin front to CLI11, which only arguments.cpp includes because it is
// slow to compile.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace provision::cli {

// An option of a parser, to say more about it: add_option(…).required().one_of({…}). It lives as long as its parser.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(&option) {}

  Option& required();
  // Help shows the value that the variable has now.
  Option& show_default();
  Option& one_of(std::initializer_list<std::string_view> choices);
  Option& one_of(std::initializer_list<int> choices);
  // Both ends belong to it.
  Option& range(int first, int last);
  Option& existing_directory();
  // Not together with that other option, which must have been added.
  Option& excludes(const std::string& other);
  // How help names the value.
  Option& type_name(const std::string& name);
  // Of a list: one value each time the option is given, so that the next word is not another.
  Option& one_value_at_a_time();

 private:
  CLI::Option* option_;
};

enum class ParseOutcome : std::uint8_t {
  parsed,
  // Help or the version was asked for, and has been printed.
  answered,
  // What is wrong has been said.
  wrong_usage
};

// A program or a subcommand. A copy is the same parser.
class ArgumentParser {
 public:
  ArgumentParser(const std::string& description, const std::string& name);

  ArgumentParser add_subcommand(const std::string& name, const std::string& description);
  // Without dashes the name is that of a positional. The variable must live until all is parsed.
  Option add_option(const std::string& name, std::string& value, const std::string& description);
  Option add_option(const std::string& name, std::vector<std::string>& values, const std::string& description);
  Option add_option(const std::string& name, std::uint32_t& value, const std::string& description);
  Option add_option(const std::string& name, std::int64_t& value, const std::string& description);
  Option add_option(const std::string& name, double& value, const std::string& description);
  Option add_flag(const std::string& name, bool& given, const std::string& description);
  // --version, which prints the program's.
  void add_version_flag();
  // One that has been added.
  Option get_option(const std::string& name);
  // What help says below the options.
  void footer(const std::string& text);
  void require_one_subcommand();

  // `words`: what follows the program's name.
  ParseOutcome parse(std::span<const std::string_view> words);
  // Of a subcommand: it was asked for, even where the rest of the words was wrong.
  [[nodiscard]] bool parsed() const;

 private:
  explicit ArgumentParser(std::shared_ptr<CLI::App> app) : app_(std::move(app)) {}

  std::shared_ptr<CLI::App> app_;
};

}  // namespace provision::cli
