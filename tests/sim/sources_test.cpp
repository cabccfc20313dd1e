// SPDX-License-Identifier: Apache-2.0
// Where the config comes from, and what it refers to, on a simulated machine.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/path.hpp"
#include "host/sim/simhost.hpp"
#include "run/last_failure.hpp"
#include "sim/boot.hpp"
#include "sim/machines.hpp"
#include "spec/parse.hpp"
#include "stages/documents.hpp"
#include "stages/hooks.hpp"
#include "stages/sources.hpp"
#include "stages/stage.hpp"

using namespace provision;
using namespace provision::test;

namespace {

constexpr std::string_view neednet = "/run/ignition/neednet";

host::sim::MachineSpec machine(const std::string& line = {}, const std::string& platform_config = config("platform")) {
  auto spec = two_disk_machine();
  spec.command_line += line.empty() ? "" : " " + line;
  spec.fw_cfg.emplace("opt/com.coreos/config", platform_config);
  return spec;
}

}  // namespace

TEST_SUITE_BEGIN("sim sources");

TEST_CASE("kernel arguments: the last that says something, quotes, other words") {
  using stages::kernel_argument;
  CHECK(kernel_argument("a=1 a=2\n", "a=") == "2");
  CHECK(kernel_argument("a=1 a=", "a=") == "1");
  CHECK(kernel_argument("xa=1 \"b a=2\"", "a=") == std::nullopt);
  CHECK(kernel_argument("a=\"b c\" d", "a=") == "b c");
  CHECK(kernel_argument("\"a=b c\"", "a=") == "b c");
  CHECK(kernel_argument("", "a=") == std::nullopt);
}

TEST_CASE("the precedence of the user's config") {
  const std::vector<std::string> places{"/usr/lib/ignition/user.ign", "/etc/ignition/user.ign",
                                        "/run/ignition/user.ign"};
  Boot boot(machine());
  CHECK(boot.run("fetch-offline") == "");
  CHECK(boot.files() == "platform ");
  for (const auto& place : {std::string("/run/provision/boot/ignition/config.ign"), std::string("/config.ign"),
                            places[0], places[1], places[2]}) {
    Boot other(machine());
    for (const auto& earlier : {std::string("/run/provision/boot/ignition/config.ign"), std::string("/config.ign"),
                                places[0], places[1], places[2]}) {
      other.put(earlier, config(earlier == place ? "here" : "x" + std::to_string(earlier.size())));
      if (earlier == place) {
        break;
      }
    }
    CAPTURE(place);
    CHECK(other.run("fetch-offline") == "");
    CHECK(other.files() == "here ");
  }
  Boot line(machine("ignition.config.url=data:,%7B%22ignition%22%3A%7B%22version%22%3A%223.4.0%22%7D%7D"));
  line.put("/run/ignition/user.ign", config("user"));
  CHECK(line.run("fetch-offline") == "");
  CHECK(line.files() == "");
}

TEST_CASE("what the command line says and cannot be understood is an error") {
  for (const auto& [line, words] : std::vector<std::pair<std::string, std::string>>{
           {"ignition.config.url=http://[x", "ignition.config.url="},
           {"ignition.config.url=example.com/x", "no scheme"},
           {"ignition.config.url=gopher://x/", "scheme"},
           {"ignition.config.device=conf", "go together"},
           {"ignition.config.path=/x", "go together"},
           {"ignition.config.device=conf ignition.config.path=x", "absolute path"},
           {"ignition.config.device=../conf ignition.config.path=/x", "label"},
           {"ignition.config.url=data:,x ignition.config.device=c ignition.config.path=/x", "two configs"},
           {"ignition.config.device=nowhere ignition.config.path=/x", "nowhere"}}) {
    const std::string arguments = line;
    CAPTURE(arguments);
    Boot boot(machine(line));
    CHECK(has(boot.run("fetch-offline"), words));
    CHECK(has(boot.files(), "stage"));
  }
}

