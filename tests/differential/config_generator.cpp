// SPDX-License-Identifier: Apache-2.0
// config-generator SEED COUNT: configs of specs 3.0.0 to 3.3.0 to stdout, a NUL behind each. They are grown from our
// own field tables with plausible values and made to hold together; then most are spoilt in one place or a few, as
// people and renderers spoil them. The same seed gives the same configs.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "differential/plausible.hpp"
#include "fields/json.hpp"
#include "fields/shape.hpp"
#include "spec/config.hpp"

namespace provision::test {
namespace {

using fields::Member;
using fields::Shape;
using fields::ShapeField;
using fields::Value;
using fields::Version;
using Kind = Value::Kind;

// The standard's distributions differ between libraries; these do not.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::size_t below(std::size_t end) { return static_cast<std::size_t>(engine_() % end); }
  bool chance(std::size_t percent) { return below(100) < percent; }
  template <class List>
  auto& pick(List& list) {
    return list[below(list.size())];
  }

 private:
  std::mt19937_64 engine_;
};

Value* member(Value& record, std::string_view key) {
  for (auto& m : record.members) {
    if (m.key == key) {
      return &m.value;
    }
  }
  return nullptr;
}
void drop(Value& record, std::string_view key) {
  std::erase_if(record.members, [&](const Member& m) { return m.key == key; });
}
void put(Value& record, std::string_view key, Value value) {
  drop(record, key);
  record.add(std::string(key), std::move(value));
}
bool is_text(const Value* value) { return value != nullptr && value->kind == Kind::string && !value->string.empty(); }
bool starts(const Value* value, std::string_view with) {
  return is_text(value) && value->string.view().starts_with(with);
}

Value raw_number(std::string_view text) {
  Value number;
  number.kind = Kind::other_number;
  number.string = fields::HeldText(text);
  return number;
}

// --- Growing

class Grower {
 public:
  Grower(Random& random, Version version) : random_(random), version_(version) {}

  Value value(const Shape& shape, std::string_view record, std::string_view field) {
    switch (shape.kind) {
      case Shape::Kind::string:
        return Value::of(text(random_.pick(plausible_string(record, field).good)));
      case Shape::Kind::integer:
        return Value::of(integer(field));
      case Shape::Kind::boolean:
        return Value::of(random_.chance(50));
      case Shape::Kind::list: {
        Value list = Value::array();
        const std::size_t count = random_.chance(5) ? 0 : 1 + random_.below(random_.chance(20) ? 3 : 2);
        for (std::size_t i = 0; i < count; ++i) {
          list.items.push_back(value(shape.element.front(), record, field));
        }
        return list;
      }
      case Shape::Kind::record:
        return this->record(shape, field);
    }
    return {};
  }

  // Fills in the marks of a plausible text.
  std::string text(std::string_view pattern) {
    std::string made;
    for (const char c : pattern) {
      if (c == '~') {
        made += std::to_string(++count_);
      } else if (c == '$') {
        made += static_cast<char>('1' + random_.below(3));
      } else {
        made += c;
      }
    }
    return made;
  }

 private:
  [[nodiscard]] bool has(const ShapeField& field) const {
    return field.since <= version_ && version_ < field.until && !field.extension;
  }

  Value record(const Shape& shape, std::string_view name) {
    Value made = Value::object();
    for (const auto& field : shape.fields) {
      const std::size_t percent = field.required ? 100 : name.empty() ? 60 : shape.fields.size() > 6 ? 30 : 50;
      if (has(field) && random_.chance(percent)) {
        made.add(std::string(field.name), value(field.shape, name, field.name));
      }
    }
    settle(made, name);
    return made;
  }

  std::int64_t integer(std::string_view field) {
    if (field == "mode") {
      constexpr std::array modes{420, 493, 384, 0, 511};
      return random_.pick(modes);
    }
    return static_cast<std::int64_t>(random_.below(field == "number" ? 9 : 5000));
  }

  Value string_for(std::string_view record, std::string_view field) {
    return Value::of(text(random_.pick(plausible_string(record, field).good)));
  }

