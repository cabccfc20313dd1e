// SPDX-License-Identifier: Apache-2.0
#include "cli/screen.hpp"

#include <algorithm>
#include <vector>

#include "base/text.hpp"
#include "spec/parse.hpp"

namespace provision::cli {
namespace {

constexpr std::size_t inner_width = 75;

// The end of the JSON string that starts at `start` (its opening quote): one past the closing quote, or the text's end.
std::size_t string_end(std::string_view line, std::size_t start) {
  for (std::size_t i = start + 1; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      return i + 1;
    }
  }
  return line.size();
}

// Whether the string that ended before `after` was a key: the next character that is no space is a colon.
bool is_key(std::string_view line, std::size_t after) {
  const std::size_t next = line.find_first_not_of(" \t", after);
  return next != std::string_view::npos && line[next] == ':';
}

// `quoted` is a key as it is written. One with an escape, or that no table knows, may be a secret's: written in another
// way, or misspelled.
bool names_secret(std::string_view quoted) {
  const auto& keys = spec::public_keys();
  return std::none_of(keys.begin(), keys.end(), [&](const auto& key) { return fields::equal_folded(quoted, key); });
}

// The part of what is shown around the caret that fits.
MaskedLine::Shown window(const MaskedLine::Shown& line, std::size_t width) {
  if (line.text.size() <= width && line.from_start && line.to_end) {
    return line;
  }
  std::size_t start = line.caret - std::min(line.caret, width / 2);
  while (start > 0 && start < line.text.size() && (static_cast<unsigned char>(line.text[start]) & 0xC0U) == 0x80U) {
    --start;
  }
  std::string text = line.text.substr(start, width - 6);
  const bool whole = start + text.size() == line.text.size();
  while (!whole && !text.empty() && (static_cast<unsigned char>(line.text[start + text.size()]) & 0xC0U) == 0x80U) {
    text.pop_back();
  }
  const std::string lead = start > 0 || !line.from_start ? "..." : "";
  return {lead + text + (whole && line.to_end ? "" : "..."), line.caret - start + lead.size(), true, true};
}

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

// Words of at most `width` columns a line; a word longer than that is cut.
std::vector<std::string> wrapped(const std::string& text, std::size_t width) {
  std::vector<std::string> lines(1);
  for (const auto word : split(text, ' ')) {
    std::string rest(word);
    while (columns(rest) > width) {
      lines.push_back(rest.substr(0, width));
      rest.erase(0, width);
    }
    const bool fits = columns(lines.back()) + 1 + columns(rest) <= width;
    if (lines.back().empty()) {
      lines.back() = rest;
    } else if (fits) {
      lines.back() += " " + rest;
    } else {
      lines.push_back(rest);
    }
  }
  std::erase_if(lines, [](const std::string& line) { return line.empty(); });
  return lines;
}

class Frame {
 public:
  void rule() { text_ += "+" + std::string(inner_width + 2, '-') + "+\n"; }
  void line(const std::string& content = {}) {
    const std::size_t width = columns(content);
    text_ += "| " + content + std::string(inner_width - std::min(width, inner_width), ' ') + " |\n";
  }
  // "Label   text", wrapped under itself.
  void entry(const std::string& label, const std::string& text) {
    constexpr std::size_t indent = 9;
    std::string lead = label + std::string(indent - label.size(), ' ');
    for (const auto& part : wrapped(printable(text), inner_width - indent)) {
      line(lead + part);
      lead = std::string(indent, ' ');
    }
  }
  [[nodiscard]] std::string text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

// Every string value is hidden, but those of keys that have no secrets. A value in a line that has no key before it may
// be the rest of a secret list: it is hidden too.
MaskedLine::MaskedLine(std::string_view line) : line_(line) {
  bool secret = true;
  for (std::size_t at = line.find('"'); at != std::string_view::npos;) {
    const std::size_t end = string_end(line, at);
    if (is_key(line, end)) {
      secret = names_secret(line.substr(at + 1, end - at - 2));
    } else if (secret) {
      hidden_.push_back({at, end});
    }
    at = line.find('"', end);
  }
}

MaskedLine::Shown MaskedLine::around(std::size_t caret_byte, std::size_t reach) const {
  const std::size_t caret = std::min(caret_byte, line_.size());
  std::size_t at = caret - std::min(caret, reach);
  const std::size_t stop = std::min(line_.size(), caret + reach);
  auto hidden = std::upper_bound(hidden_.begin(), hidden_.end(), at,
                                 [](std::size_t byte, const Span& span) { return byte < span.end; });
  if (hidden != hidden_.end()) {
    at = std::min(at, hidden->begin);
  }
  while (at > 0 && at < line_.size() && (static_cast<unsigned char>(line_[at]) & 0xC0U) == 0x80U) {
    --at;
  }
  Shown shown{{}, 0, at == 0, true};
  while (at < stop) {
    const bool hides = hidden != hidden_.end() && hidden->begin == at;
    const std::size_t next =
        hides ? hidden->end : at + std::max<std::size_t>(utf8_sequence_length(line_.substr(at)), 1);
    shown.caret = at <= caret ? shown.text.size() : shown.caret;
    shown.text += hides ? "\"(" + std::to_string(next - at - 1) + " characters, not shown)\""
                        : printable(line_.substr(at, next - at));
    hidden += hides ? 1 : 0;
    at = next;
  }
  shown.caret = caret >= at ? shown.text.size() : shown.caret;
  shown.to_end = at >= line_.size();
  return shown;
}

std::string Excerpts::of(const Origin& origin, std::size_t width) {
  if (origin.line == 0 || origin.document != document_.name()) {
    return {};
  }
  if (!line_ || number_ != origin.line) {
    line_.emplace(document_.line(origin.line));
    number_ = origin.line;
  }
  const std::string number = std::to_string(origin.line);
  const std::string margin = number + " | ";
  const std::size_t caret_byte = document_.offset({origin.line, origin.column}) - document_.offset({origin.line, 1});
  // A character has at most four bytes.
  const auto shown = window(line_->around(caret_byte, 4 * width), width - margin.size());
  const std::size_t caret = columns(std::string_view(shown.text).substr(0, shown.caret));
  return margin + shown.text + "\n" + std::string(number.size(), ' ') + " | " + std::string(caret, ' ') + "^\n";
}

std::string excerpt(const fields::Document& document, const Origin& origin, std::size_t width) {
  return Excerpts(document).of(origin, width);
}

std::string failure_screen(const Error& error, const std::string& doing, const fields::Document* document,
                           const std::string& state, bool needs_memory) {
  Error bare = error;
  const std::vector<std::string> frames = std::move(bare.frames);
  bare.frames.clear();
  Frame frame;
  frame.rule();
  frame.line("FIRST BOOT STOPPED. This machine is not provisioned.");
  frame.line();
  frame.entry("What", to_string(bare));
  frame.entry("Doing", doing);
  for (const auto& step : frames) {
    frame.entry("", step);
  }
  if (error.origin && error.origin->line != 0) {
    frame.entry("Config", error.origin->document + ", line " + std::to_string(error.origin->line) + ", column " +
                              std::to_string(error.origin->column) +
                              (error.origin->path == "$" ? "" : ", " + error.origin->path));
    if (document != nullptr) {
      const std::string lines = excerpt(*document, *error.origin, inner_width - 4);
      for (const auto part : split(trim(lines), '\n')) {
        frame.line("    " + std::string(part));
      }
    }
  }
  frame.line();
  frame.entry("Do", needs_memory
                        ? "DO NOT REBOOT: files of this machine's disks are in memory alone, until the stage disks "
                          "has put them back. Correct the cause here, at the prompt, then: resume"
                        : std::string(row(error.code).hint));
  frame.entry("Prompt", "status, plan, logs: to look; resume: the cause is gone, go on without a reboot");
  frame.entry("Kept in", "/run/provision/failure.txt and the journal (journalctl -b -t provision)" +
                             (state.empty() ? "" : "; for the next boot in failure.txt of " + state));
  frame.rule();
  return frame.text();
}

}  // namespace provision::cli
