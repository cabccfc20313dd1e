// SPDX-License-Identifier: Apache-2.0
#include "host/linux/gpt_copies.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/unicode.hpp"
#include "host/linux/descriptor.hpp"

namespace provision::host {
namespace {

constexpr std::size_t header_bytes = 92;
constexpr std::size_t crc_offset = 16;
constexpr std::size_t guid_bytes = 16;
constexpr std::size_t least_entry_bytes = 128;
// More than any table in use: 16 MiB of entries.
constexpr std::uint64_t most_entry_bytes = std::uint64_t{16} << 20U;

std::uint64_t little_endian(std::string_view bytes, std::size_t offset, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i > 0; --i) {
    value = value << 8U | static_cast<unsigned char>(bytes[offset + i - 1]);
  }
  return value;
}

struct Header {
  Copy state = Copy::absent;
  std::uint64_t alternative = 0;
  std::uint64_t entry_bytes = 0;
  std::uint64_t bytes_per_entry = 0;
  std::string disk_guid;
  std::uint64_t entries_crc = 0;
  // Of a whole copy: its entries, one after the other.
  std::string entries;
};

// The first three fields of a GUID on a disk are little-endian (UEFI 2.10, appendix A).
Uuid guid_of(std::string_view bytes) {
  constexpr std::array<std::size_t, guid_bytes> order{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const std::size_t from : order) {
    const auto byte = static_cast<unsigned char>(bytes[from]);
    const bool dash = text.size() == 8 || text.size() == 13 || text.size() == 18 || text.size() == 23;
    text += dash ? "-" : "";
    text += digits[byte >> 4U];
    text += digits[byte & 0xFU];
  }
  return Uuid::parse(text).value_or(Uuid());
}

bool is_used(std::string_view entry) { return entry.substr(0, guid_bytes).find_first_not_of('\0') != entry.npos; }

// UEFI 2.10, table 5.6: type, GUID, first and last sector, attributes, name.
Partition partition_of(std::int64_t number, std::string_view entry) {
  const std::uint64_t first = little_endian(entry, 32, 8);
  const std::uint64_t last = little_endian(entry, 40, 8);
  return {
      number,         static_cast<std::int64_t>(first),  static_cast<std::int64_t>(last - first + 1),
      guid_of(entry), guid_of(entry.substr(guid_bytes)), utf8_of_utf16_le(entry.substr(56, least_entry_bytes - 56))};
}

// A disk may say anything.
bool fits(const Partition& entry, std::int64_t sectors) {
  return entry.start > 0 && entry.size > 0 && entry.start < sectors && entry.size <= sectors - entry.start;
}

std::vector<Partition> partitions_of(const Header& header) {
  std::vector<Partition> partitions;
  if (header.bytes_per_entry < least_entry_bytes) {
    return partitions;
  }
  const std::string_view all = header.entries;
  for (std::size_t at = 0; at + header.bytes_per_entry <= all.size(); at += header.bytes_per_entry) {
    const std::string_view entry = all.substr(at, least_entry_bytes);
    if (is_used(entry)) {
      partitions.push_back(partition_of(static_cast<std::int64_t>(at / header.bytes_per_entry) + 1, entry));
    }
  }
  return partitions;
}

class Reader {
 public:
  Reader(int fd, std::uint64_t sector_size, std::uint64_t sectors, const std::string& node)
      : fd_(fd), sector_size_(sector_size), sectors_(sectors), node_(node) {}

