// SPDX-License-Identifier: Apache-2.0
// Only in the static binary. What the C++ library says of an exception that nobody catches names its type in the words
// of the source, and the translator of type names is a large function. This says the same with the name as it stands.

#include <cxxabi.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <typeinfo>

// Takes the place of the library's own function, which std::terminate() calls.
void __gnu_cxx::__verbose_terminate_handler() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (type == nullptr) {
    std::fputs("terminate called without an active exception\n", stderr);
    std::abort();
  }
  std::fprintf(stderr, "terminate called after throwing an instance of '%s'\n", type->name());
  try {
    throw;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "  what():  %s\n", error.what());
  } catch (...) {  // of a type that says no more
  }
  std::abort();
}
