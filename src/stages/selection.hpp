// SPDX-License-Identifier: Apache-2.0
// The disks that the selectors of the config name in this boot: waited for, and the same ones that this first boot was
// begun with.
#pragma once

#include <chrono>
#include <vector>

#include "host/selected_host.hpp"
#include "model/selectors.hpp"

namespace provision::stages {

class Selection {
 public:
  // `host` must outlive it. `patience`: as for every device that the config names.
  Selection(host::Host& host, std::chrono::milliseconds patience);

  // The host on which paths by selectors lead to those disks. Nobody waits before the first such path is asked for.
  host::Host& host() { return selected_.host(); }
  // As model::select_disks has them. Code::device_missing also where a disk is not the one that an earlier boot, or
  // stage, of this first boot has worked on.
  Result<std::vector<model::SelectedDisk>> disks();

 private:
  Result<host::SelectedNodes> find();

  host::Host& machine_;
  std::chrono::milliseconds patience_;
  std::vector<model::SelectedDisk> disks_;
  host::SelectedHost selected_;
};

}  // namespace provision::stages
