// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <array>

#include "base/digest.hpp"
#include "base/path.hpp"
#include "base/result.hpp"
#include "base/text.hpp"
#include "base/unicode.hpp"
#include "base/uuid.hpp"

using namespace provision;

TEST_CASE("positions count lines and characters from 1") {
  const std::string text = "ab\n\xC3\xA9x\n";
  const LineIndex lines(text);
  CHECK(lines.position(text, 0) == Position{1, 1});
  CHECK(lines.position(text, 2) == Position{1, 3});
  CHECK(lines.position(text, 3) == Position{2, 1});
  CHECK(lines.position(text, 5) == Position{2, 2});
  CHECK(lines.position(text, 7) == Position{3, 1});
  CHECK(lines.position(text, 99) == Position{3, 1});
  CHECK(lines.line(text, 2) == "\xC3\xA9x");
  CHECK(lines.line(text, 4).empty());
}

TEST_CASE("a line's end is taken off, CR LF too") {
  const std::string text = "a\r\nb";
  const LineIndex lines(text);
  CHECK(lines.line(text, 1) == "a");
  CHECK(lines.line(text, 2) == "b");
}

TEST_CASE("ill-formed UTF-8 is seen") {
  CHECK(utf8_sequence_length("a") == 1);
  CHECK(utf8_sequence_length("\xC3\xA9") == 2);
  CHECK(utf8_sequence_length("\xE2\x82\xAC") == 3);
  CHECK(utf8_sequence_length("\xF0\x9F\x98\x80") == 4);
  for (const char* bad : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xE2\x82", "\xFF"}) {
    CHECK(utf8_sequence_length(bad) == 0);
  }
}

TEST_CASE("nothing printable can drive a terminal") {
  CHECK(printable("a\x1b[31mb") == "a\\x1b[31mb");
  CHECK(printable("\xC2\x9B") == "\\xc2\\x9b");
  CHECK(printable("\xC3\xA9") == "\xC3\xA9");
  CHECK(printable("\xFF") == "\\xff");
}

TEST_CASE("base64") {
  CHECK(base64_encode("").empty());
  CHECK(base64_encode("f") == "Zg==");
  CHECK(base64_encode("fo") == "Zm8=");
  CHECK(base64_encode("foo") == "Zm9v");
}

TEST_CASE("cleaned paths are those of the spec") {
  CHECK(path::clean("/a//b/./c/..") == "/a/b");
  CHECK(path::clean("/..") == "/");
  CHECK(path::clean("a/../..") == "..");
  CHECK(path::is_clean_absolute("/"));
  CHECK(path::is_clean_absolute("/a/b"));
  CHECK_FALSE(path::is_clean_absolute("/a/"));
  CHECK_FALSE(path::is_clean_absolute("a"));
  CHECK_FALSE(path::is_clean_absolute("/a/../b"));
  for (const char* path : {"", "//", "/a//b", "/./a", "/a/.", "/.."}) {
    CHECK_FALSE(path::is_clean_absolute(path));
  }
  CHECK(path::is_clean_absolute("/.a/..b"));
  CHECK(path::parent("/a") == "/");
  CHECK(path::parent("/a/b") == "/a");
  CHECK(path::depth("/") == 0);
  CHECK(path::depth("/a/b") == 2);
  CHECK(path::is_within("/a/b", "/a"));
  CHECK_FALSE(path::is_within("/ab", "/a"));
}

