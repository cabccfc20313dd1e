// SPDX-License-Identifier: Apache-2.0
// Reading tar archives as the bytes pass: POSIX.1-2017 pax and ustar, and what GNU tar writes for long names. A library
// for this would be larger than all that the static binary may still grow by.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace provision {

struct TarEntry {
  enum class Kind : std::uint8_t { file, directory, symlink, hard_link };

  Kind kind = Kind::file;
  // As it is written in the archive.
  std::string name;
  // Where a symbolic link leads, or the name of the entry that a hard link is one with.
  std::string link;
  // Permission bits with set-id and sticky bits.
  std::uint32_t mode = 0;
  // Of a file, in bytes.
  std::uint64_t size = 0;
};

// What gets the entries, in their order. An error ends the reading.
class TarVisitor {
 public:
  TarVisitor() = default;
  TarVisitor(const TarVisitor&) = delete;
  TarVisitor& operator=(const TarVisitor&) = delete;
  TarVisitor(TarVisitor&&) = delete;
  TarVisitor& operator=(TarVisitor&&) = delete;
  virtual ~TarVisitor() = default;

  virtual Result<void> begin(const TarEntry& entry) = 0;
  // Of the file that began last.
  virtual Result<void> content(std::string_view bytes) = 0;
  // All of the entry has come.
  virtual Result<void> end() = 0;
};

// Code::bad_contents, with the name of the entry, where the bytes are no tar archive, are damaged or end too early,
// where something stands behind the end, and for what nobody would expect in a download: devices, pipes, sparse files,
// parts of a file. Owners, times and extended attributes are left out. Memory is bounded, whatever the bytes are.
class TarReader {
 public:
  explicit TarReader(TarVisitor& visitor) : visitor_(visitor) {}

  Result<void> add(std::string_view bytes);
  // At the end of the bytes.
  Result<void> finish();

 private:
  enum class Part : std::uint8_t {
    header,
    // Of a file, and the zeros up to the next block.
    content,
    // What is said of the next entry, and the zeros.
    about,
    padding,
    // Behind the first block of zeros.
    end,
  };
  // What the entries before say of the next one.
  struct About {
    std::string name;
    std::string link;
    bool has_size = false;
    std::uint64_t size = 0;
  };

  Result<void> step(std::string_view& bytes);
  Result<void> take_header(std::string_view& bytes);
  Result<void> read_header();
  Result<void> begin_entry(char type);
  Result<void> take_content(std::string_view& bytes);
  Result<void> take_about(std::string_view& bytes);
  Result<void> end_about();
  Result<void> read_pax();
  Result<void> take_pax(std::string_view key, std::string_view value);
  Result<void> begin_data(Part part, std::uint64_t size);
  Result<void> end_data();
  [[nodiscard]] std::string_view text(std::size_t at, std::size_t size) const;
  [[nodiscard]] std::string header_name() const;

  TarVisitor& visitor_;
  Part part_ = Part::header;
  std::array<char, 512> block_{};
  std::size_t filled_ = 0;
  // Of the content, or of what is said of the next entry.
  std::uint64_t left_ = 0;
  std::uint64_t padding_ = 0;
  char about_type_ = 0;
  std::string about_text_;
  About about_;
  bool any_ = false;
};

}  // namespace provision
