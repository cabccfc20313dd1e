// SPDX-License-Identifier: Apache-2.0
#include "plan/operations/loader.hpp"

#include <algorithm>
#include <utility>

#include "base/path.hpp"

namespace provision::plan {
namespace {

constexpr std::string_view directory = "/loaders";
constexpr std::uint32_t private_file = 0600;

constexpr std::size_t kernel_sector_at = 0x5c;
// Of the entry that comes first; each is a place (8 bytes), a number of sectors (2) and a segment (2).
constexpr std::size_t first_block_at = 0x1f4;
constexpr std::size_t block_bytes = 12;
constexpr std::size_t place_bytes = 8;

std::string place_of(const std::string& kept) { return path::join(directory, kept); }

std::uint64_t number_at(const std::string& bytes, std::size_t at, std::size_t length) {
  std::uint64_t number = 0;
  for (std::size_t i = length; i > 0; --i) {
    number = number << 8U | static_cast<unsigned char>(bytes[at + i - 1]);
  }
  return number;
}

void put_place(std::string& bytes, std::size_t at, std::uint64_t number) {
  for (std::size_t i = 0; i < place_bytes; ++i) {
    bytes[at + i] = static_cast<char>(number >> (8U * i) & 0xffU);
  }
}

bool is_blank(const std::string& bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == '\0'; });
}

bool is_of_grub(const Loader& loader, std::uint64_t from) {
  return loader.boot_code.size() == boot_code_bytes && loader.partition.size() >= first_block_at + block_bytes &&
         number_at(loader.boot_code, kernel_sector_at, place_bytes) == from &&
         number_at(loader.partition, first_block_at, place_bytes) == from + 1;
}

}  // namespace

std::string loader_words(std::string_view kind) {
  return kind == bios_loader ? "the BIOS boot partition" : "the PReP partition";
}

Result<Loader> read_loader(host::Disks& disks, const SaveLoader& operation) {
  Loader loader;
  loader.partition = TRY(disks.read(operation.device, static_cast<std::size_t>(operation.bytes)));
  if (loader.partition.size() != static_cast<std::size_t>(operation.bytes)) {
    return Error(Code::io,
                 loader_words(operation.kind) + " of " + operation.device.disk + " is shorter than its entry");
  }
  if (is_blank(loader.partition)) {
    return Error(Code::conflict, loader_words(operation.kind) + " " + std::to_string(operation.device.number) + " of " +
                                     operation.device.disk + " has no boot loader that could be kept: it is blank");
  }
  if (operation.kind == bios_loader) {
    loader.boot_code = TRY(disks.read({operation.device.disk, {}, 0}, boot_code_bytes));
    // Started by firmware that needs none, as with UEFI.
    loader.boot_code = is_blank(loader.boot_code) ? std::string() : std::move(loader.boot_code);
  }
  return loader;
}

Result<Loader> relocated(Loader loader, std::int64_t from, std::int64_t to) {
  if (from == to || loader.boot_code.empty()) {
    return loader;
  }
  if (!is_of_grub(loader, static_cast<std::uint64_t>(from))) {
    return Error(
        Code::conflict,
        "the boot code is not GRUB's, and nobody can tell where it looks for the BIOS boot partition: have this "
        "one begin where that does, " +
            std::to_string(from * 512) + " bytes from the disk's beginning");
  }
  const std::uint64_t moved = static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
  put_place(loader.boot_code, kernel_sector_at, static_cast<std::uint64_t>(to));
  for (std::size_t at = first_block_at; number_at(loader.partition, at + place_bytes, 2) != 0; at -= block_bytes) {
    put_place(loader.partition, at, number_at(loader.partition, at, place_bytes) + moved);
    if (at < block_bytes) {
      break;
    }
  }
  return loader;
}

Result<std::optional<Loader>> kept_loader(host::Files& state, const std::string& kept, std::int64_t bytes) {
  const std::string place = place_of(kept);
  const auto node = TRY(state.look(place));
  const auto length = static_cast<std::size_t>(bytes);
  if (!node || (node->size != length && node->size != length + boot_code_bytes)) {
    return std::optional<Loader>{};
  }
  std::string all = TRY(state.read(place, length + boot_code_bytes));
  Loader loader;
  loader.boot_code = all.substr(length);
  all.resize(length);
  loader.partition = std::move(all);
  return std::optional(std::move(loader));
}

Result<void> keep_loader(host::Files& state, const std::string& kept, const Loader& loader) {
  TRY(state.make_directory(directory, 0700, {}));
  const std::string place = place_of(kept);
  const std::string all = loader.partition + loader.boot_code;
  TRY(state.replace_safely(place, all, private_file, {}));
  if (TRY(state.digest(place, HashFunction::sha256)) != Digest::sha256(all)) {
    return Error(Code::not_satisfied, "nothing failed, yet the boot loader is not kept");
  }
  return state.sync(directory);
}

Result<void> forget_loaders(host::Files& state) {
  if (!TRY(state.look(directory))) {
    return {};
  }
  for (const auto& name : TRY(state.list(directory))) {
    TRY(state.remove(path::join(directory, name)));
  }
  return state.remove_directory(directory);
}

}  // namespace provision::plan
