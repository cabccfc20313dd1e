// SPDX-License-Identifier: Apache-2.0
// The field tables and checks of encrypted volumes.
#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "base/uuid.hpp"
#include "fields/engine_impl.hpp"
#include "fields/json.hpp"
#include "spec/checks.hpp"
#include "spec/config.hpp"
#include "spec/url.hpp"

namespace provision::spec {
namespace {

using fields::Checker;

constexpr fields::Version any_pin_since{3, 6};
constexpr std::array<std::string_view, 3> pins{"tpm2", "tang", "sss"};

void check_volume_name(const std::string& name, std::string_view key, Checker& checker) {
  if (name.find('/') != std::string::npos) {
    checker.error(key, "the name of a volume becomes a name below /dev/mapper; \"/\" cannot stand in it");
  }
}

void check_volume_label(const OptionalText& label, std::string_view key, Checker& checker) {
  if (label && label->size() > 47) {
    checker.error(key, "a label of LUKS has at most 47 bytes; this one has " + std::to_string(label->size()));
  }
}

void check_volume_uuid(const OptionalText& uuid, std::string_view key, Checker& checker) {
  if (!is_empty(uuid) && !Uuid::parse(*uuid)) {
    checker.strict(key, "\"" + printable(*uuid) + "\" is no UUID");
  }
}

void check_tang_url(const std::string& text, std::string_view key, Checker& checker) {
  if (text.empty()) {
    return;  // The reader has said that it is required.
  }
  const auto url = parse_url(text);
  if (!url) {
    checker.error(key, url.error().what);
  } else if (url->scheme != "http" && url->scheme != "https") {
    checker.error(key, "a tang server has an http or https URL");
  }
}

void check_advertisement(const OptionalText& advertisement, std::string_view key, Checker& checker) {
  if (is_empty(advertisement)) {
    return;
  }
  fields::Document document("advertisement", *advertisement);
  if (!fields::parse_json(document)) {
    checker.error(key, "the advertisement is no JSON", "the text that <url>/adv answers with, as one string");
  }
}

void check_pin(const OptionalText& pin, std::string_view key, Checker& checker) {
  const bool known = std::find(pins.begin(), pins.end(), pin.value_or("")) != pins.end();
  if (!is_empty(pin) && !known && checker.version() < any_pin_since) {
    checker.error(key, "\"" + printable(*pin) + "\" is no pin of clevis in this spec version",
                  "one of " + std::string(pins[0]) + ", tang, sss; any from 3.6.0 on");
  }
}

// Whether `custom` counts. In 3.2 its mere presence did; later only what is in it.
bool is_custom(const ClevisCustom& custom, fields::Version version) {
  const bool present = !custom.place.nowhere();
  return version < fields::Version{3, 3}
             ? present
             : !is_empty(custom.pin) || !is_empty(custom.config) || is_true(custom.needs_network);
}

bool has_pins(const Clevis& clevis) {
  return !clevis.tang.empty() || is_true(clevis.tpm2) || clevis.threshold.value_or(0) != 0;
}

}  // namespace

void cross_check(const ClevisCustom& custom, Checker& checker) {
  const bool given = !is_empty(custom.pin) || !is_empty(custom.config) || is_true(custom.needs_network);
  if (given && is_empty(custom.pin)) {
    checker.error("pin", "a custom binding of clevis needs a pin");
  }
  if (given && is_empty(custom.config)) {
    checker.error("config", "a custom binding of clevis needs a config");
  }
}

void cross_check(const Clevis& clevis, Checker& checker) {
  const bool custom = checker.version() < fields::Version{3, 3} ? is_custom(clevis.custom, checker.version())
                                                                : !is_empty(clevis.custom.pin);
  if (custom && has_pins(clevis)) {
    checker.error("custom", "a custom binding stands alone: tang, tpm2 and threshold belong into its config");
  }
  const auto servers = static_cast<std::int64_t>(clevis.tang.size());
  const std::int64_t most = servers + (is_true(clevis.tpm2) ? 1 : 0);
  if (clevis.threshold && (*clevis.threshold < 0 || (!custom && *clevis.threshold > most))) {
    checker.strict("threshold", "the threshold is reached by none: there are " + std::to_string(most) +
                                    " pins that could unlock the volume");
  }
}

void cross_check(const Luks& luks, Checker& checker) {
  if (!is_true(luks.cex.enabled)) {
    return;
  }
  if (has_pins(luks.clevis) || !is_empty(luks.clevis.custom.pin)) {
    checker.error("cex", "a volume has its key from cex or from clevis, not both");
  }
  if (!is_empty(luks.key_file.source)) {
    checker.error("cex", "a volume with cex has no key file");
  }
}

}  // namespace provision::spec

