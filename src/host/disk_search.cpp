// SPDX-License-Identifier: Apache-2.0
#include "host/disk_search.hpp"

namespace provision::host {
namespace {

constexpr std::chrono::milliseconds pause{100};
constexpr int most_quiets = 10;

}  // namespace

Result<std::vector<WholeDisk>> search_disks(const DiskSearch& search, const DiskWatch& watch) {
  auto disks = TRY(watch.look());
  std::chrono::milliseconds waited{0};
  std::chrono::milliseconds quiet{0};
  while (search.patience.count() > 0) {
    const bool enough = !search.enough || search.enough(disks);
    const auto longest = search.patience + (enough ? most_quiets * search.quiet : std::chrono::milliseconds(0));
    if ((enough && quiet >= search.quiet) || waited >= longest) {
      break;
    }
    watch.sleep(pause);
    waited += pause;
    auto now = TRY(watch.look());
    quiet = enough && now == disks && watch.idle() ? quiet + pause : std::chrono::milliseconds(0);
    disks = std::move(now);
  }
  return disks;
}

}  // namespace provision::host
