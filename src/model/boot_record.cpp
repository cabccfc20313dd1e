// SPDX-License-Identifier: Apache-2.0
#include "model/boot_record.hpp"

namespace provision::model {
namespace {

constexpr std::size_t first_entry = 446;
constexpr std::size_t entry_bytes = 16;
constexpr std::int64_t entries = 4;
constexpr std::size_t type_at = 4;
constexpr std::size_t start_at = 8;
constexpr std::size_t size_at = 12;
constexpr std::string_view mark = "\x55\xaa";
constexpr std::int64_t protective = 0xEE;

std::int64_t little_endian(std::string_view bytes) {
  std::int64_t number = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) {
    number = number << 8 | static_cast<unsigned char>(bytes[i - 1]);
  }
  return number;
}

}  // namespace

std::vector<BootRecordEntry> boot_record_entries(std::string_view sector) {
  std::vector<BootRecordEntry> found;
  if (sector.size() < boot_record_bytes || sector.substr(boot_record_bytes - mark.size(), mark.size()) != mark) {
    return found;
  }
  for (std::int64_t i = 0; i < entries; ++i) {
    const std::string_view bytes = sector.substr(first_entry + static_cast<std::size_t>(i) * entry_bytes, entry_bytes);
    BootRecordEntry entry;
    entry.number = i + 1;
    entry.type = little_endian(bytes.substr(type_at, 1));
    entry.start = little_endian(bytes.substr(start_at, 4));
    entry.size = little_endian(bytes.substr(size_at, 4));
    if (entry.type != 0 && entry.type != protective && entry.size != 0) {
      found.push_back(entry);
    }
  }
  return found;
}

}  // namespace provision::model
