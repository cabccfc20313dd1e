// SPDX-License-Identifier: Apache-2.0
// What a tar archive comes to, and what is refused of one.
#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "plan/operations/archive.hpp"
#include "support/archives.hpp"

using namespace provision;
using namespace provision::plan;
using namespace provision::test;

namespace {

// Hands the bytes on in pieces of that size; 0: at once.
ArchiveBytes in_pieces(const std::string& bytes, std::size_t size) {
  return [&bytes, size](const std::function<Result<void>(std::string_view)>& take) -> Result<void> {
    for (std::size_t at = 0; at < bytes.size(); at += size == 0 ? bytes.size() : size) {
      TRY(take(std::string_view(bytes).substr(at, size == 0 ? bytes.size() : size)));
    }
    return {};
  };
}

// A line for each thing: "file 0644 bin/a sha256 of its content", …
std::string listed(const std::string& bytes, std::int64_t strip = 0, std::size_t piece = 0) {
  const auto nodes = read_archive(in_pieces(bytes, piece), strip);
  if (!nodes) {
    CHECK(nodes.error().code == Code::bad_contents);
    return nodes.error().what;
  }
  std::string text;
  for (const auto& [path, node] : *nodes) {
    constexpr std::array words{"file", "directory", "symlink", "hard link"};
    std::string mode(4, '0');
    for (std::size_t i = 0; i < 4; ++i) {
      mode[3 - i] = static_cast<char>('0' + (node.mode >> (3 * i) & 7U));
    }
    text += std::string(words.at(static_cast<std::size_t>(node.kind))) + " " + mode + " " + path;
    text += node.link.empty() ? "" : " -> " + node.link;
    text += node.digest.empty() ? "" : " " + node.digest.hex().substr(0, 6);
    text += "\n";
  }
  return text;
}

const std::vector<TarItem> some{{'5', "./", {}, {}, 0700},
                                {'5', "tool-1/", {}, {}, 0750},
                                {'0', "tool-1/bin/tool", "hello", {}, 04755},
                                {'1', "tool-1/bin/same", {}, "tool-1/bin/tool"},
                                {'1', "tool-1/bin/again", {}, "tool-1/bin/same"},
                                {'2', "tool-1/link", {}, "/etc/passwd", 0777},
                                {'0', "tool-1/empty", {}, {}, 0600}};
// sha256 of "hello" and of nothing.
const std::string some_listed =
    "directory 0750 tool-1\n"
    "directory 0755 tool-1/bin\n"
    "hard link 0644 tool-1/bin/again -> tool-1/bin/tool\n"
    "hard link 0644 tool-1/bin/same -> tool-1/bin/tool\n"
    "file 0755 tool-1/bin/tool 2cf24d\n"
    "file 0600 tool-1/empty e3b0c4\n"
    "symlink 0777 tool-1/link -> /etc/passwd\n";

}  // namespace

TEST_SUITE_BEGIN("archives");

TEST_CASE("files, directories and links, however the bytes come") {
  const std::string bytes = tar_of(some);
  CHECK(listed(bytes) == some_listed);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{511}, std::size_t{513}}) {
    CHECK(listed(bytes, 0, piece) == some_listed);
  }
  // As tapes have it.
  CHECK(listed(bytes + std::string(9000, '\0')) == some_listed);
  CHECK(listed(bytes, 1) ==
        "directory 0755 bin\n"
        "hard link 0644 bin/again -> bin/tool\n"
        "hard link 0644 bin/same -> bin/tool\n"
        "file 0755 bin/tool 2cf24d\n"
        "file 0600 empty e3b0c4\n"
        "symlink 0777 link -> /etc/passwd\n");
  CHECK(listed(bytes, 3).empty());
}

TEST_CASE("packed, it is the same") {
  // printf hello > f; tar --format=ustar --mtime=@0 --owner=0 --group=0 --mode=644 -c f | gzip -n9, and zstd -19
  const auto packed = [](const std::string& hex) {
    std::string raw;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
      raw += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    }
    return raw;
  };
  const std::string gz = packed(
      "1f8b0800000000000203edcf3b0a84400c00d0398a479801f53e162e5b08037eee6fb05a2cd64a4178af494802493ee97e39"
      "f46d7bc4708ea1fbc9a35e4ae9736af203b7a56d598739d6cfb5aeffe6aefae7e75ee23b4e534d000000000000000000bccd"
      "0ec04fb5b200280000");
  const std::string zst = packed(
      "28b52ffd0468350200a2420910c0a703b4d24269fcffdbad68457d9c0227e228a34cd36e043ae90bee5555efa19b5d27010c"
      "20502f320ef705be4848017867180d30fc6fa63d1c80030605b09f541b264f7715");
  for (const std::string& bytes : {gz, zst}) {
    for (const std::size_t piece : {std::size_t{0}, std::size_t{1}, std::size_t{7}}) {
      CHECK(listed(bytes, 0, piece) == "file 0644 f 2cf24d\n");
    }
    CHECK(listed(bytes.substr(0, bytes.size() - 3)).ends_with("end too early"));
  }
}

