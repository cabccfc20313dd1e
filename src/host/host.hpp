// SPDX-License-Identifier: Apache-2.0
// The world, as the engine sees it: narrow interfaces, injected by reference.
#pragma once

#include <string>

#include "host/clock.hpp"
#include "host/crypt.hpp"
#include "host/disks.hpp"
#include "host/fetcher.hpp"
#include "host/files.hpp"
#include "host/firmware.hpp"
#include "host/http.hpp"
#include "host/mounts.hpp"
#include "host/processes.hpp"

namespace provision::host {

struct Host {
  // The machine being provisioned ("/sysroot"), and the same as a path of this process.
  Files& target;
  std::string target_path;
  // Where the journal lives: beside the first-boot stamp where that is writable.
  Files& state;
  // The root we run in (the initramfs).
  Files& own;
  Disks& disks;
  Crypt& crypt;
  Mounts& mounts;
  Processes& processes;
  Clock& clock;
  Firmware& firmware;
  Http& http;
  Fetcher& fetcher;
};

}  // namespace provision::host
