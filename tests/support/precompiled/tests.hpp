// SPDX-License-Identifier: Apache-2.0
// The same as src/base/precompiled/rooms.hpp for test programs of many files, and doctest.
#include <doctest/doctest.h>

#include "../../../src/base/precompiled/rooms.hpp"
