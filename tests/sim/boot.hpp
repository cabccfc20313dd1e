// SPDX-License-Identifier: Apache-2.0
// A first boot on a simulated machine, stage by stage, as the units of the initramfs run them.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/path.hpp"
#include "host/sim/simhost.hpp"
#include "sim/machines.hpp"
#include "stages/documents.hpp"
#include "stages/hooks.hpp"
#include "stages/stage.hpp"

namespace provision::test {

// A config that makes one empty file, `ignition` beside the version of its section.
inline std::string config(const std::string& file, const std::string& ignition = {}) {
  return R"({"ignition": {"version": "3.4.0")" + ignition + R"(}, "storage": {"files": [{"path": "/)" + file +
         R"("}]}})";
}

inline bool has(const std::string& text, std::string_view part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

class BootListener final : public run::Listener {
 public:
  void on(const run::Event& event) override { said += event.text + "\n"; }
  std::string said;
};

class Boot {
 public:
  explicit Boot(const host::sim::MachineSpec& spec = two_disk_machine(), std::string platform = "qemu",
                host::sim::FaultPlan faults = {})
      : sim_(spec, std::move(faults)), host_(sim_.host()), platform_(std::move(platform)) {}

  void put(const std::string& path, const std::string& content) {
    REQUIRE(stages::make_own_directory(host_.own, path::parent(path)));
    REQUIRE(host_.own.replace(path, content, 0600, {}));
  }
  // Empty, or the error.
  std::string run(std::string_view name) {
    // On this thread alone: the simulated machine has no locks.
    stages::Context context{
        host_,         listener_, platform_, "/run/provision/boot/ignition.firstboot", std::chrono::milliseconds(1000),
        {.workers = 0}};
    const auto result = stages::run_stage(context, *stages::find_stage(name));
    place_ = result || !result.error().origin ? std::string() : to_string(*result.error().origin);
    return result ? std::string() : to_string(result.error());
  }
  // Of the last error, if it has one: "document:line:column".
  [[nodiscard]] const std::string& place() const { return place_; }
  // The names of the files of the config that later stages see, or why there is none.
  std::string files() {
    const auto loaded = stages::load_config(host_);
    if (!loaded) {
      return to_string(loaded.error());
    }
    std::string names;
    for (const auto& file : loaded->config->storage.files) {
      names += file.path.substr(1) + " ";
    }
    return names;
  }
  bool has(std::string_view path) { return host_.own.look(path)->has_value(); }
  std::string text(std::string_view path) { return host_.own.read(path, 1 << 20).value_or(""); }
  host::Host& host() { return host_; }
  // Mutating calls so far.
  [[nodiscard]] std::size_t calls() { return sim_.calls(); }
  std::string& said() { return listener_.said; }
  [[nodiscard]] const std::vector<std::string>& measured() const { return sim_.measured(); }
  void give(const std::string& config) { sim_.set_fw_cfg("opt/com.coreos/config", config); }

 private:
  host::sim::SimHost sim_;
  host::Host host_;
  std::string platform_;
  std::string place_;
  BootListener listener_;
};

}  // namespace provision::test
