// SPDX-License-Identifier: Apache-2.0
// Paths as text: no file system is asked.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace provision::path {

// The lexically cleaned form: no "//", ".", ".." that can be resolved, nor a trailing "/" (as Go's path.Clean, which
// the spec's rules are written in terms of).
std::string clean(std::string_view path);

// Starts with "/" and is already clean: the spec's rule for each path and device.
bool is_clean_absolute(std::string_view path);

std::string join(std::string_view parent, std::string_view child);
// "/a" of "/a/b"; "/" of "/a" and of "/".
std::string parent(std::string_view path);
std::string_view name(std::string_view path);
// The number of components: 0 for "/".
std::size_t depth(std::string_view path);
// `path` is `ancestor` or lies under it.
bool is_within(std::string_view path, std::string_view ancestor);

}  // namespace provision::path
