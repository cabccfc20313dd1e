// SPDX-License-Identifier: Apache-2.0
// The vectors of merge/*.json: {"name", "parent", "child", "result"}, or "layers" instead of the two, laid over each
// other from the first on ("nest": "right": from the last on). A layer is a value, or a list of lines where places
// matter; one without a version has the vector's, or else the file's. "result": null is one that has errors. "notes"
// are those that are new in the result (none if left out), "origins" the places of some values. "oracle" is for
// tests/differential/merge.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "fields/json.hpp"
#include "spec/merge.hpp"

using namespace provision;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

namespace {

struct Vector {
  std::string name;
  Json content;
  std::string version;
};

std::vector<Vector> all_vectors() {
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(MERGE_VECTORS)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<Vector> vectors;
  for (const auto& path : paths) {
    std::ifstream file(path);
    const Json content = Json::parse(file);
    for (const auto& vector : content["vectors"]) {
      const std::string version = vector.value("version", content["version"].get<std::string>());
      vectors.push_back({path.stem().string() + ": " + vector["name"].get<std::string>(), vector, version});
    }
  }
  return vectors;
}

std::string text_of(Json layer, const std::string& version) {
  if (layer.is_array()) {
    std::string text;
    for (const auto& line : layer) {
      text += line.get<std::string>() + "\n";
    }
    return text;
  }
  if (!layer["ignition"].contains("version")) {
    layer["ignition"]["version"] = version;
  }
  return layer.dump();
}

spec::Parsed parsed(const std::string& name, const std::string& text) {
  spec::Parsed result = spec::parse(name, text);
  CAPTURE(text);
  for (const auto& note : result.notes.all) {
    INFO(note.text);
  }
  REQUIRE(result.config);
  return result;
}

std::vector<spec::Parsed> layers_of(const Vector& vector) {
  std::vector<spec::Parsed> layers;
  if (!vector.content.contains("layers")) {
    layers.push_back(parsed("parent", text_of(vector.content["parent"], vector.version)));
    layers.push_back(parsed("child", text_of(vector.content["child"], vector.version)));
    return layers;
  }
  for (const auto& layer : vector.content["layers"]) {
    layers.push_back(parsed("layer" + std::to_string(layers.size()), text_of(layer, vector.version)));
  }
  return layers;
}

spec::Parsed merged(std::vector<spec::Parsed> layers, bool last_first) {
  if (last_first) {
    std::reverse(layers.begin(), layers.end());
  }
  spec::Parsed result = std::move(layers.front());
  for (std::size_t i = 1; i < layers.size(); ++i) {
    result = last_first ? spec::merge(std::move(layers[i]), std::move(result))
                        : spec::merge(std::move(result), std::move(layers[i]));
  }
  return result;
}

spec::Parsed merged(const Vector& vector) {
  return merged(layers_of(vector), vector.content.value("nest", "left") == "right");
}

std::string written(const spec::Config& config) {
  return fields::write_json(fields::Engine<spec::Config>::write(config));
}

std::vector<std::string> texts(const std::vector<fields::Note>& notes) {
  std::vector<std::string> found;
  for (const auto& note : notes) {
    std::string text =
        to_string(note.origin) + " " + std::string(name_of(note.severity)) + " " + note.origin.path + " " + note.text;
    for (const auto& other : note.related) {
      text += " | " + to_string(other);
    }
    found.push_back(text);
  }
  return found;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) {
    text += line + "\n";
  }
  return text;
}

// The notes of the layers come first, as they were; the rest is new.
std::vector<std::string> new_notes(const Vector& vector, const spec::Parsed& result) {
  std::vector<std::string> of_layers;
  for (const auto& layer : layers_of(vector)) {
    for (auto& text : texts(layer.notes.all)) {
      of_layers.push_back(std::move(text));
    }
  }
  std::vector<std::string> all = texts(result.notes.all);
  for (const auto& text : of_layers) {
    CHECK(std::count(all.begin(), all.end(), text) > 0);
    std::erase(all, text);
  }
  return all;
}

std::vector<Origin> origins_of(const spec::Parsed& result) {
  fields::PathStack path;
  std::vector<Origin> found;
  fields::Engine<spec::Config>::origins(*result.config, result.sources, path, found);
  return found;
}

const fields::Document& document(const spec::Parsed& result, const std::string& name) {
  for (const auto& one : result.sources.documents) {
    if (one.name() == name) {
      return one;
    }
  }
  FAIL("no document " << name);
  return result.sources.documents.front();
}

