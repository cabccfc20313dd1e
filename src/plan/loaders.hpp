// SPDX-License-Identifier: Apache-2.0
// Boot loaders outside of file systems, where the image says that they must be kept. Pure.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "plan/planners.hpp"

namespace provision::plan {

// "bios" or "prep": an entry of provision.keep= that names no file system, but all partitions of a type (GPT:
// 21686148-6449-6E6F-744E-656564454649, the BIOS boot partition; 9E1A2D38-C612-4316-AA26-8B49521E5A8B, PReP).
bool is_loader_kind(std::string_view name);

// Adds the steps that keep the boot loaders that the inventory's `kept` names while the tables of their disks are made
// anew, and put them into each new partition of their type. Code::conflict at the disk's line, where one would be lost,
// is nowhere, or is one of several.
Result<void> plan_loaders(const Question& question, Plan& plan);

}  // namespace provision::plan
