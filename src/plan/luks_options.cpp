// SPDX-License-Identifier: Apache-2.0
#include "plan/luks_options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <string_view>

#include "base/text.hpp"
#include "base/uuid.hpp"

namespace provision::plan {
namespace {

// One argument, and what it does to the settings. `value`: what follows it; one without takes none.
template <class Settings>
struct Option {
  std::string_view name;
  // Its form of one letter; 0: it has none.
  char letter;
  bool has_value;
  Result<void> (*set)(Settings& settings, const std::string& value);
};

Error no_number(const std::string& value) {
  return {Code::bad_config, "\"" + printable(value) + "\" is no number that it can have"};
}

Result<std::int64_t> number(const std::string& value) {
  std::int64_t result = 0;
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), result);
  if (parsed.ec != std::errc{} || parsed.ptr != value.data() + value.size() || result < 0) {
    return no_number(value);
  }
  return result;
}

// With a suffix, as cryptsetup's tools_string_to_size: k, m, g for 1024 and its powers, with "iB" behind or not.
Result<std::int64_t> bytes(const std::string& value) {
  const std::size_t digits = std::min(value.find_first_not_of("0123456789"), value.size());
  const std::int64_t count = TRY(number(value.substr(0, digits)));
  std::string suffix = lower_ascii(value.substr(digits));
  if (suffix.size() == 3 && suffix.ends_with("ib")) {
    suffix.resize(1);
  }
  constexpr std::array<std::pair<std::string_view, unsigned>, 4> shifts{{{"", 0}, {"k", 10}, {"m", 20}, {"g", 30}}};
  for (const auto& [name, shift] : shifts) {
    constexpr std::int64_t most = std::int64_t{1} << 30U;
    if (suffix == name && count <= most) {
      return count << shift;
    }
  }
  return no_number(value);
}

// --- What the arguments do

template <auto Member, class Settings>
Result<void> set_text(Settings& settings, const std::string& value) {
  settings.*Member = value;
  return {};
}

template <auto Member, class Settings>
Result<void> set_number(Settings& settings, const std::string& value) {
  settings.*Member = TRY(number(value));
  return {};
}

template <auto Member, class Settings>
Result<void> set_bytes(Settings& settings, const std::string& value) {
  settings.*Member = TRY(bytes(value));
  return {};
}

template <auto Member, class Settings>
Result<void> set_flag(Settings& settings, const std::string& /*value*/) {
  settings.*Member = true;
  return {};
}

// What changes nothing here: it tells a person's program not to ask, or is so anyway.
template <class Settings>
Result<void> nothing(Settings& /*settings*/, const std::string& /*value*/) {
  return {};
}

Result<void> set_type(host::LuksFormat& /*settings*/, const std::string& value) {
  if (value != "luks2" && value != "luks") {
    return Error(Code::bad_config, "only volumes of the type luks2 are made, not \"" + printable(value) + "\"");
  }
  return {};
}

Result<void> set_uuid(host::LuksFormat& settings, const std::string& value) {
  const auto uuid = Uuid::parse(value);
  if (!uuid) {
    return Error(Code::bad_config, "\"" + printable(value) + "\" is no UUID");
  }
  settings.uuid = uuid->text();
  return {};
}

Result<void> set_pbkdf(host::LuksFormat& settings, const std::string& value) {
  if (value != "argon2id" && value != "argon2i" && value != "pbkdf2") {
    return Error(Code::bad_config, "\"" + printable(value) + "\" is none of argon2id, argon2i, pbkdf2");
  }
  settings.pbkdf = value;
  return {};
}

Result<void> set_key_bits(host::LuksFormat& settings, const std::string& value) {
  settings.key_bits = TRY(number(value));
  return settings.key_bits % 8 == 0 ? Result<void>() : no_number(value);
}

Result<void> set_sector_size(host::LuksFormat& settings, const std::string& value) {
  settings.sector_size = TRY(number(value));
  const auto size = settings.sector_size;
  return size == 512 || size == 1024 || size == 2048 || size == 4096 ? Result<void>() : no_number(value);
}

template <auto Member, class Settings>
Result<void> set_slot(Settings& settings, const std::string& value) {
  constexpr std::int64_t most = 31;  // LUKS2_KEYSLOTS_MAX is 32.
  settings.*Member = TRY(number(value));
  return settings.*Member <= most ? Result<void>() : no_number(value);
}

using Format = host::LuksFormat;
using Open = host::LuksOpen;

