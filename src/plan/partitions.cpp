// SPDX-License-Identifier: Apache-2.0
#include "plan/partitions.hpp"

#include <algorithm>
#include <optional>

#include "base/text.hpp"
#include "plan/layout.hpp"

namespace provision::plan {
namespace {

// "Linux filesystem data" of the Discoverable Partitions Specification.
constexpr std::string_view linux_data = "0fc63daf-8483-4772-8e79-3d69d8477de4";

bool is_true(const std::optional<bool>& flag) { return flag.value_or(false); }
bool is_zero(const std::optional<std::int64_t>& mib) { return mib.has_value() && *mib == 0; }
bool is_given(const std::optional<std::string>& guid) { return !guid.value_or("").empty(); }

// What keeps an existing entry from being the wished one, place and size aside; empty if nothing does.
std::string other_than_asked(const host::Partition& entry, const spec::Partition& asked) {
  if (asked.label && *asked.label != entry.label) {
    return "is labelled \"" + printable(entry.label) + "\"";
  }
  if (is_given(asked.type_guid) && Uuid::parse(*asked.type_guid) != entry.type) {
    return "has the type " + entry.type.text();
  }
  if (is_given(asked.guid) && Uuid::parse(*asked.guid) != entry.guid) {
    return "has the GUID " + entry.guid.text();
  }
  return {};
}

Uuid given_or(const std::optional<std::string>& given, const Uuid& fallback) {
  return Uuid::parse(given.value_or("")).value_or(fallback);
}

class Matcher {
 public:
  Matcher(host::Table table, const std::vector<Wish>& wishes, std::int64_t sector_size)
      : working_(std::move(table)), wishes_(wishes), sector_size_(sector_size), existing_(wishes.size()) {}

  // Room is made before it is given away: what goes, then what keeps its place, then what is placed.
  Result<Match> run() {
    for (std::size_t i = 0; i < wishes_.size(); ++i) {
      existing_[i] = entry_of(wishes_[i]);
    }
    TRY(delete_unwanted());
    std::vector<std::size_t> to_place;
    for (const std::size_t i : wanted_in_order()) {
      const spec::Partition& asked = wishes_[i].asked;
      const bool depends_on_room = is_zero(asked.start_mib) || is_zero(asked.size_mib);
      if (!existing_[i] || depends_on_room || !TRY(settle(i, asked_place(i), 0))) {
        to_place.push_back(i);
      }
    }
    TRY(check_grown());
    for (const std::size_t i : to_place) {
      TRY(find_place(i));
    }
    auto& all = working_.partitions;
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
    return Match{std::move(working_), std::move(changes_)};
  }

 private:
  [[nodiscard]] std::optional<host::Partition> entry_of(const Wish& wish) const {
    for (const auto& entry : working_.partitions) {
      if (wish.asked.number != 0 ? entry.number == wish.asked.number : entry.guid == wish.guid) {
        return entry;
      }
    }
    return std::nullopt;
  }

  // Of wishes that something shall be there. Without a number: last, for they take what the others leave.
  [[nodiscard]] std::vector<std::size_t> wanted_in_order() const {
    std::vector<std::size_t> order;
    for (const bool numbered : {true, false}) {
      for (std::size_t i = 0; i < wishes_.size(); ++i) {
        if (wishes_[i].asked.should_exist.value_or(true) && (wishes_[i].asked.number != 0) == numbered) {
          order.push_back(i);
        }
      }
    }
    return order;
  }

  // By an earlier run of ours, for a wish without a number.
  [[nodiscard]] bool is_taken(const host::Partition& entry) const {
    return std::any_of(wishes_.begin(), wishes_.end(),
                       [&](const Wish& wish) { return wish.asked.number == 0 && wish.guid == entry.guid; });
  }

  Result<void> delete_unwanted() {
    for (std::size_t i = 0; i < wishes_.size(); ++i) {
      const spec::Partition& asked = wishes_[i].asked;
      if (asked.should_exist.value_or(true) || !existing_[i] || is_taken(*existing_[i])) {
        continue;
      }
      if (!is_true(asked.wipe_partition_entry)) {
        return conflict(i, "shall not, and wipePartitionEntry is not set");
      }
      remove(i);
      note(Change::Kind::deleted, i);
    }
    return {};
  }

  // Where the entry of the wish shall be, as far as the config says; else where it is.
  [[nodiscard]] Block asked_place(std::size_t i) const {
    const auto or_as_it_is = [&](const std::optional<std::int64_t>& mib, std::int64_t is) {
      return mib ? sectors(*mib) : is;
    };
    return {or_as_it_is(wishes_[i].asked.start_mib, existing_[i]->start),
            or_as_it_is(wishes_[i].asked.size_mib, existing_[i]->size)};
  }

