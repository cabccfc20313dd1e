// SPDX-License-Identifier: Apache-2.0
// Only in the static binary. libstdc++ makes a locale with all facets of the standard, each also for wide characters, and most
// a second time for the strings of before C++11: 450 KB, by which dates and money are written as a country does. These take
// the places of all but the ones with which narrow streams write and read numbers. They are "not there" by the standard's rules:
// std::has_facet says no, std::use_facet throws std::bad_cast. The classic locale, the only one there is, keeps them for ever.
// Where another libstdc++ has other names for them its own come back, and the program is larger, which tests/binary notices.
// meson.build makes those functions of libstdc++ weak that are replaced here and share an object file with others.

#include <stddef.h>
#include <stdlib.h>

extern const char facet_type[] __asm__("_ZTINSt6locale5facetE");

// A virtual table (Itanium C++ ABI, 2.5.2) in which a dynamic_cast finds a std::locale::facet, and nothing that derives from one.
#define FACET_TABLE(count)              \
    struct {                            \
        ptrdiff_t to_top;               \
        const void *type;               \
        void (*functions[count])(void); \
    }

#define NEVER_CALLED {0, facet_type, {NULL}}

// How std::locale::facet lies in memory.
struct facet {
    const void *functions;
    int references;
};

static const FACET_TABLE(16) no_facet = NEVER_CALLED;

static void make_no_facet(struct facet *self, size_t references) {
    self->functions = no_facet.functions;
    self->references = references != 0;
}

// Facets whose constructors are inline in libstdc++ and lay down a table of this name, of so many functions.
#define NO_FACET(table, count) const FACET_TABLE(count) table = NEVER_CALLED;

// Facets that have a constructor(references) of this name.
#define NO_FACET_MADE_BY(constructor)                         \
    void constructor(struct facet *self, size_t references);  \
    void constructor(struct facet *self, size_t references) { \
        make_no_facet(self, references);                      \
    }

// What such inline constructors call to learn a country's customs.
#define NO_CUSTOMS(function)                                    \
    void function(void *self, void *locale, const char *name);  \
    void function(void *self, void *locale, const char *name) { \
        (void)self, (void)locale, (void)name;                   \
    }

// Money.
NO_FACET(_ZTVNSt7__cxx1110moneypunctIcLb0EEE, 11)
NO_FACET(_ZTVSt10moneypunctIcLb0EE, 11)
NO_FACET(_ZTVSt18__moneypunct_cacheIcLb0EE, 2)
NO_CUSTOMS(_ZNSt7__cxx1110moneypunctIcLb0EE24_M_initialize_moneypunctEP15__locale_structPKc)
NO_CUSTOMS(_ZNSt10moneypunctIcLb0EE24_M_initialize_moneypunctEP15__locale_structPKc)
NO_FACET(_ZTVNSt7__cxx1110moneypunctIcLb1EEE, 11)
NO_FACET(_ZTVSt10moneypunctIcLb1EE, 11)
NO_FACET(_ZTVSt18__moneypunct_cacheIcLb1EE, 2)
NO_CUSTOMS(_ZNSt7__cxx1110moneypunctIcLb1EE24_M_initialize_moneypunctEP15__locale_structPKc)
NO_CUSTOMS(_ZNSt10moneypunctIcLb1EE24_M_initialize_moneypunctEP15__locale_structPKc)
NO_FACET(_ZTVNSt7__cxx119money_getIcSt19istreambuf_iteratorIcSt11char_traitsIcEEEE, 4)
NO_FACET(_ZTVSt9money_getIcSt19istreambuf_iteratorIcSt11char_traitsIcEEE, 4)
NO_FACET(_ZTVNSt7__cxx119money_putIcSt19ostreambuf_iteratorIcSt11char_traitsIcEEEE, 4)
NO_FACET(_ZTVSt9money_putIcSt19ostreambuf_iteratorIcSt11char_traitsIcEEE, 4)
NO_FACET(_ZTVNSt7__cxx1110moneypunctIwLb0EEE, 11)
NO_FACET(_ZTVSt10moneypunctIwLb0EE, 11)
NO_FACET(_ZTVSt18__moneypunct_cacheIwLb0EE, 2)
NO_CUSTOMS(_ZNSt7__cxx1110moneypunctIwLb0EE24_M_initialize_moneypunctEP15__locale_structPKc)
NO_CUSTOMS(_ZNSt10moneypunctIwLb0EE24_M_initialize_moneypunctEP15__locale_structPKc)
NO_FACET(_ZTVNSt7__cxx1110moneypunctIwLb1EEE, 11)
NO_FACET(_ZTVSt10moneypunctIwLb1EE, 11)
NO_FACET(_ZTVSt18__moneypunct_cacheIwLb1EE, 2)
NO_CUSTOMS(_ZNSt7__cxx1110moneypunctIwLb1EE24_M_initialize_moneypunctEP15__locale_structPKc)
NO_CUSTOMS(_ZNSt10moneypunctIwLb1EE24_M_initialize_moneypunctEP15__locale_structPKc)
NO_FACET(_ZTVNSt7__cxx119money_getIwSt19istreambuf_iteratorIwSt11char_traitsIwEEEE, 4)
NO_FACET(_ZTVSt9money_getIwSt19istreambuf_iteratorIwSt11char_traitsIwEEE, 4)
NO_FACET(_ZTVNSt7__cxx119money_putIwSt19ostreambuf_iteratorIwSt11char_traitsIwEEEE, 4)
NO_FACET(_ZTVSt9money_putIwSt19ostreambuf_iteratorIwSt11char_traitsIwEEE, 4)