TEST_CASE("digests: the known ones, and what is refused") {
  CHECK(Digest::sha256("abc").text() == "sha256-ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(digest_of(HashFunction::sha512, "").hex().starts_with("cf83e1357eefb8bd"));
  CHECK(Digest::parse("sha256-" + std::string(64, 'A'))->hex() == std::string(64, 'a'));
  CHECK_FALSE(Digest::parse("sha256-" + std::string(63, 'a')));
  CHECK_FALSE(Digest::parse("sha256-" + std::string(64, 'g')));
  CHECK_FALSE(Digest::parse("md5-" + std::string(32, 'a')));
}

TEST_CASE("derived UUIDs are the same for the same parts and for no others") {
  const Uuid uuid = Uuid::derive({"disk", "serial"});
  CHECK(uuid == Uuid::derive({"disk", "serial"}));
  CHECK(uuid != Uuid::derive({"disks", "erial"}));
  CHECK(uuid != Uuid::derive({"disk", "serial", ""}));
  CHECK(uuid.text()[14] == '8');
  CHECK(std::string("89ab").find(uuid.text()[19]) != std::string::npos);
  CHECK(Uuid::parse(uuid.text()) == uuid);
}

TEST_CASE("UUIDs: form and case") {
  CHECK(Uuid::parse("0FC63DAF-8483-4772-8E79-3D69D8477DE4")->text() == "0fc63daf-8483-4772-8e79-3d69d8477de4");
  CHECK_FALSE(Uuid::parse("0fc63daf84834772-8e79-3d69d8477de4--"));
  CHECK_FALSE(Uuid::parse(""));
}

namespace {
Result<int> half(int number) {
  if (number % 2 != 0) {
    return Error(Code::usage, "odd");
  }
  return number / 2;
}
Result<int> quarter(int number) { return TRY_WHILE(half(TRY(half(number))), "halving again"); }
}  // namespace

TEST_CASE("TRY hands values on and errors up, with what was being done") {
  CHECK(quarter(8).value() == 2);
  CHECK(to_string(quarter(6).error()) == "odd, while halving again");
  CHECK(to_string(quarter(5).error()) == "odd");
}

TEST_CASE("text: places in long lines are found both ways, whatever the characters") {
  // Blocks of the index are 4096 bytes; two- and four-byte characters lie across their ends.
  std::string text = "ab\n\n";
  for (int i = 0; i < 5000; ++i) {
    text += i % 3 == 0 ? "\xC3\xA9" : i % 3 == 1 ? "\xF0\x9F\x98\x80" : "x";
  }
  text += "\n" + std::string(9000, 'y') + "\r\nend";
  const LineIndex lines(text);
  Position expected{1, 1};
  for (std::size_t at = 0; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) {
      continue;
    }
    const Position found = lines.position(text, at);
    if (found != expected || (text[at] != '\n' && lines.offset(text, expected) != at)) {
      CAPTURE(at);
      CHECK(found == expected);
      CHECK(lines.offset(text, expected) == at);
      break;
    }
    expected = text[at] == '\n' ? Position{expected.line + 1, 1} : Position{expected.line, expected.column + 1};
  }
  CHECK(expected == Position{5, 4});
  CHECK(lines.offset(text, {2, 1}) == 3);
  CHECK(lines.offset(text, {1, 99}) == 2);
  CHECK(lines.offset(text, {99, 1}) == text.size());
}

TEST_CASE("text: UTF-16 as UTF-8, up to the first zero") {
  const auto decoded = [](std::u16string_view units) {
    std::string bytes;
    for (const char16_t unit : units) {
      bytes += static_cast<char>(unit & 0xFFU);
      bytes += static_cast<char>(unit >> 8U);
    }
    return utf8_of_utf16_le(bytes);
  };
  CHECK(utf8_of_utf16_le("").empty());
  CHECK(utf8_of_utf16_le("a") == "");
  CHECK(decoded(std::u16string_view(u"ab\0c", 4)) == "ab");
  CHECK(decoded(u"Gr\u00f6\u00dfe \u20ac") == "Gr\u00f6\u00dfe \u20ac");
  CHECK(decoded(u"\U0001F600!") == "\U0001F600!");
  constexpr std::array<char16_t, 4> halves{0xD83D, u'x', 0xDE00, 0xD83D};
  CHECK(decoded({halves.data(), halves.size()}) == "\uFFFDx\uFFFD\uFFFD");
}