const fields::Value& value_at(const fields::Value& root, std::size_t offset) {
  for (const auto& item : root.items) {
    if (item.at <= offset && offset < item.end) {
      return value_at(item, offset);
    }
  }
  for (const auto& member : root.members) {
    if (member.value.at <= offset && offset < member.value.end) {
      return value_at(member.value, offset);
    }
  }
  return root;
}

// What the user wrote at that place, as JSON.
std::string text_at(const spec::Parsed& result, const Origin& origin) {
  const fields::Document& from = document(result, origin.document);
  const fields::Value& value = value_at(from.root(), from.offset({origin.line, origin.column}));
  return from.text().substr(value.at, value.end - value.at);
}

// "$.storage.files.0.path" → "/storage/files/0/path"
Json::json_pointer pointer(const std::string& path) {
  std::string made = path.substr(1);
  std::replace(made.begin(), made.end(), '.', '/');
  return Json::json_pointer(made);
}

// Each value of the result stands in a document at the place that it says.
void check_places(const spec::Parsed& result) {
  const Json values = Json::parse(written(*result.config));
  for (const auto& origin : origins_of(result)) {
    CAPTURE(origin.path);
    const Json value = values.at(pointer(origin.path));
    const std::string text = text_at(result, origin);
    const bool is_version = origin.path == "$.ignition.version";  // Extensions are added to it.
    const bool left_out = origin.path.ends_with(".number") && value == 0 && text.front() == '{';
    const bool old_mode = origin.path.ends_with(".mode") && (Json::parse(text).get<int>() & 0777) == value;
    if (!is_version && !left_out && !old_mode) {
      CHECK(Json::parse(text) == value);
    }
  }
}

void check_origins(const Json& expected, const spec::Parsed& result) {
  for (const auto& each : expected.items()) {
    const std::string& path = each.key();
    const Json& place = each.value();
    CAPTURE(path);
    const auto found = origins_of(result);
    const auto one =
        std::find_if(found.begin(), found.end(), [&](const Origin& origin) { return origin.path == path; });
    REQUIRE(one != found.end());
    CHECK(to_string(*one) == place[0].get<std::string>() + ":" + place[1].dump() + ":" + place[2].dump());
  }
}

void check_result(const Vector& vector, const spec::Parsed& result) {
  if (vector.content["result"].is_null()) {
    CHECK_FALSE(result.config.has_value());
    return;
  }
  REQUIRE(result.config);
  const spec::Parsed expected = parsed("result", text_of(vector.content["result"], vector.version));
  CHECK(written(*result.config) == written(*expected.config));
  CHECK(*result.config == *expected.config);
  CHECK(spec::meaning(*result.config) == spec::meaning(*expected.config));
  CHECK(result.version == expected.version);
  check_places(result);
}

// The paths of all values without the numbers of elements; keys as the tables have them.
void collect(const fields::Value& value, const std::string& path, std::set<std::string>& paths) {
  paths.insert(path);
  for (const auto& item : value.items) {
    collect(item, path, paths);
  }
  for (const auto& member : value.members) {
    collect(member.value, path + "." + std::string(member.key), paths);
  }
}

void collect(const fields::Shape& shape, const std::string& path, std::set<std::string>& paths) {
  paths.insert(path);
  for (const auto& element : shape.element) {
    collect(element, path, paths);
  }
  for (const auto& field : shape.fields) {
    collect(field.shape, path + "." + std::string(field.name), paths);
  }
}

}  // namespace

TEST_CASE("merge: every vector") {
  const auto vectors = all_vectors();
  CHECK(vectors.size() == 297);
  for (const auto& vector : vectors) {
    CAPTURE(vector.name);
    const spec::Parsed result = merged(vector);
    check_result(vector, result);
    CHECK(joined(new_notes(vector, result)) == joined(vector.content.value("notes", std::vector<std::string>{})));
    check_origins(vector.content.value("origins", Json::object()), result);
  }
}

