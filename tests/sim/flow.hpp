// A first boot as the fault loops see it, one run of it with faults, and what is wrong with that run.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/sim/simhost.hpp"

namespace provision::test {

struct Run;

struct Flow {
  std::string name;
  host::sim::MachineSpec machine;
  // Everything that one boot does, in order; the first error ends the boot.
  std::function<Result<void>(host::sim::SimHost&)> first_boot;
  // Asked after a reboot: the first boot is behind us, so first_boot would not be run again.
  std::function<bool(host::sim::SimHost&)> is_complete;
  // Errors that the flow itself is about, and no fault is to blame for. None: there are none.
  std::function<bool(std::size_t boot, const Error&)> is_expected;
  // What an earlier config did only the journal can tell: where a record of it was not written though the call said so,
  // the boot may stop by a conflict.
  bool needs_the_journal = false;
  // Complaints with these words are none: the flow leaves open what they are about.
  std::vector<std::string> left_open;
  // Whether it leaves that open in this run. None: in each.
  std::function<bool(const Run& run)> leaves_open;
  // What is wrong in the end besides: asked when the first boot is behind us, of what a snapshot does not tell.
  std::function<std::vector<std::string>(host::sim::SimHost&)> faults_of;
  // What may be changed, as SimHost::touched names it; "/x/" is everything below /x.
  std::vector<std::string> declared;
  // What may differ in the end, as World::snapshot's `ignored`.
  std::vector<std::string> ignored;
};

// One boot of a run.
struct Boot {
  // Calls that went wrong in it.
  std::size_t disturbed = 0;
  bool cut = false;
  // How first_boot ended, unless the power went.
  Result<void> result{};
};

struct Run {
  std::vector<Boot> boots;
  bool complete = false;
  bool lied = false;
  // Planned faults that came to pass.
  std::size_t fired = 0;
  std::size_t calls = 0;
  std::string snapshot;
  std::vector<std::string> problems;
  // By Flow::faults_of.
  std::vector<std::string> wrong;
  std::vector<std::string> touched;
  std::string trace;
};

// How boots end that no power cut ends.
enum class Endings : std::uint8_t {
  // After an error by a reset without a sync or in good order, as the seed decides. After success by a reset that loses
  // everything that was not synced: success means durable.
  hard,
  // Everything is written back first.
  in_good_order,
};

// Boots with the faults, and then again and again, with what had died repaired, until the first boot is complete. With
// a lie in the plan all endings are in good order, because against lies and power cuts together there is no defence.
Run run(const Flow& flow, const host::sim::FaultPlan& plan, Endings endings = Endings::hard);

// What is wrong with a run, measured by an undisturbed one: empty is good. Faults may make their own boot fail, by an
// error that says so (not by a conflict, nor by one that blames the config or the engine). Nothing may make a boot
// without faults fail, nor leave another end state than the undisturbed run's, nor touch what is not declared.
std::vector<std::string> judge(const Flow& flow, const Run& undisturbed, const Run& faulted);

// Many runs make the same complaint: each is kept once, with its first run.
class Findings {
 public:
  void add(const std::string& complaint, const std::string& trace);
  [[nodiscard]] bool empty() const { return found_.empty(); }
  [[nodiscard]] std::size_t runs() const { return runs_; }
  void count_run() { ++runs_; }
  // Drops the complaints with these words: for what is known and said elsewhere.
  void forget(std::string_view words);
  // Each complaint with how often it came and how to repeat the first of its runs; at most `most` of them.
  [[nodiscard]] std::vector<std::string> lines(std::size_t most = 20) const;
  // The trace of the first complaint's first run.
  [[nodiscard]] std::string first_trace() const;
  [[nodiscard]] bool has(std::string_view words) const;

 private:
  struct Finding {
    std::size_t count = 0;
    std::string trace;
  };
  std::map<std::string, Finding> found_;
  std::size_t runs_ = 0;
};

}  // namespace provision::test
