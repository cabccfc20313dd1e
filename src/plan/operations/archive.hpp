// SPDX-License-Identifier: Apache-2.0
// What an archive (tar, tar.gz, tar.zst) comes to below a directory, before anything of it is written.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/digest.hpp"
#include "base/result.hpp"
#include "base/tar.hpp"

namespace provision::plan {

struct ArchiveNode {
  TarEntry::Kind kind = TarEntry::Kind::file;
  // Permission bits, without set-id and sticky ones: an archive gives nobody more rights.
  std::uint32_t mode = 0755;
  // Of a symbolic link, as it is written; of a hard link the path of the file that it is one with, below the directory.
  std::string link;
  // Of a file.
  Digest digest;
  bool operator==(const ArchiveNode&) const = default;
};

// By path below the directory ("bin/bridge"); what is above another thing stands before it. Directories that the
// archive leaves out are in it, 0755.
using ArchiveNodes = std::map<std::string, ArchiveNode>;

// Hands on the bytes of the archive, from the beginning; each call does so again.
using ArchiveBytes = std::function<Result<void>(const std::function<Result<void>(std::string_view)>& take)>;

// The path below the directory that a name of the archive comes to, without its first `strip` components; empty:
// nothing is left of it. Code::bad_contents for an absolute name, and for one with "..".
Result<std::string> inner_path(std::string_view name, std::int64_t strip);

// Reads all of the archive. Code::bad_contents, with the name, for all that TarReader refuses, for names that lead out
// of the directory, for two things of one name (but directories), for something below what is no directory, and for
// hard links to what the archive does not have as a file before.
Result<ArchiveNodes> read_archive(const ArchiveBytes& bytes, std::int64_t strip);

// The same, with what was being done in the error; Code::bad_contents also where nothing is left to be unpacked.
Result<ArchiveNodes> nodes_in(const ArchiveBytes& bytes, std::int64_t strip);

// One digest of all that.
Digest digest_of(const ArchiveNodes& nodes);

// What gets the contents of the files while an archive is read again.
class ArchiveFiles {
 public:
  ArchiveFiles() = default;
  ArchiveFiles(const ArchiveFiles&) = delete;
  ArchiveFiles& operator=(const ArchiveFiles&) = delete;
  ArchiveFiles(ArchiveFiles&&) = delete;
  ArchiveFiles& operator=(ArchiveFiles&&) = delete;
  virtual ~ArchiveFiles() = default;

  // Of the file at that path below the directory.
  virtual Result<void> begin(const std::string& path) = 0;
  virtual Result<void> content(std::string_view bytes) = 0;
  virtual Result<void> end() = 0;
};

Result<void> read_files(const ArchiveBytes& bytes, std::int64_t strip, ArchiveFiles& files);

}  // namespace provision::plan
