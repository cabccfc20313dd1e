// SPDX-License-Identifier: Apache-2.0
// volume-costs DEVICE...: makes an encrypted volume of each device, all at the same time and as a first boot does where
// the config leaves the costs to us; says how many seconds that took and how much memory, in KiB, was used at most.
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "host/linux/crypt.hpp"

using namespace provision;

namespace {

// Empty, or why it could not be made.
std::string make(host::LinuxCrypt& crypt, const std::string& node) {
  const auto key = Secret::taken("a key of no account");
  if (!key) {
    return to_string(key.error());
  }
  const auto made = crypt.format({node, {}, 0}, {}, *key);
  return made ? "" : to_string(made.error());
}

int run(const std::vector<std::string>& nodes) {
  host::LinuxCrypt crypt;
  std::vector<std::string> faults(nodes.size());
  std::vector<std::thread> threads;
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    threads.emplace_back([&, i] { faults[i] = make(crypt, nodes[i]); });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  for (const auto& fault : faults) {
    if (!fault.empty()) {
      std::fprintf(stderr, "%s\n", fault.c_str());
      return 1;
    }
  }
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf("%.3f %ld\n", took.count(), usage.ru_maxrss);
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  return run(std::vector<std::string>(arguments + (count > 0 ? 1 : 0), arguments + count));
}
