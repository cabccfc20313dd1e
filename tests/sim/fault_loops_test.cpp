// The first boot under every fault: at the first, the second, … mutating call until none is left to disturb; then two
// faults at once; then several by chance. There is no list of fault points to keep.
//
// SIM_FLOW, SIM_SEED and SIM_FAULTS, as a failure prints them, repeat one run and show it:
//     SIM_FLOW=fresh SIM_SEED=1 SIM_FAULTS=12:cut_midway/any fault-loops -tc='the run*'
// SIM_FLOW also limits the loops to that flow.
// TEST_ALL=1 (or SIM_ALL=1) runs all pairs and all flows; without it one shard of the pairs, and of the longest flows
// those whose turn it is, which TEST_SEED chooses.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "base/text.hpp"
#include "sim/engine_flow.hpp"
#include "sim/flow.hpp"
#include "sim/machines.hpp"
#include "support/grub.hpp"

namespace provision::test {
namespace {

using namespace host::sim;

// --- How much is run

std::string environment(const char* name, const std::string& otherwise) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing here sets it
  return value == nullptr || *value == '\0' ? otherwise : value;
}

bool runs_all() { return environment("SIM_ALL", environment("TEST_ALL", "0")) != "0"; }

std::uint64_t base_seed() { return std::stoull(environment("SIM_SEED", environment("TEST_SEED", "1"))); }

#if defined(__SANITIZE_ADDRESS__)
constexpr bool is_sanitized = true;
#elif defined(__has_feature)
constexpr bool is_sanitized = __has_feature(address_sanitizer);
#else
constexpr bool is_sanitized = false;
#endif

struct Effort {
  std::uint64_t seeds = 1;
  // One pair in so many is run.
  std::uint64_t shards = 64;
  std::size_t random_runs = 250;
  // Every kind of fault, each cut with each Loss; or for each second call a failure, a lie or a cut, all of which
  // rotate with the seed.
  bool every_kind = true;
};

// With sanitizers a run takes fifteen times as long; it is to find bad memory accesses there, not wrong ends.
Effort effort() {
  if (runs_all()) {
    return {8, 1, 20'000, true};
  }
  return is_sanitized ? Effort{1, 2048, 40, false} : Effort{};
}

// --- The loops

constexpr std::array all_losses{Loss::all, Loss::none, Loss::data, Loss::any};
// For pairs. A cut before a call leaves what a cut after the one before it leaves.
constexpr std::array pair_kinds{FaultKind::fail_once, FaultKind::cut_midway, FaultKind::cut_after};

bool lied_about_the_journal(const Run& run) {
  const auto lines = split(run.trace, '\n');
  return std::any_of(lines.begin(), lines.end(), [](std::string_view line) {
    return line.find("/provision/journal   <- ") != std::string_view::npos &&
           line.find(":lie") != std::string_view::npos;
  });
}

bool says_that_it_stopped(std::string_view complaint) {
  return complaint.starts_with("a boot without faults fails: conflict: ") ||
         complaint == "the first boot never completes";
}

bool is_left_open(const Flow& flow, const std::string& complaint) {
  return std::any_of(flow.left_open.begin(), flow.left_open.end(),
                     [&](const std::string& words) { return complaint.find(words) != std::string::npos; });
}

// A flow, how it ends undisturbed, and what faulted runs of it were found to do wrong.
struct Trial {
  explicit Trial(Flow tried) : flow(std::move(tried)), undisturbed(run(flow, {}, Endings::in_good_order)) {}

  Run disturb(const FaultPlan& plan) {
    Run faulted = run(flow, plan);
    findings.count_run();
    const bool stops_rightly = flow.needs_the_journal && lied_about_the_journal(faulted);
    const bool may_be_open = !flow.leaves_open || flow.leaves_open(faulted);
    for (const auto& complaint : judge(flow, undisturbed, faulted)) {
      if (!(may_be_open && is_left_open(flow, complaint)) && !(stops_rightly && says_that_it_stopped(complaint))) {
        findings.add(complaint, faulted.trace);
      }
    }
    return faulted;
  }

  Flow flow;
  Run undisturbed;
  Findings findings;
};

void disturb_each_call(Trial& trial, FaultKind kind, Loss loss, std::uint64_t seed) {
  std::size_t at = 1;
  while (trial.disturb({seed, {{at, kind, loss}}}).fired == 1) {
    ++at;
  }
}

void few_single_faults(Trial& trial, std::uint64_t seed) {
  constexpr std::array kinds{FaultKind::fail_once, FaultKind::lie, FaultKind::cut_midway};
  std::size_t at = 1 + seed % 2;
  while (trial.disturb({seed, {{at, kinds.at((at + seed) % kinds.size()), Loss::any}}}).fired == 1) {
    at += 2;
  }
}

void all_single_faults(Trial& trial, std::uint64_t seed) {
  for (const auto kind : {FaultKind::fail_once, FaultKind::fail_always, FaultKind::lie, FaultKind::cut_before}) {
    disturb_each_call(trial, kind, Loss::any, seed);
  }
  for (const auto kind : {FaultKind::cut_midway, FaultKind::cut_after}) {
    for (const auto loss : all_losses) {
      disturb_each_call(trial, kind, loss, seed);
    }
  }
}

void single_faults(Trial& trial) {
  for (std::uint64_t i = 0; i < effort().seeds; ++i) {
    if (effort().every_kind) {
      all_single_faults(trial, base_seed() + i);
    } else {
      few_single_faults(trial, base_seed() + i);
    }
  }
}

// Those of the second faults after `first`, up to the call `last`, that are in this run's shard.
std::vector<Fault> second_faults(const Fault& first, std::size_t last) {
  std::vector<Fault> chosen;
  const std::uint64_t shards = effort().shards;
  for (std::size_t at = first.at + 1; at <= last; ++at) {
    for (const auto kind : pair_kinds) {
      Random pair(((first.at * 10 + static_cast<std::uint64_t>(first.kind)) * 10'000 + at) * 10 +
                  static_cast<std::uint64_t>(kind));
      if (pair.next() % shards == base_seed() % shards) {
        chosen.push_back({at, kind, all_losses.at(pair.below(all_losses.size()))});
      }
    }
  }
  return chosen;
}

// The seed is the same for all the pairs, so that the calls up to the second fault are those of a run with the first
// alone, which shows how many there are.
void disturb_twice(Trial& trial, const Fault& first) {
  const auto seconds = second_faults(first, first.at + 2 * trial.undisturbed.calls);
  if (seconds.empty()) {
    return;
  }
  const std::uint64_t seed = Random(base_seed() * 10'000 + first.at).next();
  const std::size_t last = trial.disturb({seed, {first}}).calls;
  for (const auto& second : seconds) {
    if (second.at <= last) {
      trial.disturb({seed, {first, second}});
    }
  }
}

void pairs_of_faults(Trial& trial) {
  for (const auto kind : pair_kinds) {
    for (std::size_t at = 1; at <= trial.undisturbed.calls; ++at) {
      const Loss loss = all_losses.at(Random(base_seed() + at).below(all_losses.size()));
      disturb_twice(trial, {at, kind, loss});
    }
  }
}

// Up to five faults, without lies, each some calls after the one before.
FaultPlan random_plan(std::uint64_t seed, std::size_t calls) {
  constexpr std::array kinds{FaultKind::fail_once, FaultKind::fail_always, FaultKind::cut_before, FaultKind::cut_midway,
                             FaultKind::cut_after};
  Random random(seed);
  FaultPlan plan{seed, {}};
  std::size_t at = 0;
  for (std::size_t left = 1 + random.below(5); left > 0; --left) {
    at += 1 + random.below(calls / 2);
    plan.faults.push_back({at, kinds.at(random.below(kinds.size())), Loss::any});
  }
  return plan;
}

void random_faults(Trial& trial) {
  for (std::size_t i = 0; i < effort().random_runs; ++i) {
    trial.disturb(random_plan(Random(base_seed() + i).next(), trial.undisturbed.calls));
  }
}

void check_nothing_found(const Trial& trial) {
  MESSAGE(trial.flow.name << ": " << trial.findings.runs() << " runs, " << trial.undisturbed.calls
                          << " mutating calls in an undisturbed one");
  // Whatever a flow leaves open, it says of faults only.
  CHECK(trial.undisturbed.complete);
  for (const auto& boot : trial.undisturbed.boots) {
    if (!boot.result && !trial.undisturbed.complete) {
      MESSAGE("undisturbed: " << to_string(boot.result.error()));
    }
  }
  for (const auto& line : trial.findings.lines()) {
    FAIL_CHECK(line);
  }
  if (!trial.findings.empty()) {
    MESSAGE(trial.findings.first_trace());
  }
}

// --- What is tried

std::vector<Flow> flows() {
  return {fresh_disk_flow(),
          selected_flow(),
          used_disks_flow(),
          changed_disks_flow(),
          corrected_flow(),
          arrays_flow(),
          volumes_flow(),
          bound_flow(),
          enrolled_flow(),
          groups_flow(),
          given_up_flow(),
          accounts_flow(),
          started_over_flow(),
          corrected_late_flow(),
          distro_flow(),
          root_flow(false),
          reformatted_root_flow(false),
          same_root_flow(),
          subvolumes_flow(),
          archives_flow(),
          cex_flow(),
          kept_flow(false),
          kept_in_memory_flow(),
          moved_journal_flow(false),
          moved_journal_flow(true),
          loaders_flow()};
}

// The longest flows take turns by the seed, where not all is asked for: each of them with its journal, and by the other
// seeds without.
bool is_its_turn(const Flow& flow) {
  const std::string asked = environment("SIM_FLOW", "");
  const bool even = base_seed() % 2 == 0;
  if (runs_all() || !asked.empty()) {
    return asked.empty() || asked == flow.name;
  }
  const bool on_even = flow.name == "volumes" || flow.name == "enrolled" || flow.name == "root" ||
                       flow.name == "subvolumes" || flow.name == "forgetful-arrays" || flow.name == "forgetful-root" ||
                       flow.name == "archives" || flow.name == "forgetful-mirror" || flow.name == "forgetful-groups" ||
                       flow.name == "forgetful-cex" || flow.name == "forgetful-kept" || flow.name == "kept-in-memory" ||
                       flow.name == "moved-journal";
  const bool on_odd = flow.name == "arrays" || flow.name == "bound" || flow.name == "reformatted-root" ||
                      flow.name == "same-root" || flow.name == "selected" || flow.name == "forgetful-volumes" ||
                      flow.name == "groups" || flow.name == "given-up" || flow.name == "forgetful-archives" ||
                      flow.name == "cex" || flow.name == "kept" || flow.name == "loaders" ||
                      flow.name == "moved-journal-kept-on-disk";
  return !(on_even && !even) && !(on_odd && even);
}

void each_flow(void (*loop)(Trial&), bool every_time = false) {
  for (auto& flow : flows()) {
    const bool asked = environment("SIM_FLOW", flow.name) == flow.name;
    if (!asked || (!every_time && !is_its_turn(flow))) {
      continue;
    }
    Trial trial(std::move(flow));
    loop(trial);
    check_nothing_found(trial);
  }
}

void forgetful_single_faults(Flow flow) {
  const bool turn = is_its_turn(flow);
  Trial trial(std::move(flow));
  turn ? single_faults(trial) : static_cast<void>(trial.disturb({}));
  check_nothing_found(trial);
}

// What an engine must not be, for the canaries: it appends, and does not ask whether it did so before.
Flow careless_flow(bool syncs) {
  Flow flow = fresh_disk_flow();
  flow.declared = {"/sysroot/etc/fstab", "/run/provision/boot/ignition.firstboot"};
  flow.first_boot = [syncs](SimHost& machine) -> Result<void> {
    const host::Host host = machine.host();
    TRY(host.target.append("/etc/fstab", "a line\n"));
    if (syncs) {
      TRY(host.target.sync("/etc"));
    }
    TRY(host.own.remove("/run/provision/boot/ignition.firstboot"));
    return host.own.sync("/run/provision/boot");
  };
  return flow;
}

// The numbers of the calls of a trace that are this one.
std::vector<std::size_t> calls_of(const std::string& trace, const std::string& what) {
  std::vector<std::size_t> found;
  for (const auto line : split(trace, '\n')) {
    if (line.ends_with(" " + what)) {
      found.push_back(std::stoull(std::string(line)));
    }
  }
  REQUIRE_FALSE(found.empty());
  return found;
}

bool has_line(const std::string& snapshot, std::string_view line) {
  return snapshot.find(std::string(line) + "\n") != std::string::npos;
}

}  // namespace

TEST_SUITE("fault loops") {
  TEST_CASE("undisturbed, the end is what the config says, and durable") {
    each_flow([](Trial& trial) { trial.disturb({}); }, true);
    const std::string end = Trial(fresh_disk_flow()).undisturbed.snapshot;
    CHECK(has_line(end, "/dev/vda2:/etc/motd file 0644 0:0 5 bytes " + Digest::sha256("hello").text() + " linked"));
    CHECK(
        has_line(end, "/dev/vda2:/etc/made/hard file 0644 0:0 5 bytes " + Digest::sha256("hello").text() + " linked"));
    CHECK(has_line(end, "/dev/vda2:/etc/made/link link 0777 5:0 -> ../motd"));
    CHECK(has_line(end, "/dev/vda2:/etc/made directory 0700 5:0"));
    CHECK(has_line(end, "/dev/vda2:/etc/issue file 0640 1:2 14 bytes " + Digest::sha256("issue and more").text()));
    CHECK(has_line(end, "/dev/vda2:/etc/issue.net file 0600 0:7 3 bytes " + Digest::sha256("net").text()));
    CHECK(has_line(end, "/dev/vda2:/etc/tree file 0644 0:0 4 bytes " + Digest::sha256("leaf").text()));
    CHECK(has_line(end, "/dev/vda2:/etc/old directory 0711 0:0"));
    CHECK(end.find("below") == std::string::npos);
    CHECK(end.find("masked.service link") == std::string::npos);
    CHECK(end.find("wants/off.service") == std::string::npos);
    CHECK(has_line(end, "/dev/vda2:/etc/deep/down/secret file 0600 5:0 6 bytes " + Digest::sha256("secret").text()));
    CHECK(has_line(end, "/dev/vda2:/etc/systemd/system/old.service link 0777 0:0 -> /dev/null"));
    CHECK(has_line(end, "/dev/vdb1:/index.html file 0644 0:0 4 bytes " + Digest::sha256("page").text()));
    CHECK(end.find("ignition.firstboot") == std::string::npos);
    CHECK(end.find("/dev/vdb2: ext4 label 'log'") != std::string::npos);
    const std::string over = Trial(used_disks_flow()).undisturbed.snapshot;
    CHECK(has_line(over, "/dev/vda2:/etc/hostname file 0644 0:0 3 bytes " + Digest::sha256("new").text()));
    CHECK(has_line(over, "/dev/vda2:/etc/fetched file 0644 0:0 6 bytes " + Digest::sha256("page a").text()));
    CHECK(has_line(over, "/dev/vda2:/etc/appended file 0640 3:4 14 bytes " + Digest::sha256("old and page b").text()));
    CHECK(has_line(over, "/dev/vdb1:/precious file 0644 0:0 4 bytes " + Digest::sha256("data").text()));
    CHECK_FALSE(has_line(over, "/dev/vdb2:/precious file 0644 0:0 4 bytes " + Digest::sha256("data").text()));
    CHECK(over.find("/dev/vdb2: ext4 label 'fresh'") != std::string::npos);
    const std::string subvolumes = Trial(subvolumes_flow()).undisturbed.snapshot;
    CHECK(has_line(subvolumes, "/dev/vdb1:/@ subvolume 0755 0:0 default"));
    CHECK(has_line(subvolumes, "/dev/vdb1:/@/log subvolume 0700 0:0 in place"));
    CHECK(has_line(subvolumes, "/dev/vdb1:/spare subvolume 0755 5:6"));
    CHECK(has_line(subvolumes, "/dev/vdb1:/@/file file 0644 0:0 3 bytes " + Digest::sha256("var").text()));
    CHECK(has_line(subvolumes, "/dev/vdb1:/@/log/file file 0644 0:0 3 bytes " + Digest::sha256("log").text()));
    CHECK(has_line(subvolumes, "/dev/vdc:/kept subvolume 0700 7:8 default"));
    CHECK(has_line(subvolumes, "/dev/vdc:/kept/precious file 0644 0:0 4 bytes " + Digest::sha256("data").text()));
    CHECK(has_line(subvolumes, "/dev/vdc:/kept/new file 0644 0:0 3 bytes " + Digest::sha256("new").text()));
    CHECK(has_line(subvolumes, "/dev/vdc:/more/file file 0644 0:0 4 bytes " + Digest::sha256("more").text()));
    const std::string accounts = Trial(accounts_flow()).undisturbed.snapshot;
    CHECK(accounts.find("/dev/vda2:/home/gone") == std::string::npos);
    CHECK(has_line(accounts, "/dev/vda2:/srv/old/mine file 0644 1700:1000 4 bytes " + Digest::sha256("mine").text()));
    CHECK(accounts.find("/dev/vda2:/home/far") == std::string::npos);
    CHECK(has_line(accounts, "/dev/vdb1:/homes/far directory 0700 1002:1000"));
    CHECK(has_line(accounts, "/dev/vdb1:/homes/far/d/link link 0777 1002:1000 -> deep"));
    CHECK(
        has_line(accounts, "/dev/vdb1:/homes/far/d/deep file 0600 1002:1000 4 bytes " + Digest::sha256("deep").text()));
    CHECK(has_line(accounts, "/dev/vda2:/home/core/own file 0644 1003:0 3 bytes " + Digest::sha256("own").text()));
    CHECK(accounts.find("/dev/vda2:/home/core/.ssh directory 0700 ") != std::string::npos);
    CHECK(accounts.find("/dev/vda2:/home/core directory 0700 ") != std::string::npos);
    CHECK(has_line(accounts, "/dev/vda2:/home/core/.profile file 0644 0:0 4 bytes " + Digest::sha256("mine").text()));
    const std::string changed = Trial(changed_disks_flow()).undisturbed.snapshot;
    CHECK(changed.find("grown") == std::string::npos);
    CHECK(changed.find("00000000-0000-0000-0000-000000000001") == std::string::npos);
    CHECK(has_line(changed, "/dev/vdb1:/precious file 0644 0:0 4 bytes " + Digest::sha256("data").text()));
    CHECK(has_line(changed, "/dev/vdb4:/data file 0644 0:0 4 bytes " + Digest::sha256("data").text()));
    CHECK(changed.find("/dev/vdb: partition 2 1269760+131072 'esp'") != std::string::npos);
    CHECK(changed.find("/dev/vdb2: vfat label 'ESP'") != std::string::npos);
    CHECK(changed.find("/dev/vdb: partition 1 2048+819200 'keep'") != std::string::npos);
    CHECK(changed.find("/dev/vdb: partition 3 1054720+204800 'anew'") != std::string::npos);
    CHECK(changed.find("/dev/vdb: partition 4 1433600+204800 'last'") != std::string::npos);
    CHECK(changed.find("/dev/vdb: partition 5 1638400+40960 'blank'") != std::string::npos);
    CHECK(changed.find("/dev/vdc1: swap label 's'") != std::string::npos);
    CHECK(changed.find("/dev/vdc3:") == std::string::npos);
    CHECK(changed.find("/dev/vdd: crypto_LUKS") == std::string::npos);
    const std::string arrays = Trial(arrays_flow()).undisturbed.snapshot;
    CHECK(arrays.find("/dev/md/all: ext4 label 'all'") != std::string::npos);
    CHECK(has_line(arrays, "/dev/md/all:/file file 0644 0:0 4 bytes " + Digest::sha256("data").text()));
    CHECK(arrays.find("/dev/vdc2: xfs") != std::string::npos);
    CHECK(arrays.find("/dev/md/left: linux_raid_member label 'any:all'") != std::string::npos);
    CHECK(arrays.find("/dev/vde: linux_raid_member label 'any:right'") != std::string::npos);
    const std::string groups = Trial(groups_flow()).undisturbed.snapshot;
    CHECK(groups.find("/dev/vg0/data: ext4 label 'data'") != std::string::npos);
    CHECK(has_line(groups, "/dev/vg0/data:/file file 0644 0:0 4 bytes " + Digest::sha256("data").text()));
    CHECK(has_line(groups, "/dev/vg0/thin:/file file 0644 0:0 4 bytes " + Digest::sha256("thin").text()));
    CHECK(has_line(groups, "logical volume vg0/thin: thin of 104857600 bytes over 0 pool"));
    CHECK(has_line(groups, "logical volume vg1/below: linear of 264241152 bytes over 1 "));
    CHECK(groups.find("/dev/vg1/below: crypto_LUKS") != std::string::npos);
    CHECK(groups.find("volume group old") == std::string::npos);
    const std::string volumes = Trial(volumes_flow()).undisturbed.snapshot;
    const std::string kept_id = uuid("kept").text();
    CHECK(has_line(volumes, "/dev/vdb1: crypto_LUKS label 'kept' uuid " + kept_id + " LUKS2 allow-discards"));
    CHECK(has_line(volumes, "volume " + kept_id + ":/precious file 0644 0:0 4 bytes " + Digest::sha256("data").text()));
    CHECK(has_line(volumes, "volume " + kept_id + ":/file file 0644 0:0 4 bytes " + Digest::sha256("kept").text()));
    CHECK(volumes.find("/dev/vdb2: crypto_LUKS label '' uuid ") != std::string::npos);
    CHECK(volumes.find(uuid("anew").text()) == std::string::npos);
    CHECK(volumes.find(uuid("old inside").text()) == std::string::npos);
    CHECK(volumes.find("/dev/vdb3: crypto_LUKS label 'data' uuid ") != std::string::npos);
    const std::string made_id = "20000000-0000-4000-8000-000000000001";
    CHECK(has_line(volumes, "/dev/md/mirror: crypto_LUKS label '' uuid " + made_id + " LUKS2 no-read-workqueue"));
    CHECK(has_line(volumes, "volume " + made_id + ":/file file 0644 0:0 4 bytes " + Digest::sha256("made").text()));
    const std::string selected = Trial(selected_flow()).undisturbed.snapshot;
    CHECK(has_line(selected, "/dev/vdd2: xfs label 'old' uuid " + uuid("old").text() + " of 819200 sectors"));
    CHECK(has_line(selected, "/dev/vdd2:/precious file 0644 0:0 4 bytes " + Digest::sha256("data").text()));
    const std::string root = Trial(root_flow(false)).undisturbed.snapshot;
    CHECK(has_line(root, "/dev/md/root:/ directory 0711 0:0"));
    CHECK(has_line(root, "/dev/md/root:/bin link 0777 0:0 -> usr/bin"));
    CHECK(has_line(root, "/dev/md/root:/etc/shadow file 0600 0:42 6 bytes " + Digest::sha256("secret").text()));
    CHECK(has_line(root, "/dev/md/root:/lost+found/piece file 0644 0:0 4 bytes " + Digest::sha256("lost").text()));
    CHECK(has_line(root, "/dev/md/root:/etc/motd file 0644 0:0 5 bytes " + Digest::sha256("hello").text()));
    CHECK(root.find("provision-root") == std::string::npos);
    const std::string moved = Trial(moved_journal_flow(false)).undisturbed.snapshot;
    CHECK(has_line(moved, "/dev/vda1:/vmlinuz file 0600 0:42 6 bytes " + Digest::sha256("kernel").text()));
    CHECK(has_line(moved, "/dev/vda1:/loader/current link 0777 0:0 -> ../vmlinuz"));
    CHECK(moved.find("uuid " + uuid("boot").text()) == std::string::npos);
    CHECK(moved.find("ignition.firstboot") == std::string::npos);
    const std::string loaders = Trial(loaders_flow()).undisturbed.snapshot;
    const auto grub_at = [](std::uint64_t start) { return Digest::sha256(grub_partition(start)).text(); };
    CHECK(has_line(loaders, "/dev/vdb2:/bytes file 0644 0:0 1024 bytes " + grub_at(18432)));
    CHECK(has_line(loaders, "/dev/vdb: boot code " + Digest::sha256(grub_boot_code(18432)).text()));
    CHECK(has_line(loaders, "/dev/vdc1:/bytes file 0644 0:0 1024 bytes " + grub_at(2048)));
    CHECK(has_line(loaders, "/dev/vdc: boot code " + Digest::sha256(grub_boot_code(2048)).text()));
    CHECK(has_line(loaders, "/dev/vdc2:/bytes file 0644 0:0 6 bytes " + Digest::sha256("an ELF").text()));
    const std::string kept = Trial(kept_flow(false)).undisturbed.snapshot;
    for (const std::string esp : {"/dev/vdb1", "/dev/vdc1"}) {
      CHECK(has_line(kept, esp + ":/EFI/BOOT/BOOTX64.EFI file 0644 0:0 6 bytes " + Digest::sha256("loader").text()));
      CHECK(has_line(kept, esp + ":/EFI/empty directory 0755 0:0"));
    }
    CHECK(has_line(kept, "/dev/vdc2:/vmlinuz file 0600 0:42 6 bytes " + Digest::sha256("kernel").text()));
    CHECK(has_line(kept, "/dev/vdc2:/current link 0777 0:0 -> vmlinuz"));
    CHECK(kept.find("provision-kept") == std::string::npos);
    const std::string over_anew = Trial(started_over_flow()).undisturbed.snapshot;
    CHECK(has_line(over_anew, "/dev/vda2:/etc/motd file 0600 0:0 5 bytes " + Digest::sha256("other").text()));
    CHECK(has_line(over_anew, "/dev/vda2:/etc/made/link link 0777 0:0 -> /etc/issue"));
    CHECK(over_anew.find("/dev/vdb2: xfs label 'srv'") != std::string::npos);
    CHECK(over_anew.find("/dev/vdb1") == std::string::npos);
    CHECK(over_anew.find("/dev/vdb3:/old") == std::string::npos);
    const std::string late = Trial(corrected_late_flow()).undisturbed.snapshot;
    CHECK(has_line(late, "/dev/vda2:/etc/motd file 0644 0:0 5 bytes " + Digest::sha256("hello").text()));
    CHECK(has_line(late, "/dev/vdb1:/zz file 0644 0:0 6 bytes " + Digest::sha256("page a").text()));
    CHECK(has_line(changed, "/dev/vdc4:/file file 0644 0:0 2 bytes " + Digest::sha256("in").text()));
  }

  TEST_CASE("every single fault") { each_flow(&single_faults); }

  TEST_CASE("pairs of faults") { each_flow(&pairs_of_faults); }

  TEST_CASE("several faults by chance") { each_flow(&random_faults); }

  // Without a journal that survives, the plans are made anew from what is seen. What is seen of an interrupted run can
  // be something that is not recognised: then the boot stops, and a person decides. Two things cannot be seen at all.
  // Nothing is left open: its file systems may be wiped.
  TEST_CASE("with the journal in memory: RAID arrays") { forgetful_single_faults(forgetful_arrays_flow()); }

  TEST_CASE("with the journal in memory: keys of CryptoExpress cards") {
    forgetful_single_faults(forgetful_cex_flow());
  }

  TEST_CASE("with the journal in memory: volume groups") { forgetful_single_faults(forgetful_groups_flow()); }

  TEST_CASE("with the journal in memory: archives") { forgetful_single_faults(forgetful_archives_flow()); }

  TEST_CASE("with the journal in memory: encrypted volumes") { forgetful_single_faults(forgetful_volumes_flow()); }

  TEST_CASE("with the journal in memory: a root that is made anew") {
    forgetful_single_faults(reformatted_root_flow(true));
    forgetful_single_faults(root_flow(true));
    forgetful_single_faults(kept_flow(true));
  }

  TEST_CASE("with the journal in memory: users and their homes") {
    Trial trial(forgetful_accounts_flow());
    single_faults(trial);
    check_nothing_found(trial);
  }

  TEST_CASE("with the journal in memory: right, or stopped; and known limits") {
    Trial trial(forgetful_flow());
    single_faults(trial);
    // A file system that was not made to its end, and may not be wiped.
    trial.findings.forget("holds signatures of several kinds, and wipeFilesystem is not set");
    trial.findings.forget("the first boot never completes");
    // A file system that looks whole.
    trial.findings.forget("the file system was never finished");
    trial.findings.forget("/dev/vdb1: ext4");
    trial.findings.forget("/dev/vdb2: ext4");
    // What is left of a directory that was overwritten.
    trial.findings.forget(".provision-");
    check_nothing_found(trial);
  }

  TEST_CASE("the files of a root that memory keeps are lost only while no disk has them") {
    for (const Flow& flow : {reformatted_root_flow(false), same_root_flow()}) {
      CAPTURE(flow.name);
      const Run undisturbed = run(flow, {}, Endings::in_good_order);
      const std::size_t first = calls_of(undisturbed.trace, "wipe_signatures /dev/vda2").front();
      const std::size_t last =
          calls_of(undisturbed.trace, "copy_tree /run/provision/root/keeper/.provision-root").front();
      for (std::size_t at = 1; at <= undisturbed.calls; ++at) {
        CAPTURE(at);
        const Run cut = run(flow, {1, {{at, FaultKind::cut_after, Loss::all}}});
        CHECK(cut.complete == (at < first || at >= last));
        CHECK((!cut.complete || cut.snapshot == undisturbed.snapshot));
      }
    }
  }

  TEST_CASE("the files of a root that a disk keeps are somewhere whatever happens, also where no journal tells where") {
    for (const Flow& flow : {root_flow(false), root_flow(true)}) {
      CAPTURE(flow.name);
      const std::size_t calls = run(flow, {}, Endings::in_good_order).calls;
      for (std::size_t at = 1; at <= calls; ++at) {
        for (std::size_t i = 0; i < pair_kinds.size(); ++i) {
          if (!effort().every_kind && (at + base_seed()) % pair_kinds.size() != i) {
            continue;
          }
          const FaultKind kind = pair_kinds.at(i);
          CAPTURE(at);
          const Run faulted = run(flow, {1, {{at, kind, Loss::all}}});
          CHECK(faulted.snapshot.find(Digest::sha256("secret").text()) != std::string::npos);
        }
      }
    }
  }

  TEST_CASE("what is fetched once more, since its note was lost, leaves no temporary when it is there already") {
    // A pair that did: /etc/fetched is in place and its note is lost; put once more, its new name is lost and the note
    // is not.
    Trial trial(corrected_flow());
    trial.disturb({2400863522502074220U, {{80, FaultKind::cut_after, Loss::any}, {117, FaultKind::fail_once}}});
    check_nothing_found(trial);
  }

  TEST_CASE("a conflict touches nothing, on whichever boot") {
    Flow flow = conflict_flow();
    SimHost machine(flow.machine);
    const std::string before = machine.snapshot(flow.ignored);
    for (int i = 0; i < 3; ++i) {
      const auto result = flow.first_boot(machine);
      REQUIRE_FALSE(result);
      CHECK(result.error().code == Code::conflict);
      machine.reboot_orderly();
    }
    CHECK(machine.snapshot(flow.ignored) == before);
    for (const auto& target : machine.touched()) {
      CHECK(target.starts_with("/run/provision"));
    }
  }

  // Without them: each flow undisturbed.
  TEST_CASE("the run that SIM_FLOW and SIM_FAULTS name") {
    const auto faults = parse_faults(environment("SIM_FAULTS", ""));
    REQUIRE(faults.has_value());
    auto known = flows();
    known.push_back(forgetful_flow());
    known.push_back(forgetful_accounts_flow());
    known.push_back(forgetful_arrays_flow());
    known.push_back(forgetful_volumes_flow());
    known.push_back(forgetful_groups_flow());
    known.push_back(forgetful_archives_flow());
    for (auto& flow : known) {
      if (environment("SIM_FLOW", flow.name) == flow.name) {
        Trial trial(std::move(flow));
        const Run shown = trial.disturb({base_seed(), *faults});
        if (!faults->empty()) {
          MESSAGE(shown.trace);
        }
        check_nothing_found(trial);
      }
    }
  }
}

// Each of them is wrong on purpose: if the loops found nothing in them, they would find nothing at all.
TEST_SUITE("fault loop canaries") {
  TEST_CASE("without the check after each step a lie goes unnoticed, and the loops notice") {
    Trial trial(fresh_disk_flow({.check_after_apply = false}));
    disturb_each_call(trial, FaultKind::lie, Loss::any, base_seed());
    CHECK(trial.findings.has("in the end there is not: /dev/vda2:/etc/motd"));
  }

  TEST_CASE("a forgotten sync is noticed") {
    Trial trial(careless_flow(false));
    trial.disturb({});
    CHECK(trial.findings.has("in the end there is not: /dev/vda2:/etc/fstab"));
  }

  TEST_CASE("what is done twice is noticed") {
    Trial trial(careless_flow(true));
    trial.disturb({});
    CHECK(trial.findings.empty());
    disturb_each_call(trial, FaultKind::cut_after, Loss::none, base_seed());
    CHECK(trial.findings.has("in the end there is: /dev/vda2:/etc/fstab file 0600 0:0 14 bytes"));
  }

  // The power goes right after the stage is recorded done: all that it did must be on the medium by then.
  TEST_CASE("any sync of a stage that is left out is noticed") {
    const Trial trial(fresh_disk_flow());
    for (const std::string synced : {"/sysroot/etc", "/sysroot/var/www", "/sysroot/var/www/log"}) {
      CAPTURE(synced);
      const auto sync = calls_of(trial.undisturbed.trace, "sync " + synced).back();
      const auto records = calls_of(trial.undisturbed.trace, "sync /run/provision/boot/provision/journal");
      const auto recorded = *std::upper_bound(records.begin(), records.end(), sync);
      Trial cut(fresh_disk_flow());
      cut.disturb({base_seed(), {{sync, FaultKind::lie, Loss::any}, {recorded, FaultKind::cut_after, Loss::all}}});
      CHECK_FALSE(cut.findings.empty());
      Trial honest(fresh_disk_flow());
      honest.disturb({base_seed(), {{recorded, FaultKind::cut_after, Loss::all}}});
      CHECK(honest.findings.empty());
    }
  }

  TEST_CASE("identities that rest on a GUID that is written anew are noticed") {
    const auto volatile_flow = [](bool by_guid) {
      Flow flow = used_disks_flow({.disks_by_guid = by_guid, .forgets = true});
      flow.machine.state_path = "/run/provision/volatile";
      return flow;
    };
    Trial wrong(volatile_flow(true));
    disturb_each_call(wrong, FaultKind::cut_after, Loss::none, base_seed());
    CHECK(wrong.findings.has("in the end there is: /dev/vdc: "));
    Trial right(volatile_flow(false));
    disturb_each_call(right, FaultKind::cut_after, Loss::none, base_seed());
    CHECK_FALSE(right.findings.has("in the end there is: /dev/vdc"));
  }

  TEST_CASE("a torn file system that is taken for a whole one is noticed") {
    Trial trial(forgetful_flow());
    disturb_each_call(trial, FaultKind::cut_after, Loss::data, base_seed());
    CHECK(trial.findings.has("the file system was never finished"));
  }

  TEST_CASE("what is touched and was not declared is noticed") {
    Flow flow = fresh_disk_flow();
    flow.declared = {"/run/provision/"};
    Trial trial(std::move(flow));
    trial.disturb({});
    CHECK(trial.findings.has("touched, and not declared: /dev/vdb"));
  }
}

}  // namespace provision::test
