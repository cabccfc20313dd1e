// SPDX-License-Identifier: Apache-2.0
// Only in the static binary. libcrypto can load engines and provider modules with dlopen, and a static glibc
// that loads the target's own legacy.so ends in SIGFPE or SIGSEGV. This takes the place of libcrypto's DSO
// backend with a table of no methods, so that dso_dlfcn.o, and with it dlopen, is not linked at all.

struct dso_meth_st;

// The real table holds a name, eleven functions; the rest is room for a later one.
static const void *const no_methods[32];

const struct dso_meth_st *DSO_METHOD_openssl(void);

const struct dso_meth_st *DSO_METHOD_openssl(void) {
    return (const struct dso_meth_st *)no_methods;
}