  // What the spec asks of the fields of one record together.
  void settle(Value& made, std::string_view name) {
    if (name == "disks") {
      settle_partitions(made);
    } else if (name == "raid") {
      put(made, "level", string_for(name, "level"));
      if (const Value* devices = member(made, "devices"); devices == nullptr || devices->items.empty()) {
        put(made, "devices", Value::array());
        member(made, "devices")->items.push_back(string_for(name, "devices"));
      }
    } else if (name == "luks") {
      put(made, "device", string_for(name, "device"));
    } else if (name == "clevis") {
      if (member(made, "custom") != nullptr) {
        made.members = {
            *std::find_if(made.members.begin(), made.members.end(), [](const Member& m) { return m.key == "custom"; })};
      }
    } else if (name == "custom" && !made.members.empty()) {
      put(made, "pin", string_for(name, "pin"));
      put(made, "config", Value::of(std::string("{}")));
    } else if (name == "tang") {
      put(made, "thumbprint", Value::of(std::string("print")));
    } else if (name == "filesystems") {
      if (member(made, "format") == nullptr) {
        made.members = {made.members.front()};
      }
    } else if (name == "files") {
      const Value* contents = member(made, "contents");
      if (contents == nullptr || contents->find("source") == nullptr) {
        drop(made, "overwrite");
      }
    } else if ((name == "user" || name == "group") && member(made, "id") != nullptr) {
      drop(made, "name");
    } else if (name == "links") {
      put(made, "target", string_for(name, "target"));
    } else if (name == "httpHeaders") {
      put(made, "value", string_for(name, "value"));
    } else {
      settle_resource(made, name);
    }
  }

  void settle_resource(Value& made, std::string_view name) {
    const bool needs_source = name == "merge" || name == "certificateAuthorities";
    if (needs_source && !is_text(member(made, "source"))) {
      put(made, "source", Value::of(text("http://example.com/config-~")));
    }
    if (name == "contents" || name == "append" || name == "replace" || name == "keyFile" || needs_source) {
      if (member(made, "source") == nullptr) {
        drop(made, "verification");
      }
      if (!starts(member(made, "source"), "http")) {
        drop(made, "httpHeaders");
      }
    }
  }

  void settle_partitions(Value& disk) {
    Value* partitions = member(disk, "partitions");
    if (partitions == nullptr) {
      return;
    }
    std::int64_t number = 0;
    for (auto& partition : partitions->items) {
      ++number;
      const Value* exists = member(partition, "shouldExist");
      if (exists != nullptr && !exists->boolean) {
        partition.members.clear();
        partition.add("shouldExist", Value::of(false));
      } else if (member(partition, "startMiB") != nullptr) {
        put(partition, "startMiB", Value::of(number * (random_.chance(70) ? 5000 : 1000)));
        put(partition, "sizeMiB", Value::of(static_cast<std::int64_t>(random_.below(10) * 500)));
      }
      if (member(partition, "label") == nullptr || random_.chance(50)) {
        put(partition, "number", Value::of(number));
      } else {
        drop(partition, "number");
      }
    }
  }

  Random& random_;
  Version version_;
  std::size_t count_ = 0;
};

// --- Spoiling

// A value of the config, with the field it belongs to.
struct Node {
  Value* value;
  const Shape* shape;
  std::string_view record;
  std::string_view field;
};

void collect(Value& value, const Shape& shape, std::string_view record, std::string_view field,
             std::vector<Node>& into) {
  into.push_back({&value, &shape, record, field});
  if (shape.kind == Shape::Kind::list) {
    for (auto& item : value.items) {
      collect(item, shape.element.front(), record, field, into);
    }
  }
  for (auto& m : value.members) {
    for (const auto& row : shape.fields) {
      if (row.name == m.key) {
        collect(m.value, row.shape, field, row.name, into);
      }
    }
  }
}

void collect_names(const Shape& shape, std::vector<std::string_view>& into) {
  for (const auto& element : shape.element) {
    collect_names(element, into);
  }
  for (const auto& field : shape.fields) {
    into.push_back(field.name);
    collect_names(field.shape, into);
  }
}

class Spoiler {
 public:
  Spoiler(Random& random, Grower& grower, const Shape& shape) : random_(random), grower_(grower), shape_(shape) {
    collect_names(shape, names_);
  }

