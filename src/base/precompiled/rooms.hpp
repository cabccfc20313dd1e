// SPDX-License-Identifier: Apache-2.0
// What nearly every file of the rooms includes of the libraries: read once for each room, not for each file. A file
// still includes what it uses: the sanitizers' build, and clang-tidy, go without this one (-Db_pch=false).
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>
