// SPDX-License-Identifier: Apache-2.0
#include "cli/screen.hpp"

#include <algorithm>
#include <vector>

#include "base/text.hpp"
#include "spec/parse.hpp"

namespace provision::cli {
namespace {

constexpr std::size_t inner_width = 75;

// A line of text that remembers, for the caret, where its original columns went.
struct Masked {
  std::string text;
  // The byte in `text` that stands for the caret's column.
  std::size_t caret = 0;
};

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

std::size_t byte_of_column(std::string_view line, std::size_t column) {
  std::size_t byte = 0;
  for (std::size_t at = 1; at < column && byte < line.size(); ++at) {
    byte += std::max<std::size_t>(utf8_sequence_length(line.substr(byte)), 1);
  }
  return byte;
}

// Whether the string that ended before `after` was a key: the next character that is no space is a colon.
bool is_key(std::string_view line, std::size_t after) {
  const std::size_t next = line.find_first_not_of(" \t", after);
  return next != std::string_view::npos && line[next] == ':';
}

// The line with every string value of a secret key replaced by its length. A value in a line that has no key before it
// may be the rest of a secret list: it is hidden too.
Masked mask_secrets(std::string_view line, std::size_t caret_byte) {
  Masked masked;
  std::string key;
  bool secret = true;
  for (std::size_t i = 0; i < line.size();) {
    const bool quoted = line[i] == '"';
    const std::size_t end = quoted ? string_end(line, i) : i + 1;
    std::string shown = printable(line.substr(i, end - i));
    if (quoted && is_key(line, end)) {
      key = line.substr(i + 1, end - i - 2);
      secret = spec::secret_keys().contains(key);
    } else if (quoted && secret) {
      shown = "\"(" + std::to_string(end - i - 1) + " characters, not shown)\"";
    }
    if (i <= caret_byte) {
      masked.caret = masked.text.size() + (quoted && end > caret_byte ? 0 : caret_byte - i);
    }
    masked.text += shown;
    i = end;
  }
  if (caret_byte >= line.size()) {
    masked.caret = masked.text.size();
  }
  return masked;
}

// The part of the line around the caret that fits.
Masked window(const Masked& line, std::size_t width) {
  if (line.text.size() <= width) {
    return line;
  }
  const std::size_t before = std::min(line.caret, width / 2);
  std::size_t start = line.caret - before;
  while (start > 0 && start < line.text.size() && (static_cast<unsigned char>(line.text[start]) & 0xC0U) == 0x80U) {
    --start;
  }
  std::string text = line.text.substr(start, width - 6);
  while (!text.empty() && utf8_sequence_length(text.substr(text.size() - 1)) == 0) {
    text.pop_back();
  }
  const std::string lead = start > 0 ? "..." : "";
  return {lead + text + (start + text.size() < line.text.size() ? "..." : ""), line.caret - start + lead.size()};
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

std::string excerpt(const fields::Document& document, const Origin& origin, std::size_t width) {
  if (origin.line == 0 || origin.document != document.name()) {
    return {};
  }
  const std::string number = std::to_string(origin.line);
  const std::string margin = number + " | ";
  const std::string_view line = document.line(origin.line);
  const Masked shown = window(mask_secrets(line, byte_of_column(line, origin.column)), width - margin.size());
  const std::size_t caret = columns(shown.text.substr(0, shown.caret));
  return margin + shown.text + "\n" + std::string(number.size(), ' ') + " | " + std::string(caret, ' ') + "^\n";
}

std::string failure_screen(const Error& error, const std::string& doing, const fields::Document* document) {
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
  frame.entry("Do", std::string(row(error.code).hint));
  frame.entry("Kept in", "/run/provision/failure.txt and the journal (journalctl -b -t provision)");
  frame.rule();
  return frame.text();
}

}  // namespace provision::cli
