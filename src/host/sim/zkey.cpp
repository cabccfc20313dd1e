// SPDX-License-Identifier: Apache-2.0
#include "host/sim/zkey.hpp"

#include <algorithm>

#include "base/path.hpp"
#include "base/text.hpp"
#include "host/sim/seams.hpp"

namespace provision::host::sim {
namespace {

constexpr std::string_view repository = "/etc/zkey/repository";
constexpr std::string_view start = "secure key ";
constexpr std::string_view pattern_type = R"("type":"paes-verification-pattern")";
constexpr std::size_t key_bytes = 272;

Exit no(std::string why) { return Exit{1, std::move(why), 0}; }

bool has(const Command& command, std::string_view argument) {
  return std::find(command.arguments.begin(), command.arguments.end(), argument) != command.arguments.end();
}

// What stands behind the option; empty: it is not there.
std::string value_of(const Command& command, std::string_view option) {
  const auto& arguments = command.arguments;
  const auto found = std::find(arguments.begin(), arguments.end(), option);
  return found == arguments.end() || std::next(found) == arguments.end() ? std::string() : *std::next(found);
}

bool is_online(const World& world, std::string_view domain) {
  const auto& cards = world.spec().cards;
  const auto found = cards ? cards->find(std::string(domain)) : std::map<std::string, std::string>::const_iterator();
  return cards && found != cards->end() && found->second == "cca";
}

// As long as such a key is.
std::string padded(std::string key) {
  key.resize(key_bytes, '.');
  return key;
}

void put(World& world, const std::string& path, const std::string& content) {
  if (const auto place = world.place("/", path)) {
    world.files(*place).change(Put{place->inner, regular(content, 0600)});
    world.touch(place->full);
  }
}

bool is_there(World& world, const std::string& path) {
  const auto place = world.place("/", path);
  return place && world.entry(*place) != nullptr;
}

}  // namespace

std::string secure_key_of_before(std::string_view uuid) { return padded(std::string(start) + std::string(uuid)); }

std::string pattern_token(std::string_view volume_key) {
  return "{" + std::string(pattern_type) + R"(,"keyslots":[],"verification-pattern":")" +
         Digest::sha256(volume_key).hex() + R"("})";
}

bool has_pattern(const Luks& header) {
  return std::find(header.tokens.begin(), header.tokens.end(), pattern_token(header.volume_key)) != header.tokens.end();
}

bool is_usable(const World& world, std::string_view volume_key) {
  const auto& cards = world.spec().cards;
  const auto online = [&](const auto& card) { return is_online(world, card.first); };
  return volume_key.starts_with(start) && volume_key.size() == key_bytes && cards &&
         std::any_of(cards->begin(), cards->end(), online);
}

Exit run_zkey(World& world, const Command& command, bool torn) {
  const std::string name = value_of(command, "--name");
  const std::string domains = value_of(command, "--apqns");
  const bool known = !command.arguments.empty() && command.arguments.front() == "generate" && !name.empty() &&
                     value_of(command, "--key-type") == "CCA-AESCIPHER" && has(command, "--xts");
  if (!known) {
    return no("zkey: these arguments are not known here");
  }
  for (const auto domain : split(domains, ',')) {
    if (!is_online(world, domain)) {
      return no("The APQN " + std::string(domain) + " is not available or has the wrong type");
    }
  }
  if (!is_there(world, std::string(repository))) {
    return no("Failed to access '" + std::string(repository) + "': No such file or directory");
  }
  const std::string key = path::join(repository, name + ".skey");
  const std::string info = path::join(repository, name + ".info");
  if (is_there(world, key) || is_there(world, info)) {
    return no("The key '" + name + "' does already exist");
  }
  const std::uint64_t drawn = world.key_random().next();
  if (!torn || drawn % 2 == 0) {
    put(world, key, padded(std::string(start) + std::to_string(drawn)));
  }
  if (!torn) {
    put(world, info, "description=" + value_of(command, "--description") + "\napqns=" + domains + "\n");
  }
  return Exit{};
}

Exit run_zkey_cryptsetup(World& world, const Command& command) {
  const bool known = command.arguments.size() == 4 && command.arguments[0] == "setvp" &&
                     value_of(command, "--key-file") == "/dev/stdin" && command.secret_input != nullptr;
  const auto device = known ? world.find(command.arguments[1]) : std::nullopt;
  Luks* const header = device ? world.luks(*device) : nullptr;
  if (header == nullptr) {
    return no("Failed to load the header from device");
  }
  if (!header->header.paes) {
    return no("Device '" + device->node + "' is not encrypted using the 'paes' cipher");
  }
  const bool opens = std::any_of(header->keys.begin(), header->keys.end(),
                                 [&](const auto& slot) { return command.secret_input->is(slot.second); });
  if (!opens) {
    return no("No key available with this passphrase.");
  }
  if (!is_usable(world, header->volume_key)) {
    return no("Failed to generate the verification pattern");
  }
  if (!has_pattern(*header)) {
    header->tokens.push_back(pattern_token(header->volume_key));
  }
  header->header.verified = has_pattern(*header);
  world.touch(device->node);
  return Exit{};
}

}  // namespace provision::host::sim
