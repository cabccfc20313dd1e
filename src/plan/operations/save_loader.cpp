// SPDX-License-Identifier: Apache-2.0
// SaveLoader: a boot loader's bytes beside the journal, before the table of its disk changes. A power cut loses them
// where that is in memory.
#include "plan/operations/loader.hpp"

namespace provision::plan {

Result<Observation> observe(host::Host& host, const SaveLoader& operation) {
  Observation seen;
  seen.fingerprint = std::string(model::absent_fingerprint);
  const auto kept = TRY(kept_loader(host.state, operation.kept, operation.bytes));
  seen.state = kept ? State::satisfied : State::absent;
  return seen;
}

Result<void> apply(Work& work, const SaveLoader& operation) {
  const Loader loader = TRY(read_loader(work.host.disks, operation));
  return keep_loader(work.host.state, operation.kept, loader);
}

void predict(model::Inventory& /*inventory*/, const SaveLoader& /*operation*/) {}

std::string describe(const SaveLoader& operation) {
  return "keep the boot loader of " + loader_words(operation.kind) + " " + std::to_string(operation.device.number) +
         " of " + operation.device.disk + " beside the journal";
}

Traits traits(const SaveLoader& /*operation*/) {
  return {.sync_path = {}, .observation_proves = true, .lasts = true, .keeps = true};
}

}  // namespace provision::plan
