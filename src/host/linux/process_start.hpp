// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>

namespace provision::host {

// The first call of main(), before any thread and before any library is used: it sets what can only be set
// for the whole process. What is set differs between the static and the dynamic build; see the .cpp.
void prepare_process();

// Held while a program is being started, and by whoever has a device open for himself alone (O_EXCL): a program has
// copies of all our descriptors from its birth until it closes them, and one of such a device would keep others off it
// after we have closed our own.
std::mutex& starting_lock();

}  // namespace provision::host
