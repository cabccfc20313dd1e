// SPDX-License-Identifier: Apache-2.0
#include "base/tar.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/text.hpp"

namespace provision {
namespace {

constexpr std::uint64_t block_size = 512;
// No name is longer (PATH_MAX is 4096); a pax header holds other things too.
constexpr std::uint64_t max_about = 1U << 20U;

// Where the fields of a header are, and how long (POSIX.1-2017, pax, "ustar Interchange Format").
struct Field {
  std::size_t at;
  std::size_t size;
};
constexpr Field name_field{0, 100};
constexpr Field mode_field{100, 8};
constexpr Field size_field{124, 12};
constexpr Field checksum_field{148, 8};
constexpr std::size_t type_at = 156;
constexpr Field link_field{157, 100};
constexpr Field magic_field{257, 6};
constexpr Field prefix_field{345, 155};

Error bad(const std::string& what) { return {Code::bad_contents, what}; }

// Octal digits, with spaces around them and zeros behind.
std::optional<std::uint64_t> octal(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(' ');
  text.remove_prefix(std::min(begin, text.size()));
  text = text.substr(0, std::min(text.find_first_of(std::string_view("\0 ", 2)), text.size()));
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number, 8);
  return parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

// Or, with the first bit set, a number to the base 256, as GNU tar writes large ones.
std::optional<std::uint64_t> number_in(std::string_view text) {
  if ((static_cast<unsigned char>(text.front()) & 0x80U) == 0) {
    return octal(text);
  }
  std::uint64_t number = static_cast<unsigned char>(text.front()) & 0x7fU;
  for (const char byte : text.substr(1)) {
    if (number >> 55U != 0) {
      return std::nullopt;
    }
    number = number << 8U | static_cast<unsigned char>(byte);
  }
  return number;
}

std::uint64_t checksum(std::string_view block) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const bool is_sum = i >= checksum_field.at && i < checksum_field.at + checksum_field.size;
    sum += static_cast<unsigned char>(is_sum ? ' ' : block[i]);
  }
  return sum;
}

std::optional<std::uint64_t> decimal(std::string_view text) {
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  return !text.empty() && parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size() ? std::optional(number)
                                                                                              : std::nullopt;
}

std::string_view kind_words(char type) {
  switch (type) {
    case '3':
      return "a character device";
    case '4':
      return "a block device";
    case '6':
      return "a named pipe";
    case 'S':
      return "a sparse file of GNU tar";
    case 'M':
      return "the rest of a file of another archive";
    default:
      return "of an unknown kind";
  }
}

}  // namespace

std::string_view TarReader::text(std::size_t at, std::size_t size) const {
  const std::string_view field(block_.data() + at, size);
  return field.substr(0, std::min(field.find('\0'), field.size()));
}

// The name may go on from the prefix; what GNU tar has in that place is something else.
std::string TarReader::header_name() const {
  const std::string name(text(name_field.at, name_field.size));
  const bool posix =
      std::string_view(block_.data() + magic_field.at, magic_field.size) == std::string_view("ustar\0", 6);
  const std::string_view prefix = posix ? text(prefix_field.at, prefix_field.size) : std::string_view{};
  return prefix.empty() ? name : std::string(prefix) + "/" + name;
}

Result<void> TarReader::add(std::string_view bytes) {
  while (!bytes.empty()) {
    TRY(step(bytes));
  }
  return {};
}

Result<void> TarReader::finish() {
  if (part_ != Part::end) {
    return bad(any_ ? "the tar archive ends too early" : "the bytes are no tar archive");
  }
  return {};
}

Result<void> TarReader::step(std::string_view& bytes) {
  switch (part_) {
    case Part::header:
      return take_header(bytes);
    case Part::content:
      return take_content(bytes);
    case Part::about:
      return take_about(bytes);
    case Part::padding: {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(padding_, bytes.size()));
      bytes.remove_prefix(size);
      padding_ -= size;
      part_ = padding_ == 0 ? Part::header : Part::padding;
      return {};
    }
    case Part::end:
      if (bytes.find_first_not_of('\0') != std::string_view::npos) {
        return bad("behind the end of the tar archive stands something else");
      }
      bytes = {};
      return {};
  }
  return {};
}

Result<void> TarReader::take_header(std::string_view& bytes) {
  const std::size_t size = std::min(bytes.size(), block_.size() - filled_);
  std::copy_n(bytes.begin(), size, block_.begin() + static_cast<std::ptrdiff_t>(filled_));
  bytes.remove_prefix(size);
  filled_ += size;
  if (filled_ < block_.size()) {
    return {};
  }
  filled_ = 0;
  return read_header();
}