namespace provision::fields {

using namespace spec;

template <>
struct Table<Tang> {
  static constexpr auto rows = std::tuple{
      field("url", &Tang::url, "The server's URL, http or https.",
            {.required = true, .key = true, .check = &check_tang_url}),
      field("thumbprint", &Tang::thumbprint, "The thumbprint of a key that the server signs with.", {.required = true}),
      field("advertisement", &Tang::advertisement,
            "What the server would answer with, as JSON in a string, so that it need not be asked.",
            {.since = {3, 4}, .check = &check_advertisement}),
  };
};

template <>
struct Table<ClevisCustom> {
  static constexpr auto rows = std::tuple{
      field("pin", &ClevisCustom::pin, "The pin of clevis: tpm2, tang or sss; from 3.6 on any.", {.check = &check_pin}),
      field("config", &ClevisCustom::config, "The pin's config, as JSON in a string.", {.secret = true}),
      field("needsNetwork", &ClevisCustom::needs_network, "Whether unlocking needs the network."),
  };
};

template <>
struct Table<Clevis> {
  static constexpr auto rows = std::tuple{
      field("tang", &Clevis::tang, "Tang servers that help to unlock."),
      field("tpm2", &Clevis::tpm2, "Whether the machine's TPM helps to unlock."),
      field("threshold", &Clevis::threshold, "How many of them must help; absent: 1."),
      field("custom", &Clevis::custom, "A binding of one's own instead."),
  };
};

template <>
struct Table<Cex> {
  static constexpr auto rows = std::tuple{
      field("enabled", &Cex::enabled, "Whether the key is kept by a CryptoExpress card (s390x)."),
  };
};

template <>
struct Table<Luks> {
  static constexpr auto rows = std::tuple{
      field("name", &Luks::name, "The volume's name: it becomes /dev/mapper/<name>.",
            {.required = true, .lenient = true, .key = true, .check = &check_volume_name}),
      field("device", &Luks::device, "The absolute path of the device.",
            {.required = true, .check = &check_optional_absolute_path}),
      field("keyFile", &Luks::key_file, "The key; absent: a random one is made."),
      field("label", &Luks::label, "The volume's label.", {.check = &check_volume_label}),
      field("uuid", &Luks::uuid, "The volume's UUID; absent: derived.", {.check = &check_volume_uuid}),
      field("options", &Luks::options, "Further arguments of cryptsetup luksFormat.", {.repeats = true}),
      field("discard", &Luks::discard, "Whether discards reach the device.", {.since = {3, 4}}),
      field("openOptions", &Luks::open_options, "Further arguments of cryptsetup luksOpen.",
            {.since = {3, 4}, .repeats = true}),
      field("wipeVolume", &Luks::wipe_volume, "Whether whatever is on the device may be wiped."),
      field("clevis", &Luks::clevis, "How the volume is unlocked without a key file."),
      field("cex", &Luks::cex, "CryptoExpress cards of s390x.", {.since = {3, 5}}),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::spec::Tang);
PROVISION_INSTANTIATE_RECORD(provision::spec::ClevisCustom);
PROVISION_INSTANTIATE_RECORD(provision::spec::Clevis);
PROVISION_INSTANTIATE_RECORD(provision::spec::Cex);
PROVISION_INSTANTIATE_RECORD(provision::spec::Luks);