TEST_CASE("a config on a device, found by its label") {
  auto spec = machine("ignition.config.device=configs ignition.config.path=/a.ign");
  auto disk = blank_disk("/dev/vdc", "configs-disk");
  auto files = host::sim::tree();
  files["/a.ign"] = host::sim::regular(config("device"));
  disk.content = host::sim::file_system("ext4", "configs", uuid("configs").text(), files);
  spec.disks.push_back(disk);
  Boot boot(spec);
  CHECK(boot.run("fetch-offline") == "");
  CHECK(boot.files() == "device ");
  const auto mounts = boot.host().mounts.list();
  for (const auto& mount : *mounts) {
    CHECK(mount.target != "/run/provision/source");
  }
  spec.command_line += " ignition.config.path=/b.ign";
  Boot other(spec);
  CHECK(has(other.run("fetch-offline"), "\"configs\""));
  CHECK(other.host().mounts.list()->size() == boot.host().mounts.list()->size());
}

TEST_CASE("base configs lie below the user's, by name, higher directories first") {
  Boot boot(machine());
  boot.put("/usr/lib/ignition/base.d/20", config("b20"));
  boot.put("/usr/lib/ignition/base.d/10", config("b10"));
  boot.put("/etc/ignition/base.d/20", config("b20-etc"));
  boot.put("/usr/lib/ignition/base.platform.d/qemu/05", config("p05"));
  boot.put("/usr/lib/ignition/base.platform.d/aws/05", "broken");
  CHECK(boot.run("fetch-offline") == "");
  CHECK(boot.files() == "b10 b20-etc p05 platform ");
  for (const char* place : {"/etc/ignition/base.d/30", "/run/ignition/base.platform.d/qemu/30"}) {
    Boot broken(machine());
    broken.put(place, "{}");
    CHECK(has(broken.run("fetch-offline"), "spec version"));
  }
}

