// SPDX-License-Identifier: Apache-2.0
// Reading and writing partition tables with libfdisk. Nothing here tells the kernel.
#pragma once

#include <string>

#include "base/result.hpp"
#include "host/disks.hpp"

namespace provision::host {

Result<Table> read_partition_table(int fd, const DiskFacts& facts, const std::string& node);

// Makes the GPT exactly `table` and durable. Entries that stay as they are keep every bit, the attributes included; an
// entry that is only resized or renamed keeps its attributes. `fd` is open for reading and writing.
Result<void> write_partition_table(int fd, const Table& table, const std::string& node);

}  // namespace provision::host