TEST_CASE("long names, in each way that they are written in") {
  const std::string name = std::string(90, 'd') + "/" + std::string(90, 'e') + "/f";
  const std::string wanted = "directory 0755 " + std::string(90, 'd') + "\ndirectory 0755 " + std::string(90, 'd') +
                             "/" + std::string(90, 'e') + "\nfile 0644 " + name + " 2cf24d\n";
  const TarItem file{'0', "short", "hello"};
  CHECK(listed(tar_of({{'x', "pax", pax_record("mtime", "1.5") + pax_record("path", name)}, file})) == wanted);
  CHECK(listed(tar_of({{'L', "././@LongLink", name + std::string(1, '\0')}, file})) == wanted);
  std::string prefixed = tar_entry({'0', std::string(90, 'e') + "/f", "hello"});
  prefixed.replace(345, 90, std::string(90, 'd'));
  prefixed.replace(0, 512, summed(prefixed.substr(0, 512)));
  CHECK(listed(prefixed + std::string(1024, '\0')) == wanted);
  const TarItem link{'2', "l", {}, "short"};
  CHECK(listed(tar_of({{'x', "pax", pax_record("linkpath", name)}, link})) == "symlink 0777 l -> " + name + "\n");
  CHECK(listed(tar_of({{'K', "././@LongLink", name + std::string(1, '\0')}, link})) ==
        "symlink 0777 l -> " + name + "\n");
  // What is said of one entry holds for that one alone; what a global header says is not about names.
  CHECK(listed(tar_of({{'g', "pax", pax_record("comment", "of git")},
                       {'x', "pax", pax_record("path", "a")},
                       file,
                       {'0', "b", "hello"}})) == "file 0644 a 2cf24d\nfile 0644 b 2cf24d\n");
}

TEST_CASE("names that lead out of the directory") {
  for (const std::string name : {"/etc/passwd", "../f", "a/../../f", "a/.."}) {
    CHECK(listed(tar_of({{'0', name, "x"}})) ==
          name + " in the archive leads out of the directory that it is unpacked into");
    CHECK(listed(tar_of({{'0', "f", "x"}, {'1', "l", {}, name}})) ==
          name + " in the archive leads out of the directory that it is unpacked into");
  }
  const std::string nul("a\0b", 3);
  CHECK(listed(tar_of({{'x', "pax", pax_record("path", nul)}, {'0', "f", "x"}})).find("leads out") !=
        std::string::npos);
  CHECK(listed(tar_of({{'2', "a", {}, "/etc"}, {'0', "a/passwd", "x"}})) ==
        "a/passwd in the archive is below a, which is no directory in it");
  CHECK(inner_path("./a//b/./c/", 0).value() == "a/b/c");
  CHECK(inner_path("./a//b/./c/", 2).value() == "c");
  CHECK(inner_path(".", 0).value().empty());
}

TEST_CASE("what nobody would expect in an archive") {
  CHECK(listed(tar_of({{'3', "null", {}}})) == "null in the archive is a character device");
  CHECK(listed(tar_of({{'6', "pipe", {}}})) == "pipe in the archive is a named pipe");
  CHECK(listed(tar_of({{'S', "big", {}}})) == "big in the archive is a sparse file of GNU tar");
  CHECK(listed(tar_of({{'x', "pax", pax_record("GNU.sparse.major", "1")}, {'0', "f"}})) ==
        "a file in the archive is sparse: write the archive without --sparse");
  CHECK(listed(tar_of({{'g', "pax", pax_record("path", "a")}, {'0', "f"}})).find("no single entry") !=
        std::string::npos);
  CHECK(listed(tar_of({{'0', "f", "x"}, {'0', "./f", "y"}})) == "f is in the archive twice");
  CHECK(listed(tar_of({{'0', "f", "x"}, {'5', "f/"}})) == "f is in the archive twice");
  CHECK(listed(tar_of({{'5', "d/"}, {'5', "./d", {}, {}, 0700}})) == "directory 0700 d\n");
  CHECK(listed(tar_of({{'1', "l", {}, "later"}, {'0', "later", "x"}})) ==
        "the hard link l in the archive leads to later, which is no file before it");
  CHECK(listed(tar_of({{'0', "", "x"}})) == "an entry has no name");
}

TEST_CASE("what is no tar archive, is damaged, or ends too early") {
  const std::string bytes = tar_of(some);
  for (const std::string& other : {std::string("{}"), std::string(600, 'x'), std::string(511, '\0')}) {
    CHECK(listed(other) == "the bytes are no tar archive");
  }
  CHECK(listed("") == "the bytes are no tar archive");
  CHECK(listed(std::string(1024, '\0')) == "the tar archive is empty");
  for (std::size_t size = 1; size < bytes.size() - 512; size += 100) {
    CAPTURE(size);
    const std::string said = listed(bytes.substr(0, size));
    CHECK(said == (size < 512 ? "the bytes are no tar archive" : "the tar archive ends too early"));
  }
  CHECK(listed(bytes + "x") == "behind the end of the tar archive stands something else");
  CHECK(listed(std::string(bytes).replace(512, 1, "T")) == "the tar archive is damaged");
  for (const std::string& record :
       {std::string("99 path=a\n"), std::string("8 path=a\n"), std::string("x"), std::string("9 nothing\n")}) {
    CHECK(listed(tar_of({{'x', "pax", record}, {'0', "f"}})) ==
          "the tar archive is damaged: a pax header in it cannot be read");
  }
}

TEST_CASE("one digest tells two archives apart") {
  const auto digest = [](const std::vector<TarItem>& items) {
    const std::string bytes = tar_of(items);
    return digest_of(read_archive(in_pieces(bytes, 0), 0).value());
  };
  CHECK(digest(some) == digest(some));
  CHECK_FALSE(digest({{'0', "f", "x"}}) == digest({{'0', "f", "y"}}));
  CHECK_FALSE(digest({{'0', "f", "x"}}) == digest({{'0', "g", "x"}}));
  CHECK_FALSE(digest({{'0', "f", "x", {}, 0600}}) == digest({{'0', "f", "x"}}));
}

TEST_SUITE_END();