  // One change; a way that does not fit the value it meets gives way to another.
  void spoil(Value& config) {
    using Way = bool (Spoiler::*)(Node);
    constexpr std::array ways{&Spoiler::twice,    &Spoiler::odd,         &Spoiler::odd,    &Spoiler::odd,
                              &Spoiler::odd,      &Spoiler::other_type,  &Spoiler::null,   &Spoiler::wrap,
                              &Spoiler::boundary, &Spoiler::boundary,    &Spoiler::number, &Spoiler::give,
                              &Spoiler::give,     &Spoiler::give,        &Spoiler::give,   &Spoiler::twice,
                              &Spoiler::again,    &Spoiler::leave_out,   &Spoiler::borrow, &Spoiler::tweak,
                              &Spoiler::tweak,    &Spoiler::lengthen,    &Spoiler::empty,  &Spoiler::flip,
                              &Spoiler::flip,     &Spoiler::unknown_key, &Spoiler::case_of};
    static_assert(std::is_same_v<decltype(ways)::value_type, Way>);
    for (int tries = 0; tries < 50; ++tries) {
      nodes_.clear();
      collect(config, shape_, "", "", nodes_);
      const Node node = random_.pick(nodes_);
      const Way way = random_.pick(ways);
      // There is a version in every config, and a container around everything: most changes shall be elsewhere.
      const bool container = node.value->kind == Kind::object || node.value->kind == Kind::array;
      const bool coarse = way == &Spoiler::other_type || way == &Spoiler::wrap || way == &Spoiler::null ||
                          way == &Spoiler::empty || way == &Spoiler::leave_out;
      const bool often = node.field == "version" || (container && coarse);
      if ((!often || random_.chance(15)) && (this->*way)(node)) {
        return;
      }
    }
  }

 private:
  bool odd(Node node) {
    if (node.value->kind != Kind::string) {
      return false;
    }
    *node.value = Value::of(grower_.text(random_.pick(plausible_string(node.record, node.field).odd)));
    return true;
  }

  bool other_type(Node node) {
    std::array<Value, 6> others{
        Value::of(std::int64_t{7}), Value::of(std::string("text")), Value::of(true), Value::array(), Value::object(),
        raw_number("1.5")};
    *node.value = random_.pick(others);
    return true;
  }

  bool null(Node node) {
    *node.value = Value{};
    return true;
  }

  // A field more, of this or a later version, which may not go with those that are there.
  bool give(Node node) {
    if (node.value->kind != Kind::object || node.shape->fields.empty()) {
      return false;
    }
    const ShapeField& field = random_.pick(node.shape->fields);
    if (member(*node.value, field.name) != nullptr) {
      return false;
    }
    Value more = grower_.value(field.shape, node.field, field.name);
    if (more.kind == Kind::string && random_.chance(30)) {
      more = Value::of(grower_.text(random_.pick(plausible_string(node.field, field.name).odd)));
    }
    node.value->add(field.name, std::move(more));
    return true;
  }

  bool boundary(Node node) {
    if (node.value->kind != Kind::integer) {
      return false;
    }
    constexpr std::array<std::int64_t, 22> numbers{-1,
                                                   0,
                                                   1,
                                                   2,
                                                   127,
                                                   128,
                                                   129,
                                                   493,
                                                   511,
                                                   512,
                                                   644,
                                                   755,
                                                   1000,
                                                   1024,
                                                   2048,
                                                   4095,
                                                   4096,
                                                   65536,
                                                   2147483648,
                                                   -2147483648,
                                                   9223372036854775807,
                                                   -9223372036854775807 - 1};
    *node.value = Value::of(random_.pick(numbers));
    return true;
  }

  bool number(Node node) {
    if (node.value->kind != Kind::integer) {
      return false;
    }
    constexpr std::array<std::string_view, 9> forms{
        "420.0", "1e2", "-0", "0.5", "1E400", "9223372036854775808", "18446744073709551616", "-9223372036854775809",
        "0e0"};
    *node.value = raw_number(random_.pick(forms));
    return true;
  }

  bool unknown_key(Node node) {
    if (node.value->kind != Kind::object) {
      return false;
    }
    const std::string key(random_.chance(30) ? "unknown" : random_.pick(names_));
    if (member(*node.value, key) == nullptr) {
      std::array<Value, 4> values{Value::of(std::int64_t{1}), Value::of(std::string("text")), Value::array(),
                                  Value::object()};
      node.value->add(key, random_.pick(values));
    }
    return true;
  }

  Member* some_member(Node node) { return node.value->members.empty() ? nullptr : &random_.pick(node.value->members); }

