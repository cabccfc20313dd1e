// SPDX-License-Identifier: Apache-2.0
// What reading and checking share: the documents, the way down to the value at hand, and the notes that come out.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "fields/document.hpp"
#include "fields/notes.hpp"

namespace provision::fields {

// A spec version as the tables know it: which fields exist from and until when.
struct Version {
  std::uint8_t major = 0;
  std::uint8_t minor = 0;
  auto operator<=>(const Version&) const = default;
};
inline constexpr Version first_version{3, 0};
inline constexpr Version no_end{255, 255};

// Which fields a document may have: those of its spec version, and our own extensions only where the version says so.
struct Dialect {
  Version version;
  bool extensions = false;
};

// Where a value stood: the document's index in Sources and the byte offset of the record that holds it.
struct Site {
  static constexpr std::uint32_t nowhere = UINT32_MAX;
  std::uint32_t document = nowhere;
  std::uint32_t at = 0;
  bool operator==(const Site&) const = default;
};

// Where a record stood. A record that has a member `Located place` gets it filled by the reader; it never counts in a
// comparison. What a merge took from another record is remembered field by field, so that a merged record still knows
// the place of each of its values.
struct Located {
  // The field `key` (a row's name), or its elements from number `first` on, `count` of them, are from `site`, where
  // they are the elements from `there` on.
  struct Taken {
    std::string_view key;
    Site site;
    std::size_t first = 0;
    std::size_t count = 0;
    std::size_t there = 0;
  };

  Site site;
  std::vector<Taken> taken;

  // Nothing was read into the record.
  [[nodiscard]] bool nowhere() const { return site.document == Site::nowhere; }
  // Where the field, or its element, stood: the record, and the element's number there.
  [[nodiscard]] std::pair<Site, std::size_t> find(std::string_view key, std::size_t index) const;
  // The field `key` is now the one of `other`.
  void take(std::string_view key, const Located& other);
  // The element `index` of the list `key` is now the element `there` of `other`.
  void take_element(std::string_view key, std::size_t index, const Located& other, std::size_t there);
  // Of the list `key` only the elements `kept` are left, in that order.
  void keep_elements(std::string_view key, const std::vector<std::size_t>& kept);
  // Its documents now stand behind `count` others.
  void move_behind(std::uint32_t count);
  bool operator==(const Located& /*other*/) const { return true; }
};

// The documents a config was made from. The first is the user's own.
struct Sources {
  std::vector<Document> documents;

  // The place of `key` (and of its element `index`) of the record at `place`; of the record itself where the key is
  // absent or empty.
  // The start of the first document if it stood nowhere.
  [[nodiscard]] Origin origin(const Located& place, std::string path, std::string_view key = {},
                              std::optional<std::size_t> index = std::nullopt) const;
};

// A path such as $.storage.disks.0.device, grown and shrunk on the way.
class PathStack {
 public:
  void push(std::string_view key) { segments_.emplace_back(std::string(key)); }
  void push(std::size_t index) { segments_.emplace_back(index); }
  void pop() { segments_.pop_back(); }
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::variant<std::string, std::size_t>> segments_;
};

class Reader {
 public:
  Reader(const Document& document, std::uint32_t document_index, Dialect dialect, Notes& notes)
      : document_(document), document_index_(document_index), dialect_(dialect), notes_(notes) {}

  PathStack path;

  [[nodiscard]] const Dialect& dialect() const { return dialect_; }
  [[nodiscard]] Located place(const Value& value) const { return {{document_index_, value.at}, {}}; }
  void error(std::size_t at, std::string text, std::string hint = {});
  // A warning that --strict turns into an error.
  void strict(std::size_t at, std::string text, std::string hint = {});
  // The key at `at` was given before, at `first`: strict too.
  void repeated(std::size_t at, std::string text, std::size_t first);
  // "expected a string, found an integer" at the value.
  void mismatch(const Value& value, std::string_view expected);

 private:
  const Document& document_;
  std::uint32_t document_index_;
  Dialect dialect_;
  Notes& notes_;
};

class Checker {
 public:
  Checker(const Sources& sources, Version version, Notes& notes)
      : sources_(sources), version_(version), notes_(notes) {}

  PathStack path;

  [[nodiscard]] Version version() const { return version_; }
  // The place of the record whose fields are at hand; the engine sets it.
  const Located* record = nullptr;

  // A note at the field `key` of the record at hand (of its element `index`).
  void error(std::string_view key, std::string text, std::string hint = {},
             std::optional<std::size_t> index = std::nullopt);
  void warning(std::string_view key, std::string text, std::string hint = {},
               std::optional<std::size_t> index = std::nullopt);
  // A warning that --strict turns into an error: what no spec version forbids and no machine can do.
  void strict(std::string_view key, std::string text, std::string hint = {},
              std::optional<std::size_t> index = std::nullopt);
  // The error "… is given twice" at one element of the list `key`, with the place of the other.
  void duplicate(std::string_view key, std::string text, std::size_t index, const Origin& other);
  [[nodiscard]] Origin origin(std::string_view key, std::optional<std::size_t> index = std::nullopt) const;

  // The note stands at the key, with the parts given.
  void add(Note note, std::string_view key, std::optional<std::size_t> index);

 private:
  const Sources& sources_;
  Version version_;
  Notes& notes_;
};

// While it lives, the checker's notes are about another record, down at `steps` from the one at hand.
class Within {
 public:
  using Step = std::variant<std::string_view, std::size_t>;
  Within(Checker& checker, const Located& record, const std::vector<Step>& steps);
  Within(const Within&) = delete;
  Within& operator=(const Within&) = delete;
  ~Within();

 private:
  Checker& checker_;
  const Located* outer_;
  std::size_t depth_;
};

}  // namespace provision::fields