TEST_CASE("merge: the vectors lay every field of the spec over its like") {
  std::set<std::string> missing;
  collect(fields::Engine<spec::Config>::shape(), "$", missing);
  for (const auto& vector : all_vectors()) {
    const auto layers = layers_of(vector);
    std::set<std::string> parent;
    std::set<std::string> child;
    collect(layers.front().sources.documents.front().root(), "$", parent);
    collect(layers.back().sources.documents.front().root(), "$", child);
    std::erase_if(missing, [&](const std::string& path) { return parent.contains(path) && child.contains(path); });
  }
  // Each document has spelled these out before it is merged (spec/extension_images.hpp, spec/parent_directories.hpp).
  std::erase_if(missing, [](const std::string& path) {
    return path.starts_with("$.provision.systemExtensions") ||
           path.starts_with("$.provision.configurationExtensions") || path.starts_with("$.provision.parentDirectories");
  });
  // Refused in every document: when subvolumes are made nobody knows names.
  missing.erase("$.provision.subvolumes.user.name");
  missing.erase("$.provision.subvolumes.group.name");
  CHECK(joined({missing.begin(), missing.end()}) == "");
}

// Unless a layer takes away what an upper one gives again ("again"): then it is the lowest one's that was taken away.
TEST_CASE("merge: laying layers over each other does not depend on which come first") {
  for (const auto& vector : all_vectors()) {
    if (vector.content.contains("layers") && !vector.content.contains("again")) {
      CAPTURE(vector.name);
      const spec::Parsed left = merged(layers_of(vector), false);
      const spec::Parsed right = merged(layers_of(vector), true);
      REQUIRE(left.config);
      REQUIRE(right.config);
      CHECK(left.sources.documents.size() == right.sources.documents.size());
      CHECK(origins_of(left) == origins_of(right));
    }
  }
}

TEST_CASE("merge: with an empty config, either way, it is the same config with the same places") {
  const std::string empty = R"({"ignition":{"version":"3.0.0"}})";
  for (const auto& vector : all_vectors()) {
    CAPTURE(vector.name);
    for (const auto& layer : layers_of(vector)) {
      const spec::Parsed above = spec::merge(spec::parse("empty", empty), layer);
      const spec::Parsed below = spec::merge(layer, spec::parse("empty", empty));
      REQUIRE(above.config);
      REQUIRE(below.config);
      CHECK(written(*above.config) == written(*layer.config));
      CHECK(written(*below.config) == written(*layer.config));
      CHECK(above.notes.all == layer.notes.all);
      check_places(above);
      check_places(below);
    }
  }
}

TEST_CASE("merge: one that cannot be read leaves no config, and all notes") {
  const std::string good = R"({"ignition":{"version":"3.0.0"},"what":1})";
  const std::string bad = R"({"ignition":{"version":"3.0.0"},"storage":7})";
  for (const bool bad_below : {true, false}) {
    const spec::Parsed result =
        spec::merge(spec::parse("a", bad_below ? bad : good), spec::parse("b", bad_below ? good : bad));
    CHECK_FALSE(result.config.has_value());
    CHECK(result.notes.all.size() == 2);
    CHECK(result.sources.documents.size() == 2);
    CHECK(spec::error_of(result).origin->document == (bad_below ? "a" : "b"));
  }
}

TEST_CASE("merge: what was said of a document is not said again of the result") {
  const std::string text = R"({"ignition":{"version":"3.3.0"},"storage":{"files":[{"path":"/a","mode":1204}]}})";
  const spec::Parsed alone = spec::parse("a", text);
  REQUIRE(alone.notes.all.size() == 1);
  const spec::Parsed result = spec::merge(alone, spec::parse("b", R"({"ignition":{"version":"3.3.0"}})"));
  CHECK(result.notes.all == alone.notes.all);
}

TEST_CASE("merge: one replaces another") {
  const std::string one =
      "{\"ignition\":{\"version\":\"3.6.0\",\n \"config\":{\"replace\":{\"source\":\"http://a\"}}},\"what\":1}";
  const std::string other = R"({"ignition":{"version":"3.0.0"},"passwd":{"users":[{"name":"a"}]}})";
  const spec::Parsed alone = spec::parse("other", other);
  const spec::Parsed result = spec::replace(spec::parse("one", one), alone);
  REQUIRE(result.config);
  CHECK(*result.config == *alone.config);
  CHECK(result.version == alone.version);
  CHECK(spec::meaning(*result.config) == spec::meaning(*alone.config));
  CHECK(result.notes.all.size() == 1);
  REQUIRE(result.replaced.size() == 1);
  CHECK(to_string(result.replaced.front()) == "one:2:22");
  check_places(result);
  CHECK(spec::replace(result, spec::parse("third", "{")).config == std::nullopt);
}
