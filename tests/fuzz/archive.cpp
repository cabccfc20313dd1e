// SPDX-License-Identifier: Apache-2.0
// Whatever is taken for an archive comes to paths below the directory, or is refused with a reason, and is the same
// however its bytes come. Sums are made right first: else nothing but headers would ever be read. The first byte says
// how many parts of the names are left out.
#include "plan/operations/archive.hpp"

#include <algorithm>
#include <string>

#include "base/path.hpp"
#include "fuzz/require.hpp"
#include "support/archives.hpp"

using namespace provision;
using namespace provision::plan;

namespace {

ArchiveBytes in_pieces(const std::string& bytes, std::size_t size) {
  return [&bytes, size](const std::function<Result<void>(std::string_view)>& take) -> Result<void> {
    for (std::size_t at = 0; at < bytes.size(); at += size) {
      TRY(take(std::string_view(bytes).substr(at, size)));
    }
    return {};
  };
}

// Each block is taken for a header.
std::string with_sums(std::string bytes) {
  for (std::size_t at = 0; at + 512 <= bytes.size(); at += 512) {
    const std::string block = bytes.substr(at, 512);
    if (block.find_first_not_of('\0') != std::string::npos) {
      bytes.replace(at, 512, test::summed(block));
    }
  }
  return bytes;
}

class Counting final : public ArchiveFiles {
 public:
  std::ptrdiff_t files = 0;
  Result<void> begin(const std::string& /*path*/) override {
    ++files;
    return {};
  }
  Result<void> content(std::string_view /*bytes*/) override { return {}; }
  Result<void> end() override { return {}; }
};

void check_nodes(const ArchiveNodes& nodes) {
  for (const auto& [path, node] : nodes) {
    const std::string place = path::join("/top", path);
    REQUIRE_ALWAYS(!path.empty() && path::clean(place) == place && path::is_within(place, "/top") && place != "/top");
    REQUIRE_ALWAYS(node.mode <= 0777);
    const std::size_t slash = path.rfind('/');
    const auto above = nodes.find(path.substr(0, slash == std::string::npos ? 0 : slash));
    REQUIRE_ALWAYS(slash == std::string::npos ||
                   (above != nodes.end() && above->second.kind == TarEntry::Kind::directory));
    const auto linked = nodes.find(node.link);
    REQUIRE_ALWAYS(node.kind != TarEntry::Kind::hard_link ||
                   (linked != nodes.end() && linked->second.kind == TarEntry::Kind::file));
  }
}

void check(const std::string& bytes, std::int64_t strip) {
  const auto nodes = read_archive(in_pieces(bytes, 4096), strip);
  const auto again = read_archive(in_pieces(bytes, 97), strip);
  REQUIRE_ALWAYS(nodes.has_value() == again.has_value());
  if (!nodes) {
    REQUIRE_ALWAYS(nodes.error().code == Code::bad_contents && !nodes.error().what.empty());
    return;
  }
  REQUIRE_ALWAYS(*nodes == *again);
  check_nodes(*nodes);
  Counting counting;
  REQUIRE_ALWAYS(read_files(in_pieces(bytes, 4096), strip, counting));
  const auto is_file = [](const auto& one) { return one.second.kind == TarEntry::Kind::file; };
  REQUIRE_ALWAYS(counting.files == std::count_if(nodes->begin(), nodes->end(), is_file));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string bytes(data + 1, data + size);
  check(bytes, data[0] % 4);
  check(with_sums(bytes), data[0] % 4);
  return 0;
}