// Dates.
NO_FACET(_ZTVNSt7__cxx118time_getIcSt19istreambuf_iteratorIcSt11char_traitsIcEEEE, 9)
NO_FACET(_ZTVSt8time_getIcSt19istreambuf_iteratorIcSt11char_traitsIcEEE, 8)
NO_FACET(_ZTVSt8time_putIcSt19ostreambuf_iteratorIcSt11char_traitsIcEEE, 3)
NO_FACET(_ZTVNSt7__cxx118time_getIwSt19istreambuf_iteratorIwSt11char_traitsIwEEEE, 9)
NO_FACET(_ZTVSt8time_getIwSt19istreambuf_iteratorIwSt11char_traitsIwEEE, 8)
NO_FACET(_ZTVSt8time_putIwSt19ostreambuf_iteratorIwSt11char_traitsIwEEE, 3)
NO_FACET(_ZTVSt17__timepunct_cacheIwE, 2)

void _ZNSt11__timepunctIwEC1EPSt17__timepunct_cacheIwEm(struct facet *self, void *cache, size_t references);
void _ZNSt11__timepunctIwEC1EPSt17__timepunct_cacheIwEm(struct facet *self, void *cache, size_t references) {
    (void)cache;
    make_no_facet(self, references);
}

// The order of words, and catalogs of messages.
NO_FACET(_ZTVNSt7__cxx117collateIcEE, 5)
NO_FACET(_ZTVSt7collateIcE, 5)
NO_FACET_MADE_BY(_ZNSt7__cxx118messagesIcEC1Em)
NO_FACET_MADE_BY(_ZNSt8messagesIcEC1Em)
NO_FACET(_ZTVNSt7__cxx117collateIwEE, 5)
NO_FACET(_ZTVSt7collateIwE, 5)
NO_FACET_MADE_BY(_ZNSt7__cxx118messagesIwEC1Em)
NO_FACET_MADE_BY(_ZNSt8messagesIwEC1Em)

// Numbers in wide characters.
NO_FACET(_ZTVNSt7__cxx118numpunctIwEE, 7)
NO_FACET(_ZTVSt8numpunctIwE, 7)
NO_FACET(_ZTVSt16__numpunct_cacheIwE, 2)
NO_FACET(_ZTVSt7num_getIwSt19istreambuf_iteratorIwSt11char_traitsIwEEE, 13)
NO_FACET(_ZTVSt7num_putIwSt19ostreambuf_iteratorIwSt11char_traitsIwEEE, 10)
NO_CUSTOMS(_ZNSt7__cxx118numpunctIwE22_M_initialize_numpunctEP15__locale_struct)
NO_CUSTOMS(_ZNSt8numpunctIwE22_M_initialize_numpunctEP15__locale_struct)

// UTF-16 and UTF-32.
NO_FACET(_ZTVSt7codecvtIDiDu11__mbstate_tE, 9)
NO_FACET(_ZTVSt7codecvtIDic11__mbstate_tE, 9)
NO_FACET(_ZTVSt7codecvtIDsDu11__mbstate_tE, 9)
NO_FACET(_ZTVSt7codecvtIDsc11__mbstate_tE, 9)

// A facet for strings of one kind in the place of one for the other: only for locales that a program makes itself.
const void *_ZNKSt6locale5facet11_M_sso_shimEPKNS_2idE(const void *self, const void *id);
const void *_ZNKSt6locale5facet11_M_sso_shimEPKNS_2idE(const void *self, const void *id) {
    (void)self, (void)id;
    abort();
}

const void *_ZNKSt6locale5facet11_M_cow_shimEPKNS_2idE(const void *self, const void *id);
const void *_ZNKSt6locale5facet11_M_cow_shimEPKNS_2idE(const void *self, const void *id) {
    (void)self, (void)id;
    abort();
}