  bool case_of(Node node) {
    Member* m = some_member(node);
    if (m == nullptr || m->key.empty()) {
      return false;
    }
    std::string key = m->key.str();
    const std::size_t at = random_.below(key.size());
    const char letter = key[at];
    if (letter == 's' && random_.chance(20)) {
      key.replace(at, 1, "\xc5\xbf");  // folds to s
    } else if (letter == 'k' && random_.chance(20)) {
      key.replace(at, 1, "\xe2\x84\xaa");  // folds to k
    } else if (letter >= 'a' && letter <= 'z') {
      key[at] = static_cast<char>(letter - 'a' + 'A');
    } else if (letter >= 'A' && letter <= 'Z') {
      key[at] = static_cast<char>(letter - 'A' + 'a');
    }
    m->key = fields::HeldText(key);
    return true;
  }

  // The same key once more, before or behind, with the same value, another, or what is left of it.
  bool twice(Node node) {
    Member* m = some_member(node);
    if (m == nullptr) {
      return false;
    }
    Member more = *m;
    if (random_.chance(25)) {
      more.value = Value{};
    } else if (!more.value.members.empty() && random_.chance(50)) {
      more.value.members.erase(more.value.members.begin());
    } else if (!more.value.items.empty() && random_.chance(50)) {
      more.value.items.pop_back();
    } else if (more.value.kind == Kind::string && random_.chance(50)) {
      more.value.string = fields::HeldText(more.value.string.str() + "-more");
    }
    auto& members = node.value->members;
    members.insert(random_.chance(50) ? members.begin() : members.end(), std::move(more));
    return true;
  }

  bool again(Node node) {
    if (node.value->items.empty()) {
      return false;
    }
    Value more = random_.pick(node.value->items);
    if (more.members.size() > 1 && random_.chance(50)) {
      more.members.pop_back();
    }
    node.value->items.push_back(std::move(more));
    return true;
  }

  bool leave_out(Node node) {
    if (!node.value->items.empty()) {
      node.value->items.erase(node.value->items.begin() +
                              static_cast<std::ptrdiff_t>(random_.below(node.value->items.size())));
      return true;
    }
    if (const Member* m = some_member(node)) {
      drop(*node.value, m->key.str());
      return true;
    }
    return false;
  }

  // A text of another place, or one below it: names that meet.
  bool borrow(Node node) {
    if (node.value->kind != Kind::string) {
      return false;
    }
    const Node other = random_.pick(nodes_);
    if (other.value->kind != Kind::string || other.value == node.value) {
      return false;
    }
    constexpr std::array<std::string_view, 5> ends{"", "", "/below", "/..", "x"};
    *node.value = Value::of(other.value->string.str() + std::string(random_.pick(ends)));
    return true;
  }

  bool tweak(Node node) {
    if (node.value->kind != Kind::string) {
      return false;
    }
    constexpr std::array<std::string_view, 40> bits{"/",  ":",  ".",  "%",    "#",    "?",        "&",  "=", "+",  "-",
                                                    "_",  "~",  "@",  "[",    "]",    "(",        ",",  ";", "\"", "\\",
                                                    " ",  "\n", "\t", "\x01", "\x7f", "a",        "Z",  "0", "<",  "|",
                                                    "%4", "..", "//", "%25",  "!",    "\xc3\xa4", "\r", "'", "$",  "*"};
    std::string text = node.value->string.str();
    const std::size_t at = random_.below(text.size() + 1);
    // Never through the middle of a character.
    const bool plain = at < text.size() && static_cast<unsigned char>(text[at]) < 0x80U;
    const bool edge = at == text.size() || (static_cast<unsigned char>(text[at]) & 0xc0U) != 0x80U;
    if (plain && random_.chance(35)) {
      text.erase(at, 1);
    } else if (edge) {
      text.insert(at, random_.pick(bits));
    }
    node.value->string = fields::HeldText(text);
    return true;
  }

