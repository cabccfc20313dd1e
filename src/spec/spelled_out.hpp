// SPDX-License-Identifier: Apache-2.0
// What a config's extensions come to in the words of the spec is added to its lists.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "fields/context.hpp"

namespace provision::spec {

// The element behind the last one of `list`, which is `place`'s `key`, stands where the config's extensions do: `from`.
template <class Element>
void add_spelled_out(Located& place, std::string_view key, std::vector<Element>& list, const Located& from,
                     Element element) {
  if (place.nowhere()) {
    place = from;
  }
  place.take_element(key, list.size(), from, 0);
  list.push_back(std::move(element));
}

}  // namespace provision::spec
