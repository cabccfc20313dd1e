// SPDX-License-Identifier: Apache-2.0
#include "model/accounts.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace provision::model {
namespace {

constexpr std::size_t max_database_bytes = 64U << 20U;

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = !text.empty() && parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
  return whole ? std::optional(number) : std::nullopt;
}

Result<std::string> text_of(host::Files& files, const std::string& path) {
  return TRY(files.look(path)) ? files.read(path, max_database_bytes) : Result<std::string>(std::string{});
}

template <class List>
auto named(const List& list, std::string_view name) -> const typename List::value_type* {
  const auto found = std::find_if(list.begin(), list.end(), [&](const auto& entry) { return entry.name == name; });
  return found == list.end() ? nullptr : &*found;
}

}  // namespace

const UserView* Accounts::user(std::string_view name) const { return named(users, name); }
const GroupView* Accounts::group(std::string_view name) const { return named(groups, name); }

Result<Accounts> read_accounts(host::Files& target) {
  Accounts accounts;
  const std::string users = TRY(text_of(target, "/etc/passwd"));
  for (const auto line : split(users, '\n')) {
    const auto fields = split(line, ':');
    if (fields.size() >= 4 && number_of(fields[2]) && number_of(fields[3])) {
      accounts.users.push_back(
          {std::string(fields[0]), *number_of(fields[2]), *number_of(fields[3]), {}, {}, {}, true});
    }
  }
  const std::string groups = TRY(text_of(target, "/etc/group"));
  for (const auto line : split(groups, '\n')) {
    const auto fields = split(line, ':');
    if (fields.size() >= 3 && number_of(fields[2])) {
      accounts.groups.push_back({std::string(fields[0]), *number_of(fields[2]), {}, true});
    }
  }
  return accounts;
}

}  // namespace provision::model