  bool lengthen(Node node) {
    if (node.value->kind != Kind::string) {
      return false;
    }
    constexpr std::array<std::size_t, 20> lengths{11, 12, 13,  15,  16,  17,  35,   36,   37,   47,
                                                  48, 49, 128, 255, 256, 257, 2047, 2048, 2049, 5000};
    std::string text = node.value->string.str();
    text.resize(random_.pick(lengths), 'x');
    // A character that was cut is no text any more.
    std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80U; });
    node.value->string = fields::HeldText(text);
    return true;
  }

  bool empty(Node node) {
    node.value->members.clear();
    node.value->items.clear();
    node.value->string = {};
    return node.value->kind != Kind::other_number;
  }

  bool wrap(Node node) {
    if (node.value->kind == Kind::array && node.value->items.size() == 1) {
      Value only = std::move(node.value->items.front());
      *node.value = std::move(only);
      return true;
    }
    Value list = Value::array();
    list.items.push_back(*node.value);
    *node.value = std::move(list);
    return true;
  }

  bool flip(Node node) {
    node.value->boolean = !node.value->boolean;
    return node.value->kind == Kind::boolean;
  }

  Random& random_;
  Grower& grower_;
  const Shape& shape_;
  std::vector<std::string_view> names_;
  std::vector<Node> nodes_;
};

// As it stands: repeated keys, and numbers in their own digits. fields::write_json has neither.
class Writer {
 public:
  explicit Writer(std::string_view line_break) : break_(line_break) {}

  std::string text(const Value& value) {
    write(value);
    return std::move(text_);
  }

 private:
  void write(const Value& value) {
    if (value.kind == Kind::other_number) {
      text_ += value.string.view();
    } else if (value.kind == Kind::array) {
      write_parts('[', value.items, ']');
    } else if (value.kind == Kind::object) {
      write_parts('{', value.members, '}');
    } else {
      text_ += fields::write_json(value);
    }
  }

  void write(const Member& member) {
    text_ += fields::write_json(Value::of(member.key.view())) + ": ";
    write(member.value);
  }

  template <class Part>
  void write_parts(char open, const std::vector<Part>& parts, char close) {
    text_ += open;
    for (const auto& part : parts) {
      text_ += (&part == parts.data() ? "" : ",") + std::string(break_);
      write(part);
    }
    text_ += std::string(break_) + close;
  }

  std::string_view break_;
  std::string text_;
};

// What is no JSON, or nearly.
void spoil_text(std::string& text, Random& random) {
  constexpr std::array<std::string_view, 22> pieces{
      ",",  "}",       "{",       "]",  "[",    "null",         "\"", "//x\n", "/*x*/", "\xef\xbb\xbf", "\xff", "\xc3",
      "\\", "\\ud800", "\\u00e4", "\t", "\x01", "\xed\xa0\x80", "\v", "0",     "-",     "\\x"};
  switch (random.below(5)) {
    case 0:
      text.resize(random.below(text.size()));
      break;
    case 1:
      text.erase(random.below(text.size()), 1);
      break;
    case 2:
      text += random.pick(pieces);
      break;
    case 3:
      text.insert(0, random.pick(pieces));
      break;
    default:
      text.insert(random.below(text.size()), random.pick(pieces));
      break;
  }
}

std::string make_config(Random& random, const Shape& shape) {
  // The later ones have more fields.
  constexpr std::array<std::uint8_t, 8> minors{0, 1, 1, 2, 2, 3, 3, 3};
  const Version version{3, random.pick(minors)};
  Grower grower(random, version);
  Value config = grower.value(shape, "", "");
  if (Value* ignition = member(config, "ignition")) {
    put(*ignition, "version", Value::of("3." + std::to_string(version.minor) + ".0"));
    std::rotate(ignition->members.begin(), ignition->members.end() - 1, ignition->members.end());
  }
  Spoiler spoiler(random, grower, shape);
  const std::size_t kind = random.below(100);
  const std::size_t changes = kind < 15 ? 0 : kind < 75 ? 1 : kind < 90 ? 2 : 4;
  for (std::size_t i = 0; i < changes; ++i) {
    spoiler.spoil(config);
  }
  std::string text = Writer(random.chance(50) ? "\n" : "").text(config);
  if (random.chance(4)) {
    spoil_text(text, random);
  }
  return text;
}

}  // namespace
}  // namespace provision::test

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: config-generator SEED COUNT\n", stderr);
    return 2;
  }
  const std::uint64_t seed = std::strtoull(argv[1], nullptr, 10);
  const std::uint64_t count = std::strtoull(argv[2], nullptr, 10);
  const auto shape = provision::fields::Engine<provision::spec::Config>::shape();
  for (std::uint64_t i = 0; i < count; ++i) {
    // Each config has a seed of its own: one can be made again without the others.
    provision::test::Random random(seed + i);
    const std::string text = provision::test::make_config(random, shape);
    std::fwrite(text.c_str(), 1, text.size() + 1, stdout);
  }
  return 0;
}
