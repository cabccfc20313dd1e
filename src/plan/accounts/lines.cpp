// SPDX-License-Identifier: Apache-2.0
#include "plan/accounts/lines.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace provision::plan {
namespace {

bool is_for_nis(const std::string& line) { return line.starts_with('+') || line.starts_with('-'); }

bool is_entry(std::string_view line) {
  return !line.empty() && line.front() != '#' && line.find(':') != std::string_view::npos;
}

}  // namespace

Fields fields_of(std::string_view line) {
  Fields fields;
  for (const auto field : split(line, ':')) {
    fields.emplace_back(field);
  }
  return fields;
}

std::string line_of(const Fields& fields) { return join(fields, ":"); }

std::vector<std::string> list_of(std::string_view text) {
  std::vector<std::string> names;
  for (const auto name : split(text, ',')) {
    if (!trim(name).empty()) {
      names.emplace_back(trim(name));
    }
  }
  return names;
}

Lines::Lines(std::string_view text) {
  if (text.ends_with('\n')) {
    text.remove_suffix(1);
  } else if (text.empty()) {
    return;
  }
  for (const auto line : split(text, '\n')) {
    if (is_entry(line)) {
      places_.try_emplace(std::string(line.substr(0, line.find(':'))), lines_.size());
    }
    lines_.push_back({std::string(line), false});
  }
}

const Lines::Line& Lines::line(std::size_t place) const {
  return place < lines_.size() ? lines_[place] : added_[place - lines_.size()];
}

Lines::Line& Lines::line(std::size_t place) {
  return place < lines_.size() ? lines_[place] : added_[place - lines_.size()];
}

Fields Lines::find(const std::string& name) const {
  const auto found = places_.find(name);
  return found == places_.end() ? Fields{} : fields_of(line(found->second).text);
}

void Lines::put(const Fields& fields) {
  const auto [found, fresh] = places_.try_emplace(fields.front(), lines_.size() + added_.size());
  if (fresh) {
    added_.push_back({});
  }
  line(found->second).text = line_of(fields);
}

void Lines::remove(const std::string& name) {
  if (places_.erase(name) == 0) {
    return;
  }
  for (auto* lines : {&lines_, &added_}) {
    for (auto& line : *lines) {
      line.removed = line.removed || (is_entry(line.text) && line.text.substr(0, line.text.find(':')) == name);
    }
  }
}

void Lines::remove_from_lists(const std::string& name, std::size_t index) {
  for (auto* lines : {&lines_, &added_}) {
    for (auto& line : *lines) {
      if (line.removed || !is_entry(line.text) || line.text.find(name) == std::string::npos) {
        continue;
      }
      Fields fields = fields_of(line.text);
      std::vector<std::string> names = index < fields.size() ? list_of(fields[index]) : std::vector<std::string>{};
      if (std::erase(names, name) > 0) {
        fields[index] = join(names, ",");
        line.text = line_of(fields);
      }
    }
  }
}

std::string Lines::text() const {
  std::string made;
  const auto write = [&made](const Line& line) {
    if (!line.removed) {
      made += line.text;
      made += '\n';
    }
  };
  const auto nis = std::find_if(lines_.begin(), lines_.end(), [](const Line& line) { return is_for_nis(line.text); });
  std::for_each(lines_.begin(), nis, write);
  std::for_each(added_.begin(), added_.end(), write);
  std::for_each(nis, lines_.end(), write);
  return made;
}

}  // namespace provision::plan
