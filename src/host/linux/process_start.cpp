// SPDX-License-Identifier: Apache-2.0
#include "host/linux/process_start.hpp"

#include <malloc.h>
#include <sys/stat.h>
#include <csignal>

#if PROVISION_STATIC
#include <nss.h>
#include <array>
#include <cstdlib>
#endif

namespace provision::host {

namespace {

#if PROVISION_STATIC
// "files" and "dns" are part of a static glibc; anything else that nsswitch.conf names would be loaded from the
// machine's own libraries, made for another libc, and crash. So nsswitch.conf is not asked.
void pin_name_services() {
  constexpr std::array<const char*, 7> databases = {"passwd",   "group",     "shadow",  "gshadow",
                                                    "services", "protocols", "networks"};
  __nss_configure_lookup("hosts", "files dns");
  for (const char* database : databases) {
    __nss_configure_lookup(database, "files");
  }
}
#endif

// Memory that was freed is kept: the tables and buffers of looking at a device come and go dozens of times, and every
// page of them that was given back to the kernel is a page fault when it is wanted again.
void keep_freed_memory() {
  constexpr int mebibyte = 1 << 20;
  ::mallopt(M_TRIM_THRESHOLD, 16 * mebibyte);
  ::mallopt(M_TOP_PAD, mebibyte);
}

}  // namespace

void prepare_process() {
  keep_freed_memory();
  // What we write is private until it is given its mode.
  ::umask(077);
  // A peer that hangs up is an error of the write, not the end of the program.
  std::signal(SIGPIPE, SIG_IGN);
#if PROVISION_STATIC
  pin_name_services();
  // The machine's openssl.cnf may name modules made for another libcrypto. The dynamic build does read it: that is
  // how a distro's crypto policy reaches us.
  ::setenv("OPENSSL_CONF", "/dev/null", 1);
#endif
}

std::mutex& starting_lock() {
  static std::mutex lock;
  return lock;
}

}  // namespace provision::host
