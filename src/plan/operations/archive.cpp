// SPDX-License-Identifier: Apache-2.0
#include "plan/operations/archive.hpp"

#include <optional>
#include <utility>
#include <vector>

#include "base/gzip.hpp"
#include "base/path.hpp"
#include "base/text.hpp"
#include "base/zstd.hpp"

namespace provision::plan {
namespace {

using Kind = TarEntry::Kind;

constexpr std::string_view gzip_magic = "\x1f\x8b";
constexpr std::size_t magic_size = 4;
constexpr std::uint32_t plain_bits = 0777;

Error bad(const std::string& what) { return {Code::bad_contents, what}; }

// Takes the archive as it comes, packed or not: its first bytes tell.
class Unpacker {
 public:
  explicit Unpacker(TarVisitor& visitor) : reader_(visitor) {}

  Result<void> add(std::string_view bytes) {
    if (!begun_) {
      first_ += bytes;
      return first_.size() < magic_size ? Result<void>() : begin();
    }
    return pass(bytes);
  }

  Result<void> finish() {
    if (!begun_) {
      TRY(begin());
    }
    if (gunzip_) {
      TRY(gunzip_->finish());
    }
    if (unzstd_) {
      TRY(unzstd_->finish());
    }
    return reader_.finish();
  }

 private:
  Result<void> begin() {
    begun_ = true;
    if (first_.starts_with(gzip_magic)) {
      gunzip_.emplace(Behind::zeros);
    } else if (is_zstd(first_)) {
      unzstd_.emplace(Behind::zeros);
    }
    return pass(std::exchange(first_, {}));
  }

  Result<void> pass(std::string_view bytes) {
    const auto take = [this](std::string_view piece) { return reader_.add(piece); };
    return gunzip_ ? gunzip_->add(bytes, take) : unzstd_ ? unzstd_->add(bytes, take) : reader_.add(bytes);
  }

  TarReader reader_;
  std::optional<Gunzip> gunzip_;
  std::optional<Unzstd> unzstd_;
  std::string first_;
  bool begun_ = false;
};

Result<void> read_all(const ArchiveBytes& bytes, TarVisitor& visitor) {
  Unpacker unpacker(visitor);
  TRY(bytes([&](std::string_view piece) { return unpacker.add(piece); }));
  return unpacker.finish();
}

class Listing final : public TarVisitor {
 public:
  explicit Listing(std::int64_t strip) : strip_(strip) {}

  Result<void> begin(const TarEntry& entry) override {
    path_ = TRY(inner_path(entry.name, strip_));
    node_ = {entry.kind, entry.mode & plain_bits, {}, {}};
    if (path_.empty()) {
      // The top itself, or what is stripped away; a file that has no name left would be lost without a word.
      return entry.kind == Kind::directory || strip_ > 0 ? Result<void>() : Result<void>(bad("an entry has no name"));
    }
    TRY(make_way(entry.name));
    if (entry.kind == Kind::symlink) {
      node_.link = entry.link;
      node_.mode = plain_bits;
    } else if (entry.kind == Kind::hard_link) {
      node_.link = TRY(linked(entry));
    } else if (entry.kind == Kind::file) {
      hasher_.emplace(HashFunction::sha256);
    }
    return {};
  }

  Result<void> content(std::string_view bytes) override {
    if (hasher_) {
      hasher_->add(bytes);
    }
    return {};
  }

  Result<void> end() override {
    if (path_.empty()) {
      return {};
    }
    if (hasher_) {
      node_.digest = hasher_->finish();
      hasher_.reset();
    }
    return put();
  }

  [[nodiscard]] ArchiveNodes take() { return std::move(nodes_); }

 private:
  Result<void> make_way(const std::string& name) {
    for (std::size_t slash = path_.find('/'); slash != std::string::npos; slash = path_.find('/', slash + 1)) {
      const auto [above, fresh] = nodes_.emplace(path_.substr(0, slash), ArchiveNode{Kind::directory, 0755, {}, {}});
      if (above->second.kind != Kind::directory) {
        return bad(printable(name) + " in the archive is below " + printable(above->first) +
                   ", which is no directory in it");
      }
    }
    return {};
  }