  [[nodiscard]] Result<Header> header(std::uint64_t lba) const {
    Header found;
    if (lba == 0 || lba >= sectors_) {
      return found;
    }
    std::string bytes = TRY(read_at(fd_, lba * sector_size_, sector_size_, node_));
    if (!bytes.starts_with("EFI PART")) {
      return found;
    }
    found.state = Copy::damaged;
    const std::uint64_t size = little_endian(bytes, 12, 4);
    const std::uint64_t crc = little_endian(bytes, crc_offset, 4);
    if (size < header_bytes || size > sector_size_ || little_endian(bytes, 24, 8) != lba) {
      return found;
    }
    bytes.resize(size);
    bytes.replace(crc_offset, 4, 4, '\0');
    if (crc32(bytes) != crc) {
      return found;
    }
    found.alternative = little_endian(bytes, 32, 8);
    found.disk_guid = bytes.substr(56, guid_bytes);
    found.bytes_per_entry = little_endian(bytes, 84, 4);
    found.entry_bytes = little_endian(bytes, 80, 4) * found.bytes_per_entry;
    found.entries_crc = little_endian(bytes, 88, 4);
    found.entries = TRY(entries(little_endian(bytes, 72, 8), found.entry_bytes));
    if (!found.entries.empty() && crc32(found.entries) == found.entries_crc) {
      found.state = Copy::whole;
    }
    return found;
  }

 private:
  // Nothing where that cannot be the place of so many bytes.
  [[nodiscard]] Result<std::string> entries(std::uint64_t lba, std::uint64_t size) const {
    if (size == 0 || size > most_entry_bytes || lba >= sectors_ || size > (sectors_ - lba) * sector_size_) {
      return std::string();
    }
    return read_at(fd_, lba * sector_size_, size, node_);
  }

  int fd_;
  std::uint64_t sector_size_;
  std::uint64_t sectors_;
  const std::string& node_;
};

std::int64_t sectors_for(std::uint64_t bytes, std::int64_t sector_size) {
  return (static_cast<std::int64_t>(bytes) + sector_size - 1) / sector_size;
}

}  // namespace

std::uint32_t crc32(std::string_view bytes) {
  constexpr auto table = [] {
    std::array<std::uint32_t, 256> values{};
    for (std::uint32_t i = 0; i < values.size(); ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) {
        value = (value & 1U) != 0 ? value >> 1U ^ 0xEDB88320U : value >> 1U;
      }
      values[i] = value;
    }
    return values;
  }();
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char c : bytes) {
    crc = crc >> 8U ^ table[(crc ^ static_cast<unsigned char>(c)) & 0xFFU];
  }
  return ~crc;
}

std::int64_t default_entry_sectors(std::int64_t sector_size) {
  constexpr std::uint64_t bytes = std::uint64_t{128} * 128;
  return sectors_for(bytes, sector_size);
}

Result<GptCopies> inspect_gpt(int fd, std::int64_t sector_size, std::int64_t sectors, const std::string& node) {
  const auto last = static_cast<std::uint64_t>(sectors) - 1;
  const Reader reader(fd, static_cast<std::uint64_t>(sector_size), static_cast<std::uint64_t>(sectors), node);
  const Header primary = TRY(reader.header(1));
  // Where the primary says; else on the last sector, where the backup of a disk that did not grow is.
  const bool pointed = primary.state == Copy::whole && primary.alternative > 1 && primary.alternative <= last;
  const Header backup = TRY(reader.header(pointed ? primary.alternative : last));
  GptCopies copies;
  copies.primary = primary.state;
  copies.backup = backup.state;
  copies.entry_sectors = default_entry_sectors(sector_size);
  if (primary.state == Copy::whole || backup.state == Copy::whole) {
    const Header& whole = primary.state == Copy::whole ? primary : backup;
    copies.entry_sectors = sectors_for(whole.entry_bytes, sector_size);
    const auto partitions = partitions_of(whole);
    const bool fit =
        std::all_of(partitions.begin(), partitions.end(), [&](const Partition& entry) { return fits(entry, sectors); });
    copies.disk_guid = fit ? guid_of(whole.disk_guid) : Uuid();
    copies.partitions = fit ? partitions : std::vector<Partition>{};
  }
  if (primary.state == Copy::whole && backup.state == Copy::whole) {
    copies.backup_short_of_end = pointed && primary.alternative < last;
    // Two whole copies of different tables: a write stopped between them.
    if (primary.entries_crc != backup.entries_crc || primary.disk_guid != backup.disk_guid) {
      copies.backup = Copy::damaged;
    }
  }
  return copies;
}

}  // namespace provision::host