  // Whether the entry stays, perhaps with another size; if not, it was removed to be made anew. `room`: a size up to
  // this is as good as the target's, for others fill a free block to its last sector.
  Result<bool> settle(std::size_t i, const Block& target, std::int64_t room) {
    const host::Partition& entry = *existing_[i];
    const spec::Partition& asked = wishes_[i].asked;
    std::string why = other_than_asked(entry, asked);
    if (why.empty() && entry.start != target.start) {
      why = "starts at sector " + std::to_string(entry.start);
    }
    const bool size_fits = target.size <= entry.size && entry.size <= std::max(target.size, room);
    if (why.empty() && size_fits) {
      return true;
    }
    if (why.empty() && is_true(asked.resize)) {
      in_table(entry.number)->size = target.size;
      note(Change::Kind::resized, i);
      return true;
    }
    if (is_true(asked.wipe_partition_entry)) {
      remove(i);
      return false;
    }
    return conflict(i, (why.empty() ? "has " + std::to_string(entry.size) + " sectors" : why) + "; it was left alone");
  }

  Result<void> check_grown() {
    for (std::size_t i = 0; i < wishes_.size(); ++i) {
      const auto* now = existing_[i] ? in_table(existing_[i]->number) : nullptr;
      if (now != nullptr && now->size > existing_[i]->size) {
        if (auto fits = place(without(now->number), sector_size_, now->start, now->size); !fits) {
          return std::move(fits).error().at(wishes_[i].origin);
        }
      }
    }
    return {};
  }

  Result<void> find_place(std::size_t i) {
    const auto* there = existing_[i] ? in_table(existing_[i]->number) : nullptr;
    // Not where it was removed, and another wish has got its number.
    const bool still_there = there != nullptr && there->guid == existing_[i]->guid;
    if (still_there && TRY(fits_where_it_is(i))) {
      return {};
    }
    return create(i);
  }

  // For an entry that shall take what room there is.
  Result<bool> fits_where_it_is(std::size_t i) {
    const Block asked = asked_place(i);
    const host::Table others = without(existing_[i]->number);
    auto block = place(others, sector_size_, asked.start, asked.size);
    if (block) {
      return settle(i, *block, asked.size == 0 ? room_at(others, block->start) : 0);
    }
    if (!is_true(wishes_[i].asked.wipe_partition_entry)) {
      return std::move(block).error().at(wishes_[i].origin);
    }
    remove(i);
    return false;
  }

  Result<void> create(std::size_t i) {
    const Wish& wish = wishes_[i];
    const auto number = wish.asked.number != 0 ? std::optional(wish.asked.number) : free_number(working_);
    if (!number) {
      return Error(Code::bad_config, "all 128 partition numbers of the disk are in use").at(wish.origin);
    }
    for (const auto& entry : working_.partitions) {
      if (entry.guid == wish.guid) {
        return Error(Code::conflict, "the GUID is that of partition " + std::to_string(entry.number) + " already")
            .at(wish.origin);
      }
    }
    const auto in_sectors = [&](const std::optional<std::int64_t>& mib) { return mib ? sectors(*mib) : 0; };
    auto block = place(working_, sector_size_, in_sectors(wish.asked.start_mib), in_sectors(wish.asked.size_mib));
    if (!block) {
      return std::move(block).error().at(wish.origin);
    }
    working_.partitions.push_back({*number, block->start, block->size,
                                   given_or(wish.asked.type_guid, *Uuid::parse(linux_data)), wish.guid,
                                   wish.asked.label.value_or("")});
    note(existing_[i] ? Change::Kind::replaced : Change::Kind::created, i);
    return {};
  }

  [[nodiscard]] std::int64_t sectors(std::int64_t mib) const { return mib * (grain_bytes / sector_size_); }

  host::Partition* in_table(std::int64_t number) {
    auto& all = working_.partitions;
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& p) { return p.number == number; });
    return found == all.end() ? nullptr : &*found;
  }

  [[nodiscard]] host::Table without(std::int64_t number) const {
    host::Table others = working_;
    std::erase_if(others.partitions, [&](const auto& p) { return p.number == number; });
    return others;
  }

  void remove(std::size_t i) { working_ = without(existing_[i]->number); }

  void note(Change::Kind kind, std::size_t i) {
    const std::int64_t number = existing_[i] ? existing_[i]->number : working_.partitions.back().number;
    changes_.push_back({kind, number, wishes_[i].origin});
  }

  [[nodiscard]] Error conflict(std::size_t i, const std::string& why) const {
    return Error(Code::conflict, "partition " + std::to_string(existing_[i]->number) + " exists and " + why)
        .at(wishes_[i].origin);
  }

  // The table as far as it is decided.
  host::Table working_;
  const std::vector<Wish>& wishes_;
  std::int64_t sector_size_;
  // As it was before.
  std::vector<std::optional<host::Partition>> existing_;
  std::vector<Change> changes_;
};

}  // namespace

Result<Match> match_partitions(host::Table table, const std::vector<Wish>& wishes, std::int64_t sector_size) {
  return Matcher(std::move(table), wishes, sector_size).run();
}

}  // namespace provision::plan