  Result<std::string> linked(const TarEntry& entry) {
    std::string path = TRY(inner_path(entry.link, strip_));
    const auto other = nodes_.find(path);
    const bool is_file =
        other != nodes_.end() && (other->second.kind == Kind::file || other->second.kind == Kind::hard_link);
    if (!is_file) {
      return bad("the hard link " + printable(entry.name) + " in the archive leads to " + printable(entry.link) +
                 ", which is no file before it");
    }
    return other->second.kind == Kind::hard_link ? other->second.link : path;
  }

  Result<void> put() {
    const auto [there, fresh] = nodes_.emplace(path_, node_);
    const bool both = there->second.kind == Kind::directory && node_.kind == Kind::directory;
    if (!fresh && !both) {
      return bad(printable(path_) + " is in the archive twice");
    }
    there->second = node_;
    return {};
  }

  std::int64_t strip_;
  ArchiveNodes nodes_;
  std::string path_;
  ArchiveNode node_;
  std::optional<Hasher> hasher_;
};

class Contents final : public TarVisitor {
 public:
  Contents(std::int64_t strip, ArchiveFiles& files) : strip_(strip), files_(files) {}

  Result<void> begin(const TarEntry& entry) override {
    const std::string path = TRY(inner_path(entry.name, strip_));
    inside_ = entry.kind == Kind::file && !path.empty();
    return inside_ ? files_.begin(path) : Result<void>();
  }
  Result<void> content(std::string_view bytes) override { return inside_ ? files_.content(bytes) : Result<void>(); }
  Result<void> end() override { return std::exchange(inside_, false) ? files_.end() : Result<void>(); }

 private:
  std::int64_t strip_;
  ArchiveFiles& files_;
  bool inside_ = false;
};

}  // namespace

Result<std::string> inner_path(std::string_view name, std::int64_t strip) {
  if (name.starts_with('/') || name.find('\0') != std::string_view::npos) {
    return bad(printable(name) + " in the archive leads out of the directory that it is unpacked into");
  }
  std::string path;
  for (const auto part : split(name, '/')) {
    if (part == "..") {
      return bad(printable(name) + " in the archive leads out of the directory that it is unpacked into");
    }
    if (part.empty() || part == "." || strip-- > 0) {
      continue;
    }
    path += (path.empty() ? "" : "/") + std::string(part);
  }
  return path;
}

Result<ArchiveNodes> read_archive(const ArchiveBytes& bytes, std::int64_t strip) {
  Listing listing(strip);
  TRY(read_all(bytes, listing));
  return listing.take();
}

Result<ArchiveNodes> nodes_in(const ArchiveBytes& bytes, std::int64_t strip) {
  auto nodes = TRY_WHILE(read_archive(bytes, strip), "reading the archive");
  if (nodes.empty()) {
    return Error(Code::bad_contents, strip > 0 ? "nothing of the archive is left when the first " +
                                                     std::to_string(strip) + " parts of its names are taken away"
                                               : "there is nothing in the archive");
  }
  return nodes;
}

Digest digest_of(const ArchiveNodes& nodes) {
  Hasher hasher(HashFunction::sha256);
  for (const auto& [path, node] : nodes) {
    const std::string words =
        std::to_string(static_cast<int>(node.kind)) + " " + std::to_string(node.mode) + " " + node.digest.hex() + " ";
    for (const std::string* text : {&words, &path, &node.link}) {
      hasher.add(*text);
      hasher.add(std::string_view("\0", 1));
    }
  }
  return hasher.finish();
}

Result<void> read_files(const ArchiveBytes& bytes, std::int64_t strip, ArchiveFiles& files) {
  Contents contents(strip, files);
  return read_all(bytes, contents);
}

}  // namespace provision::plan
