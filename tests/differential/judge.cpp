// SPDX-License-Identifier: Apache-2.0
// Our verdict on many configs: they come on stdin with a NUL between them; for each one line of JSON goes to stdout,
//     {"accepted": true, "notes": [["warning", "$.path", "text"], …]}
#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>

#include "fields/json.hpp"
#include "spec/parse.hpp"

namespace {

using provision::fields::Value;

Value verdict_on(std::string text) {
  const auto parsed = provision::spec::parse("config", std::move(text));
  Value notes = Value::array();
  for (const auto& note : parsed.notes.all) {
    Value row = Value::array();
    row.items = {Value::of(std::string(name_of(note.severity))), Value::of(note.origin.path), Value::of(note.text)};
    notes.items.push_back(std::move(row));
  }
  Value verdict = Value::object();
  verdict.add("accepted", Value::of(parsed.config.has_value()));
  verdict.add("notes", std::move(notes));
  return verdict;
}

}  // namespace

int main() {
  std::string config;
  while (std::getline(std::cin, config, '\0')) {
    std::puts(provision::fields::write_json(verdict_on(std::move(config))).c_str());
    config.clear();
  }
  return 0;
}