TEST_CASE("merge without the network, and with it") {
  const std::string far = config("own", R"(, "config": {"merge": [{"source": "http://x/1?token=geheim"}]})");
  auto spec = machine(
      {},
      config(
          "own",
          R"(, "config": {"merge": [{"source": "data:,%7B%22ignition%22%3A%7B%22version%22%3A%223.4.0%22%7D%7D"}]})"));
  Boot near(spec);
  CHECK(near.run("fetch-offline") == "");
  CHECK(near.files() == "own ");
  CHECK_FALSE(near.has(neednet));
  CHECK(near.run("fetch") == "");

  spec = machine({}, far);
  spec.http["http://x/1?token=geheim"] = {200, config("far", R"(, "config": {"merge": [{"source": "http://x/2"}]})")};
  spec.http["http://x/2"] = {200, config("farther")};
  Boot boot(spec);
  CHECK(boot.run("fetch-offline") == "");
  CHECK(boot.has(neednet));
  CHECK(has(boot.said(), "the network is needed: http://x/1\n"));
  CHECK_FALSE(has(boot.said(), "geheim"));
  CHECK(has(boot.files(), "stage fetch"));
  CHECK(boot.run("fetch") == "");
  CHECK(boot.files() == "own far farther ");
  // The later stages see each document under its own name.
  const auto loaded = stages::load_config(boot.host());
  CHECK(loaded->sources.documents.size() == 3);
  CHECK(loaded->sources.documents[1].name() == "http://x/1");
  CHECK(boot.host().own.look(stages::documents_path)->value().mode == 0600);
}

TEST_CASE("our own extensions can be turned off, and the config that asks for them stops the boot at its version") {
  const std::string extended =
      "{\"ignition\":\n {\"version\": \"3.6.0+provision.1\"}, \"provision\": {\"unfinished\": "
      "\"resume\"}}";
  for (const std::string line : {"", "provision.extensions=on"}) {
    CHECK(Boot(machine(line, extended)).run("fetch-offline") == "");
  }
  Boot off(machine("provision.extensions=off", extended));
  CHECK(has(off.run("fetch-offline"), "turned off here by provision.extensions=off"));
  CHECK(has(off.place(), ":2:"));
  CHECK(has(off.run("disks"), "fetch"));
  CHECK(Boot(machine("provision.extensions=off")).run("fetch-offline") == "");
  CHECK(has(Boot(machine("provision.extensions=no")).run("fetch-offline"), "it is on or off"));
  // A config that one refers to may ask for them, too.
  const std::string source =
      R"(, "config": {"merge": [{"source": "data:,%7B%22ignition%22:%7B%22version%22:%223.6.0%2Bprovision.1%22%7D%7D"}]})";
  CHECK(has(Boot(machine("provision.extensions=off", config("own", source))).run("fetch-offline"), "turned off here"));
}

TEST_CASE("a config that cannot be fetched stops the boot, at the user's line") {
  auto spec = machine({}, config("own", R"(, "config": {"merge": [{"source": "http://x/1"}]})"));
  spec.http["http://x/1"] = {404, "no"};
  Boot missing(spec);
  CHECK(missing.run("fetch-offline") == "");
  CHECK(has(missing.run("fetch"), "404"));
  spec.http["http://x/1"] = {200, "{}"};
  Boot broken(spec);
  CHECK(broken.run("fetch-offline") == "");
  CHECK(has(broken.run("fetch"), "spec version"));
  // The document is kept for the failure screen.
  const auto kept = stages::kept_documents(broken.host().own);
  REQUIRE(kept);
  CHECK(stages::find_document(*kept, "http://x/1")->bytes == "{}");
}

TEST_CASE("the command line's URL needs the network, and files that come from elsewhere do") {
  auto spec = machine("ignition.config.url=http://x/c");
  spec.http["http://x/c"] = {200, config("far")};
  Boot boot(spec);
  CHECK(boot.run("fetch-offline") == "");
  CHECK(boot.has(neednet));
  CHECK(boot.run("fetch") == "");
  CHECK(boot.files() == "far ");
}

TEST_CASE("the command line's URL may name the machine") {
  auto spec = machine("coreos.config.url=http://x/{uuid}/{mac}?s={serial}");
  spec.identity = {"4C4C4544-0042", "A B/1", {}};
  spec.http["http://x/4c4c4544-0042/52:54:00:aa:00:01?s=A%20B%2F1"] = {200, config("own")};
  Boot boot(spec);
  CHECK(boot.run("fetch-offline") == "");
  CHECK(boot.has(neednet));
  boot.put("/sys/class/net/br0/address", "52:54:00:00:00:00\n");
  boot.put("/sys/class/net/eth1/address", "52:54:00:aa:00:02\n");
  boot.put("/sys/class/net/eth1/device/vendor", "");
  boot.put("/sys/class/net/eth0/address", "52:54:00:aa:00:01\n");
  boot.put("/sys/class/net/eth0/device/vendor", "");
  CHECK(boot.run("fetch") == "");
  CHECK(boot.files() == "own ");

  spec = machine("ignition.config.url=http://x/{mac} BOOTIF=01-52-54-00-BB-00-09");
  spec.http["http://x/52:54:00:bb:00:09"] = {200, config("booted")};
  Boot booted(spec);
  CHECK(booted.run("fetch-offline") == "");
  CHECK(booted.run("fetch") == "");
  CHECK(booted.files() == "booted ");

  spec = machine("ignition.config.url=http://x/{serial}");
  spec.identity = {};
  Boot nameless(spec);
  CHECK(nameless.run("fetch-offline") == "");
  CHECK(has(nameless.run("fetch"), "asks for this machine's SMBIOS serial number, and it has none"));
}

TEST_CASE("a cloud's user-data is asked for when the network is there, and kept for the later stages") {
  auto spec = machine();
  spec.http["http://169.254.169.254/latest/api/token"] = {200, "token"};
  spec.http["http://169.254.169.254/2019-10-01/user-data"] = {200, config("far")};
  Boot boot(spec, "aws");
  CHECK(boot.run("fetch-offline") == "");
  CHECK(boot.has(neednet));
  CHECK(has(boot.said(), "the network is needed: the platform's config (the metadata service of AWS"));
  CHECK(boot.run("fetch") == "");
  CHECK(boot.files() == "far ");
  // Which address it was is kept where what happened is looked up later.
  constexpr std::string_view winner = "the user-data of AWS (169.254.169.254)";
  CHECK(has(boot.text("/run/provision/boot/provision/journal"), winner));
  const auto report = run::read_report(boot.host().own, run::report_path);
  REQUIRE(report);
  REQUIRE(report->has_value());
  CHECK((*report)->document == winner);
  REQUIRE((*report)->sources.size() == 1);
  CHECK((*report)->sources[0].name == winner);

  spec.http.clear();
  Boot dead(spec, "aws");
  CHECK(dead.run("fetch-offline") == "");
  CHECK(has(dead.run("fetch"), "the metadata service of AWS gave no answer within 120 seconds"));
  CHECK(has(dead.files(), "stage fetch"));
}

TEST_CASE("somebody else's user-data: told, and the machine boots as the image is, unless the image says stop") {
  Boot boot(machine({}, "#cloud-config\nusers: []\n"));
  CHECK(boot.run("fetch-offline") == "");
  CHECK(has(boot.said(), "no config: fw_cfg opt/com.coreos/config is a cloud-config, which is not for provision"));
  CHECK(boot.files() == "");
  Boot strict(machine("provision.foreign-user-data=stop", "#!/bin/sh\n"));
  CHECK(has(strict.run("fetch-offline"),
            "is a script, which is not for provision, and provision.foreign-user-data=stop"));
}

TEST_CASE("a confidential machine does not take its host's word") {
  const auto in = [](const std::string& technology, const std::string& line) {
    auto spec = machine(line);
    spec.confidential = technology;
    return spec;
  };
  Boot hidden(in("Intel TDX", ""));
  const std::string refused = hidden.run("fetch-offline");
  CHECK(has(refused, "this is a confidential machine (Intel TDX), and QEMU's fw_cfg is the word of its host"));
  CHECK(has(refused, "provision.confidential=no"));
  // What the machine brings itself counts, and what its command line names.
  Boot own(in("Intel TDX", ""));
  REQUIRE(own.host().own.replace("/config.ign", config("own"), 0400, {}));
  CHECK(own.run("fetch-offline") == "");
  CHECK(own.files() == "own ");
  Boot believing(in("Intel TDX", "provision.confidential=no"));
  CHECK(believing.run("fetch-offline") == "");
  CHECK(believing.files() == "platform ");
  Boot by_word(in("", "provision.confidential=yes"));
  CHECK(has(by_word.run("fetch-offline"), "a confidential machine (by provision.confidential=yes)"));
  Boot ordinary(in("", "provision.confidential=auto"));
  CHECK(ordinary.run("fetch-offline") == "");
  Boot odd(in("", "provision.confidential=maybe"));
  CHECK(has(odd.run("fetch-offline"),
            "provision.confidential=maybe is on the kernel command line: it is yes, no or auto"));
}

TEST_CASE("a confidential machine's host does not choose whose config it gets by its uuid") {
  auto spec = machine("ignition.config.url=http://x/{uuid}");
  spec.confidential = "AMD SEV-SNP";
  spec.http.emplace("http://x/" + spec.identity.uuid, host::HttpAnswer{200, config("mine")});
  Boot refused(spec);
  CHECK(refused.run("fetch-offline") == "");
  CHECK(has(refused.run("fetch"), "a confidential machine (AMD SEV-SNP), and SMBIOS is the word of its host"));
  spec.command_line += " provision.confidential=no";
  Boot believing(spec);
  CHECK(believing.run("fetch-offline") == "");
  CHECK(believing.run("fetch") == "");
  CHECK(believing.files() == "mine ");
}

TEST_CASE("kept documents are read as they were written") {
  using Kind = stages::KeptDocument::Kind;
  const stages::Documents documents{{Kind::base, "b", "{}\n"},
                                    {Kind::user, "a b 1\n", std::string("\0x\n", 3)},
                                    {Kind::referred, "", ""},
                                    {Kind::authority, "sha", "pem"},
                                    {Kind::end, {}, {}}};
  const std::string text = stages::write_documents(documents);
  CHECK(*stages::read_documents(text) == documents);
  for (std::size_t size = 1; size < text.size(); ++size) {
    const auto cut = stages::read_documents(text.substr(0, size));
    CHECK((!cut || !stages::are_whole(*cut)));
  }
  CHECK(!stages::read_documents("nonsense"));
  CHECK(!stages::read_documents("user 99999999999999999999 1\nx"));
}

TEST_CASE("a stamp or a config whose removal was a lie is noticed") {
  constexpr std::string_view stamp = "/run/provision/boot/ignition.firstboot";
  constexpr std::string_view installed = "/run/provision/boot/ignition/config.ign";
  const auto boot_to_complete = [&](std::vector<host::sim::Fault> faults) {
    auto boot = std::make_unique<Boot>(machine(), "qemu", host::sim::FaultPlan{1, std::move(faults)});
    boot->put(std::string(installed), config("installed"));
    for (const auto& stage : stages::stages()) {
      if (stage.name == "complete") {
        break;
      }
      CHECK(boot->run(stage.name) == "");
    }
    return boot;
  };
  const std::size_t before = boot_to_complete({})->calls();
  std::string said;
  for (std::size_t call = before + 1; call <= before + 14; ++call) {
    const auto boot = boot_to_complete({{call, host::sim::FaultKind::lie, {}}});
    const std::string error = boot->run("complete");
    said += error + "\n";
    CHECK((error.empty() ? !boot->has(stamp) && !boot->has(installed) : boot->has(installed)));
    CHECK(boot->run("complete") == "");
    CHECK_FALSE(boot->has(stamp));
    CHECK_FALSE(boot->has(installed));
  }
  CHECK(has(said, std::string(stamp) + " is still there"));
  CHECK(has(said, std::string(installed) + " is still there"));
}

TEST_CASE("the config is measured once a boot, before the journal begins") {
  const auto event = [](const std::string& text) {
    return "provision config " + spec::meaning(*spec::parse("c", text).config).text();
  };
  SUBCASE("with a TPM") {
    Boot boot(machine());
    CHECK(boot.run("fetch-offline") == "");
    CHECK(boot.run("fetch") == "");
    CHECK(boot.run("fetch-offline") == "");
    CHECK(boot.measured() == std::vector{event(config("platform"))});
    CHECK(run::load_report(boot.host().own).measured == "PCR 12: " + event(config("platform")));
    // Another config at the emergency prompt is another measurement.
    boot.give(config("other"));
    CHECK(boot.run("fetch-offline") == "");
    CHECK(boot.measured() == std::vector{event(config("platform")), event(config("other"))});
  }
  SUBCASE("a config that is refused is not measured: nothing acts on it") {
    Boot boot(machine({}, "{}"));
    CHECK(boot.run("fetch-offline") != "");
    CHECK(boot.measured().empty());
  }
  SUBCASE("without a TPM") {
    auto spec = machine();
    spec.has_tpm = false;
    Boot boot(spec);
    CHECK(boot.run("fetch-offline") == "");
    CHECK(run::load_report(boot.host().own).measured == "no TPM 2.0");
  }
  SUBCASE("a TPM that fails stops the boot, with no journal begun") {
    std::size_t failed = 0;
    for (std::size_t call = 1; call <= 12; ++call) {
      Boot boot(machine(), "qemu", host::sim::FaultPlan{1, {{call, host::sim::FaultKind::fail_once, {}}}});
      const std::string error = boot.run("fetch-offline");
      if (has(error, "measuring the config")) {
        ++failed;
        CHECK_FALSE(boot.has("/run/provision/boot/provision/journal"));
        CHECK(boot.run("fetch-offline") == "");
        CHECK(boot.measured().size() == 1);
      }
    }
    CHECK(failed == 1);
  }
}

TEST_CASE("what an earlier boot stopped with is in the report, and forgotten when the first boot is done") {
  constexpr std::string_view kept = "/run/provision/boot/provision/failure.txt";
  Boot boot(machine());
  REQUIRE(run::keep_failure(boot.host().state, "then, stage disks: a conflict", "the screen\n"));
  CHECK(boot.host().own.look(kept).value()->mode == 0600);
  for (const auto& stage : stages::stages()) {
    CHECK(boot.has(kept) == (stage.name != "umount"));
    CHECK(boot.run(stage.name) == "");
  }
  const auto report = run::read_report(boot.host().target, run::kept_report_path);
  REQUIRE(report.value());
  CHECK((*report)->earlier_failure == "then, stage disks: a conflict\n\nthe screen\n");
}

TEST_CASE("the report says what an initramfs has to set up: what was made, and what was there") {
  const std::string storage = R"({"ignition": {"version": "3.4.0"}, "storage": {"luks": [
    {"name": "data", "device": "/dev/vdb", "uuid": "20000000-0000-4000-8000-000000000001",
     "keyFile": {"source": "data:,key"}}]}})";
  const run::InitrdNeed wanted{"volume", "data", "20000000-0000-4000-8000-000000000001",
                               "rd.luks.name=20000000-0000-4000-8000-000000000001=data", false};
  const auto needs_after_boot = [&](Boot& boot) {
    for (const auto& stage : stages::stages()) {
      CHECK(boot.run(stage.name) == "");
    }
    const auto report = run::read_report(boot.host().target, run::kept_report_path);
    REQUIRE(report.value());
    return (*report)->initrd;
  };
  Boot made(machine({}, storage));
  CHECK(needs_after_boot(made) == std::vector<run::InitrdNeed>{wanted});
  Boot nothing(machine());
  CHECK(needs_after_boot(nothing).empty());

  auto spec = machine({}, storage);
  spec.volumes = {{"/dev/vdb", wanted.uuid, "", false, 2, "key", {}, ""}};
  Boot found(spec);
  CHECK(needs_after_boot(found) == std::vector<run::InitrdNeed>{wanted});
}

TEST_CASE("what is left for later: the result file, the report, and a note for who logs in") {
  const std::string result = "/sysroot/etc/.ignition-result.json";
  const std::string kept = "/sysroot/var/lib/provision/report.json";
  const std::string issue = "/run/issue.d/50-provision.issue";
  const auto whole_boot = [](Boot& boot) {
    for (const auto& stage : stages::stages()) {
      if (stage.name != "umount") {
        CHECK(boot.run(stage.name) == "");
      }
    }
  };

  SUBCASE("with a user's config") {
    Boot boot(machine({}, config("own")));
    boot.put("/sysroot/etc/.ignition-result.json", R"({"provisioningBootID": "old", "previousReport": {"a": 1}})");
    whole_boot(boot);
    const std::string told = boot.text(result);
    CHECK(has(told, "\"userConfigProvided\": true"));
    CHECK(has(told, "\"provisioningBootID\": \"old\""));
    CHECK(has(told, "\"a\": 1"));
    const auto report = run::read_report(boot.host().target, run::kept_report_path);
    REQUIRE(report.value());
    run::Report whole = run::load_report(boot.host().own);
    REQUIRE(whole.stages.size() > 1);
    CHECK(whole.stages.back().name == "complete");
    CHECK(whole.stages.back().result == "done");
    // The stage that keeps it has not ended then.
    whole.stages.pop_back();
    CHECK(**report == whole);
    CHECK((*report)->stage("files")->steps.size() == 2);
    CHECK((*report)->sources.size() == 1);
    CHECK((*report)->spec == "3.4.0");
    CHECK(boot.host().own.look(kept).value()->mode == 0600);
    CHECK_FALSE(boot.has(issue));
  }
  SUBCASE("with the image's own configs only") {
    Boot boot;
    boot.put("/usr/lib/ignition/base.d/10", config("base"));
    boot.put("/sysroot/etc/issue.d/10-image.issue", "image");
    whole_boot(boot);
    CHECK(has(boot.text(result), "\"userConfigProvided\": false"));
    CHECK(has(boot.text(issue), "(this boot)\nprovision: no user-provided config\n"));
  }
  SUBCASE("a stage that failed tells of it") {
    Boot boot(machine({}, R"({"ignition": {"version": "3.4.0"}, "storage": {"files": [
        {"path": "/own", "contents": {"source": "data:,x"}}]}})"));
    boot.put("/sysroot/own", "another");
    CHECK(boot.run("fetch-offline") == "");
    CHECK(boot.run("fetch") == "");
    CHECK(boot.run("disks") == "");
    CHECK(boot.run("mount") == "");
    const std::string error = boot.run("files");
    const run::Report report = run::load_report(boot.host().own);
    REQUIRE(report.stage("files") != nullptr);
    CHECK(has(error, "/own"));
    CHECK(report.stage("files")->result == "failed");
    CHECK(report.stage("files")->error == error);
  }
}

TEST_SUITE_END();
