// SPDX-License-Identifier: Apache-2.0
#include "plan/clevis.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>

#include "base/text.hpp"
#include "fields/document.hpp"
#include "fields/json.hpp"
#include "plan/key_slots.hpp"
#include "plan/operations/programs.hpp"
#include "spec/url.hpp"

namespace provision::plan {
namespace {

using fields::Value;

// Of the random passphrase. It has no line end, which Clevis could not tell from its own.
constexpr std::size_t passphrase_bytes = 32;
constexpr std::size_t max_answer = std::size_t{64} << 10U;
// curl, as Clevis calls it, waits as long as TCP does.
constexpr std::chrono::seconds clevis_patience{180};
// The compact form's parts, by their names in the JSON form; and in Clevis' order.
constexpr std::array<std::string_view, 5> parts{"protected", "encrypted_key", "iv", "ciphertext", "tag"};
constexpr std::array<std::size_t, 5> order{3, 1, 2, 0, 4};

bool is_given(const std::optional<std::string>& text) { return text && !text->empty(); }
std::int64_t threshold_of(const spec::Clevis& clevis) {
  return std::max<std::int64_t>(clevis.threshold.value_or(0), 1);
}

struct Pin {
  std::string name;
  std::string config;
};

struct Binding {
  int slot = 0;
  std::string jwe;
};

// --- What the config says

// Errors name no content: a custom config may hold a secret.
Result<Value> parsed_object(const std::string& text, const std::string& what) {
  fields::Document document(what, text);
  if (!fields::parse_json(document) || document.root().kind != Value::Kind::object) {
    return Error(Code::bad_config, what + " is no JSON object");
  }
  return Value(document.root());
}

// `fetched` has the advertisements that the config does not.
Result<Value> tang_pin(const spec::Tang& server, const std::string* fetched) {
  Value pin = Value::object();
  pin.add("url", Value::of(server.url));
  pin.add("thp", Value::of(server.thumbprint.value_or("")));
  const std::string& advertisement = fetched != nullptr ? *fetched : server.advertisement.value_or("");
  pin.add("adv", TRY(parsed_object(advertisement, "the advertisement of " + spec::public_form(server.url))));
  return pin;
}

Result<Pin> pin_of(const spec::Clevis& clevis, const std::vector<std::string>& fetched) {
  if (is_given(clevis.custom.pin)) {
    return Pin{*clevis.custom.pin, clevis.custom.config.value_or("")};
  }
  Value servers = Value::array();
  for (std::size_t i = 0; i < clevis.tang.size(); ++i) {
    const bool own = is_given(clevis.tang[i].advertisement);
    servers.items.push_back(TRY(tang_pin(clevis.tang[i], own ? nullptr : &fetched[i])));
  }
  Value pins = Value::object();
  if (!servers.items.empty()) {
    pins.add("tang", std::move(servers));
  }
  if (clevis.tpm2.value_or(false)) {
    pins.add("tpm2", Value::object());
  }
  Value config = Value::object();
  config.add("t", Value::of(threshold_of(clevis)));
  config.add("pins", std::move(pins));
  return Pin{"sss", fields::write_json(config)};
}

// --- Advertisements of Tang servers

class TextSink final : public host::Sink {
 public:
  Result<void> write(std::string_view bytes) override {
    text_.append(bytes);
    return {};
  }
  Result<void> restart() override {
    text_.clear();
    return {};
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// By the key's thumbprint, so that a server also shows keys that it no longer offers to all (tang(8), "Key rotation").
host::FetchRequest advertisement_of(const spec::Tang& server) {
  host::FetchRequest request;
  request.url = server.url + (server.url.ends_with('/') ? "adv/" : "/adv/") + server.thumbprint.value_or("");
  request.max_bytes = max_answer;
  return request;
}

// All at the same time; a text for each server, empty where the config has its own.
Result<std::vector<std::string>> fetched_advertisements(host::Fetcher& fetcher, const spec::Clevis& clevis) {
  std::deque<TextSink> sinks(clevis.tang.size());
  std::vector<std::optional<host::Ticket>> tickets;
  tickets.reserve(clevis.tang.size());
  for (std::size_t i = 0; i < clevis.tang.size(); ++i) {
    const bool own = is_given(clevis.tang[i].advertisement);
    tickets.push_back(own ? std::nullopt : std::optional(fetcher.start(advertisement_of(clevis.tang[i]), sinks[i])));
  }
  std::optional<Error> first;
  for (const auto& ticket : tickets) {
    if (!ticket) {
      continue;
    }
    if (const auto fetched = fetcher.wait(*ticket); !fetched && !first) {
      first = fetched.error();
    }
  }
  if (first) {
    return *std::move(first);
  }
  std::vector<std::string> texts;
  texts.reserve(sinks.size());
  for (const auto& sink : sinks) {
    texts.push_back(sink.text());
  }
  return texts;
}

// --- Clevis itself

// What it answers to a command that has been given its input.
Result<Secret> answer_of(host::Host& host, host::Command command) {
  Secret room = TRY(Secret::sized(max_answer));
  command.program = "clevis";
  command.patience = clevis_patience;
  command.answer = &room;
  const std::size_t size = TRY(answered(host, command));
  if (size == 0) {
    return Error(Code::program_failed, "clevis " + command.arguments.front() + " answers with nothing");
  }
  Secret answer = TRY(Secret::sized(size));
  room.view().substr(0, size).copy(answer.data(), size);
  return answer;
}

Result<Secret> encrypted(host::Host& host, const Pin& pin, const Secret& passphrase) {
  host::Command command;
  command.arguments = {"encrypt", pin.name, pin.config};
  command.secret_input = &passphrase;
  return answer_of(host, std::move(command));
}

Result<Secret> decrypted(host::Host& host, const std::string& jwe) {
  host::Command command;
  command.arguments = {"decrypt"};
  command.input = jwe;
  return answer_of(host, std::move(command));
}

// --- Tokens

// The number in "keyslots", of which Clevis' tokens have one.
std::optional<int> slot_of(const Value& token) {
  const Value* const slots = token.find("keyslots");
  if (slots == nullptr || slots->kind != Value::Kind::array || slots->items.size() != 1) {
    return std::nullopt;
  }
  const std::string_view text = slots->items.front().string.view();
  int slot = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), slot);
  return error == std::errc() && end == text.end() && !text.empty() ? std::optional(slot) : std::nullopt;
}

std::optional<Binding> binding_of(const std::string& token) {
  const auto parsed = parsed_object(token, "a token");
  const Value* const type = parsed ? parsed->find("type") : nullptr;
  const Value* const jwe = parsed ? parsed->find("jwe") : nullptr;
  if (type == nullptr || type->string != "clevis" || jwe == nullptr || jwe->kind != Value::Kind::object) {
    return std::nullopt;
  }
  const auto slot = slot_of(*parsed);
  if (!slot) {
    return std::nullopt;
  }
  std::vector<std::string> texts;
  for (const auto name : parts) {
    const Value* const part = jwe->find(name);
    texts.push_back(part == nullptr ? "" : part->string.str());
  }
  return Binding{*slot, join(texts, ".")};
}

// Those whose key slot is in use.
std::vector<Binding> bindings_of(const host::LuksSlots& slots) {
  std::vector<Binding> found;
  for (const auto& token : slots.tokens) {
    auto binding = binding_of(token);
    if (binding && std::find(slots.used.begin(), slots.used.end(), binding->slot) != slots.used.end()) {
      found.push_back(*std::move(binding));
    }
  }
  return found;
}

}  // namespace

bool wants_binding(const spec::Luks& volume) {
  const spec::Clevis& clevis = volume.clevis;
  return !clevis.tang.empty() || clevis.tpm2.value_or(false) || clevis.threshold.value_or(0) != 0 ||
         is_given(clevis.custom.pin);
}

bool needs_network(const spec::Clevis& clevis) {
  return !clevis.tang.empty() || clevis.custom.needs_network.value_or(false);
}

bool can_be_tried(const spec::Clevis& clevis) {
  const auto here = std::count_if(clevis.tang.begin(), clevis.tang.end(),
                                  [](const spec::Tang& server) { return !is_given(server.advertisement); });
  return is_given(clevis.custom.pin) || here + (clevis.tpm2.value_or(false) ? 1 : 0) >= threshold_of(clevis);
}

std::string binding_words(const spec::Clevis& clevis) {
  if (is_given(clevis.custom.pin)) {
    return "the pin " + printable(*clevis.custom.pin);
  }
  std::vector<std::string> pins;
  for (const auto& server : clevis.tang) {
    pins.push_back("Tang at " + printable(spec::public_form(server.url)));
  }
  if (clevis.tpm2.value_or(false)) {
    pins.emplace_back("the TPM");
  }
  const std::string words = join(pins, ", ");
  return pins.size() < 2 ? words : words + " (" + std::to_string(threshold_of(clevis)) + " of them open it)";
}

std::optional<BindingFault> binding_fault(const spec::Clevis& clevis) {
  if (is_given(clevis.custom.pin)) {
    const bool sound = parsed_object(clevis.custom.config.value_or(""), "the config").has_value();
    return sound ? std::nullopt : std::optional(BindingFault{"custom", "the config of the pin is no JSON object"});
  }
  const auto pins = static_cast<std::int64_t>(clevis.tang.size()) + (clevis.tpm2.value_or(false) ? 1 : 0);
  if (clevis.threshold.value_or(0) < 0 || threshold_of(clevis) > pins) {
    return BindingFault{"threshold", "nothing would ever open the volume: of " + std::to_string(pins) + " pins " +
                                         std::to_string(clevis.threshold.value_or(0)) + " must help"};
  }
  for (const auto& server : clevis.tang) {
    if (is_given(server.advertisement) && !parsed_object(*server.advertisement, "it")) {
      return BindingFault{"tang", "the advertisement of " + printable(spec::public_form(server.url)) +
                                      " is no JSON object, as the server answers for <url>/adv"};
    }
  }
  return std::nullopt;
}

std::optional<std::string> clevis_token(std::string_view jwe, int slot) {
  const auto texts = split(jwe, '.');
  if (texts.size() != parts.size() || texts.front().empty() || texts[3].empty()) {
    return std::nullopt;
  }
  Value held = Value::object();
  for (const std::size_t part : order) {
    held.add(parts.at(part), Value::of(std::string(texts[part])));
  }
  Value slots = Value::array();
  slots.items.push_back(Value::of(std::to_string(slot)));
  Value token = Value::object();
  token.add("type", Value::of("clevis"));
  token.add("keyslots", std::move(slots));
  token.add("jwe", std::move(held));
  return fields::write_json(token);
}

Result<void> bind_volume(host::Host& host, const host::DeviceRef& device, const spec::Clevis& clevis,
                         const Secret& key) {
  TRY(remove_strays(host, device, key));
  const auto advertisements =
      TRY_WHILE(fetched_advertisements(host.fetcher, clevis), "asking the Tang servers for their keys");
  const Pin pin = TRY(pin_of(clevis, advertisements));
  const Secret passphrase = TRY(host.crypt.new_key(passphrase_bytes));
  // No secret any more.
  const Secret jwe = TRY(encrypted(host, pin, passphrase));
  if (!clevis_token(trim(jwe.view()), 0)) {
    return Error(Code::program_failed, "clevis encrypt answers with something that is no JWE");
  }
  const int slot = TRY(host.crypt.add_key(device, key, passphrase));
  return host.crypt.add_token(device, *clevis_token(trim(jwe.view()), slot));
}

Result<bool> open_bound(host::Host& host, const host::DeviceRef& device, const std::string& name,
                        const host::LuksOpen& options) {
  const auto bindings = bindings_of(TRY(host.crypt.slots(device)));
  std::optional<Error> first;
  for (const auto& binding : bindings) {
    auto passphrase = decrypted(host, binding.jwe);
    if (!passphrase) {
      first = first ? std::move(first) : std::move(passphrase).error();
      continue;
    }
    host::LuksOpen by_slot = options;
    by_slot.key_slot = binding.slot;
    if (TRY(host.crypt.open(device, name, by_slot, *passphrase))) {
      return true;
    }
    first = first ? std::move(first)
                  : Error(Code::conflict, "what Clevis decrypts does not open key slot " +
                                              std::to_string(binding.slot) + " of " + device.path);
  }
  if (first) {
    return *std::move(first);
  }
  return false;
}

Result<void> remove_key_of(host::Host& host, const host::DeviceRef& device, const Secret& key) {
  const auto bindings = bindings_of(TRY(host.crypt.slots(device)));
  if (bindings.empty()) {
    return Error(Code::conflict, device.path + " is not bound by Clevis: without its key nothing would open it");
  }
  return remove_slots_of(host, device, key);
}

}  // namespace provision::plan