constexpr std::array format_options{
    Option<Format>{"type", 'M', true, &set_type},
    Option<Format>{"uuid", 0, true, &set_uuid},
    Option<Format>{"label", 0, true, &set_text<&Format::label>},
    Option<Format>{"subsystem", 0, true, &set_text<&Format::subsystem>},
    Option<Format>{"cipher", 'c', true, &set_text<&Format::cipher>},
    Option<Format>{"key-size", 's', true, &set_key_bits},
    Option<Format>{"hash", 'h', true, &set_text<&Format::hash>},
    Option<Format>{"pbkdf", 0, true, &set_pbkdf},
    Option<Format>{"iter-time", 'i', true, &set_number<&Format::pbkdf_milliseconds>},
    Option<Format>{"pbkdf-force-iterations", 0, true, &set_number<&Format::pbkdf_iterations>},
    Option<Format>{"pbkdf-memory", 0, true, &set_number<&Format::pbkdf_memory>},
    Option<Format>{"pbkdf-parallel", 0, true, &set_number<&Format::pbkdf_threads>},
    Option<Format>{"sector-size", 0, true, &set_sector_size},
    Option<Format>{"offset", 'o', true, &set_number<&Format::offset>},
    Option<Format>{"align-payload", 0, true, &set_number<&Format::alignment>},
    Option<Format>{"luks2-metadata-size", 0, true, &set_bytes<&Format::metadata_size>},
    Option<Format>{"luks2-keyslots-size", 0, true, &set_bytes<&Format::keyslots_size>},
    Option<Format>{"key-slot", 'S', true, &set_slot<&Format::key_slot>},
    Option<Format>{"keyslot-cipher", 0, true, &set_text<&Format::keyslot_cipher>},
    Option<Format>{"keyslot-key-size", 0, true, &set_number<&Format::keyslot_key_bits>},
    Option<Format>{"batch-mode", 'q', false, &nothing<Format>},
    Option<Format>{"force-password", 0, false, &nothing<Format>},
    Option<Format>{"use-random", 0, false, &nothing<Format>},
    Option<Format>{"use-urandom", 0, false, &nothing<Format>},
    Option<Format>{"verbose", 'v', false, &nothing<Format>},
};

constexpr std::array open_options{
    Option<Open>{"allow-discards", 0, false, &set_flag<&Open::discards>},
    Option<Open>{"perf-same_cpu_crypt", 0, false, &set_flag<&Open::same_cpu_crypt>},
    Option<Open>{"perf-submit_from_crypt_cpus", 0, false, &set_flag<&Open::submit_from_crypt_cpus>},
    Option<Open>{"perf-no_read_workqueue", 0, false, &set_flag<&Open::no_read_workqueue>},
    Option<Open>{"perf-no_write_workqueue", 0, false, &set_flag<&Open::no_write_workqueue>},
    Option<Open>{"readonly", 'r', false, &set_flag<&Open::read_only>},
    Option<Open>{"disable-keyring", 0, false, &set_flag<&Open::no_keyring>},
    Option<Open>{"key-slot", 'S', true, &set_slot<&Open::key_slot>},
    // So it is in any case, and of what is opened one at a time.
    Option<Open>{"persistent", 0, false, &nothing<Open>},
    Option<Open>{"serialize-memory-hard-pbkdf", 0, false, &nothing<Open>},
    Option<Open>{"batch-mode", 'q', false, &nothing<Open>},
    Option<Open>{"verbose", 'v', false, &nothing<Open>},
};

// --- Reading them

// An argument taken to pieces. No `value`: none is in it.
struct Argument {
  std::string name;
  char letter = 0;
  std::optional<std::string> value;
};

Argument taken_apart(const std::string& text) {
  if (text.starts_with("--")) {
    const std::size_t equals = text.find('=');
    const std::string name = text.substr(2, equals == std::string::npos ? equals : equals - 2);
    return {name, 0, equals == std::string::npos ? std::nullopt : std::optional(text.substr(equals + 1))};
  }
  if (text.size() >= 2 && text[0] == '-') {
    std::string rest = text.substr(2);
    rest = rest.starts_with('=') ? rest.substr(1) : rest;
    return {{}, text[1], text.size() > 2 ? std::optional(rest) : std::nullopt};
  }
  return {};
}

template <class Settings>
Result<Settings> read(std::span<const Option<Settings>> known, const std::vector<std::string>& options,
                      const std::string& command) {
  Settings settings;
  for (std::size_t i = 0; i < options.size(); ++i) {
    Argument argument = taken_apart(options[i]);
    const auto option = std::find_if(known.begin(), known.end(), [&](const Option<Settings>& one) {
      return argument.letter != 0 ? one.letter == argument.letter : one.name == argument.name && !one.name.empty();
    });
    const std::string shown = "\"" + printable(options[i]) + "\"";
    if (option == known.end()) {
      return Error(Code::unsupported, shown + " is no argument of cryptsetup " + command + " that is known here");
    }
    if (!option->has_value && argument.value) {
      return Error(Code::bad_config, shown + " of cryptsetup " + command + " takes no value");
    }
    if (option->has_value && !argument.value) {
      if (++i == options.size()) {
        return Error(Code::bad_config, shown + " of cryptsetup " + command + " needs a value after it");
      }
      argument.value = options[i];
    }
    TRY_WHILE(option->set(settings, argument.value.value_or("")),
              "reading --" + std::string(option->name) + " of cryptsetup " + command);
  }
  return settings;
}

}  // namespace

Result<host::LuksFormat> luks_format_options(const std::vector<std::string>& options) {
  host::LuksFormat format = TRY(read(std::span<const Option<Format>>(format_options), options, "luksFormat"));
  // cryptsetup(8): the costs of pbkdf2 are its iterations alone.
  if (format.pbkdf == "pbkdf2" && (format.pbkdf_memory != 0 || format.pbkdf_threads != 0)) {
    return Error(Code::bad_config, "pbkdf2 takes neither --pbkdf-memory nor --pbkdf-parallel");
  }
  if (format.offset >= 0 && format.alignment != 0) {
    return Error(Code::bad_config, "--offset and --align-payload of cryptsetup luksFormat exclude each other");
  }
  return format;
}

Result<host::LuksOpen> luks_open_options(const std::vector<std::string>& options) {
  return read(std::span<const Option<Open>>(open_options), options, "luksOpen");
}

}  // namespace provision::plan
