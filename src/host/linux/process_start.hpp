// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace provision::host {

// The first call of main(), before any thread and before any library is used: it sets what can only be set
// for the whole process. What is set differs between the static and the dynamic build; see the .cpp.
void prepare_process();

}  // namespace provision::host
