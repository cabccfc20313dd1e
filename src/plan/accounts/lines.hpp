// SPDX-License-Identifier: Apache-2.0
// The lines of an account database (passwd, shadow, group, gshadow, subuid, subgid). A line that is not changed stays
// as it is, byte for byte: comments, lines that cannot be read, and those for NIS ("+", "-") too.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace provision::plan {

using Fields = std::vector<std::string>;

class Lines {
 public:
  explicit Lines(std::string_view text);

  // The fields of the first line of that name; empty if there is none.
  [[nodiscard]] Fields find(const std::string& name) const;
  // Changes the first line of that name, or adds one: before the first line for NIS, since nothing is looked up behind
  // that, else at the end.
  void put(const Fields& fields);
  // All lines of that name.
  void remove(const std::string& name);
  // Takes `name` out of the comma-separated field number `index` of every line.
  void remove_from_lists(const std::string& name, std::size_t index);
  // Each line ends with a line break then, the last one too.
  [[nodiscard]] std::string text() const;

 private:
  struct Line {
    std::string text;
    bool removed = false;
  };

  std::vector<Line> lines_;
  std::vector<Line> added_;
  // By name: the position in lines_, or behind them in added_.
  std::unordered_map<std::string, std::size_t> places_;

  [[nodiscard]] const Line& line(std::size_t place) const;
  Line& line(std::size_t place);
};

Fields fields_of(std::string_view line);
std::string line_of(const Fields& fields);
// A comma-separated list, without empty names.
std::vector<std::string> list_of(std::string_view text);

}  // namespace provision::plan
