// SPDX-License-Identifier: Apache-2.0
// What plan, inventory and apply look at: this machine, or the disks of another one as image files.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "cli/arguments.hpp"
#include "cli/images.hpp"
#include "model/inventory.hpp"
#include "spec/parse.hpp"

namespace provision::cli {

struct TargetOptions {
  std::vector<std::string> images;
  RootChoice root;
  std::uint32_t sector_size = 512;
};

// --image, --root-label, --root-partition, --sector-size.
void add_target_options(ArgumentParser& parser, TargetOptions& options);
// What is said below the options: how images are named.
std::string target_footer();

// The config asks for something below the target's root, and makes no root itself.
bool needs_root(const spec::Config& config);
// An error if the config needs a root and none was chosen.
Result<void> check_root_choice(const spec::Config& config, const RootChoice& choice);

// The chosen root; nothing if it is not there yet because the config makes it, or none was chosen.
Result<std::optional<ImageDisks::Found>> find_root(ImageHost& images, const spec::Config& config,
                                                   const RootChoice& choice);

// What is seen of the images, read-only; only in the process that run_isolated() has started.
Result<model::Inventory> see_images(const TargetOptions& options, const spec::Parsed& config);
// What is seen of this machine, or of one whose root is mounted at `root`.
Result<model::Inventory> see_machine(const std::string& root, const spec::Parsed& config);

// Runs `work` apart from the machine and returns what it does, or 128 and the number of the signal that stopped it.
// Afterwards nothing of the images is attached.
Result<int> run_apart(const TargetOptions& options, const std::function<int()>& work);

}  // namespace provision::cli