Result<void> TarReader::read_header() {
  const std::string_view block(block_.data(), block_.size());
  if (block.find_first_not_of('\0') == std::string_view::npos) {
    part_ = Part::end;
    return any_ ? Result<void>() : Result<void>(bad("the tar archive is empty"));
  }
  if (octal(block.substr(checksum_field.at, checksum_field.size)) != checksum(block)) {
    return bad(any_ ? "the tar archive is damaged" : "the bytes are no tar archive");
  }
  any_ = true;
  const char type = block[type_at];
  if (type != 'L' && type != 'K' && type != 'x' && type != 'g') {
    return begin_entry(type);
  }
  const auto length = number_in(block.substr(size_field.at, size_field.size));
  if (!length || *length > max_about) {
    return bad("the tar archive is damaged: what it says of its next entry is too long");
  }
  about_type_ = type;
  about_text_.clear();
  return begin_data(Part::about, *length);
}

Result<void> TarReader::begin_entry(char type) {
  const std::string_view block(block_.data(), block_.size());
  const About about = std::exchange(about_, {});
  TarEntry entry;
  entry.name = about.name.empty() ? header_name() : about.name;
  entry.link = about.link.empty() ? std::string(text(link_field.at, link_field.size)) : about.link;
  const auto mode = octal(block.substr(mode_field.at, mode_field.size));
  const auto length = number_in(block.substr(size_field.at, size_field.size));
  if (!mode || !length) {
    return bad("the tar archive is damaged: the mode or size of " + printable(entry.name) + " is no number");
  }
  entry.mode = static_cast<std::uint32_t>(*mode & 07777U);
  std::uint64_t size = about.has_size ? about.size : *length;
  // Before POSIX a directory was told by the end of its name.
  const bool plain = type == '0' || type == '\0' || type == '7';
  if (type == '5' || (plain && entry.name.ends_with('/'))) {
    entry.kind = TarEntry::Kind::directory;
  } else if (type == '1' || type == '2') {
    entry.kind = type == '1' ? TarEntry::Kind::hard_link : TarEntry::Kind::symlink;
  } else if (!plain) {
    return bad(printable(entry.name) + " in the archive is " + std::string(kind_words(type)));
  }
  // Some writers give a link or a directory the size of what it is of; nothing follows it.
  size = entry.kind == TarEntry::Kind::file ? size : 0;
  entry.size = size;
  TRY(visitor_.begin(entry));
  return begin_data(Part::content, size);
}

Result<void> TarReader::begin_data(Part part, std::uint64_t size) {
  part_ = part;
  left_ = size;
  padding_ = (block_size - size % block_size) % block_size;
  return left_ == 0 ? end_data() : Result<void>();
}

Result<void> TarReader::end_data() {
  if (part_ == Part::content) {
    TRY(visitor_.end());
  } else {
    TRY(end_about());
  }
  part_ = padding_ == 0 ? Part::header : Part::padding;
  return {};
}

Result<void> TarReader::take_content(std::string_view& bytes) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  TRY(visitor_.content(bytes.substr(0, size)));
  bytes.remove_prefix(size);
  left_ -= size;
  return left_ == 0 ? end_data() : Result<void>();
}

Result<void> TarReader::take_about(std::string_view& bytes) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
  about_text_ += bytes.substr(0, size);
  bytes.remove_prefix(size);
  left_ -= size;
  return left_ == 0 ? end_data() : Result<void>();
}

Result<void> TarReader::end_about() {
  if (about_type_ == 'x' || about_type_ == 'g') {
    return read_pax();
  }
  const std::string name = about_text_.substr(0, std::min(about_text_.find('\0'), about_text_.size()));
  (about_type_ == 'L' ? about_.name : about_.link) = name;
  return {};
}

// Records "<length> <key>=<value>\n"; the length is of the whole record.
Result<void> TarReader::read_pax() {
  std::string_view rest = about_text_;
  while (!rest.empty()) {
    const std::size_t space = rest.find(' ');
    const auto length = decimal(rest.substr(0, std::min(space, rest.size())));
    if (!length || *length > rest.size() || *length < space + 2 || rest[*length - 1] != '\n') {
      return bad("the tar archive is damaged: a pax header in it cannot be read");
    }
    const std::string_view record = rest.substr(space + 1, *length - space - 2);
    rest.remove_prefix(*length);
    const std::size_t equals = record.find('=');
    if (equals == std::string_view::npos) {
      return bad("the tar archive is damaged: a pax header in it cannot be read");
    }
    TRY(take_pax(record.substr(0, equals), record.substr(equals + 1)));
  }
  return {};
}

Result<void> TarReader::take_pax(std::string_view key, std::string_view value) {
  const bool matters = key == "path" || key == "linkpath" || key == "size";
  if (key.starts_with("GNU.sparse.")) {
    return bad("a file in the archive is sparse: write the archive without --sparse");
  }
  if (matters && about_type_ == 'g') {
    return bad("the archive has a global pax header with \"" + std::string(key) + "\", which no single entry can have");
  }
  if (key == "path") {
    about_.name = value;
  } else if (key == "linkpath") {
    about_.link = value;
  } else if (key == "size") {
    const auto size = decimal(value);
    if (!size) {
      return bad("the tar archive is damaged: a size in it is no number");
    }
    about_.has_size = true;
    about_.size = *size;
  }
  return {};
}

}  // namespace provision
