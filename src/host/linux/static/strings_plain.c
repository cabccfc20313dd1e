// SPDX-License-Identifier: Apache-2.0
// Only in the static binary. Comparisons that take capitals for small letters, and two ways to copy: the C library has each of
// them once for each kind of processor, together 65 KB, for speed that nothing here asks for. These know ASCII, as the C
// library's own do in the locale "C", which is the only one that the program has.

#include <locale.h>
#include <stddef.h>

// Not by a call of what is defined here.
#if defined(__GNUC__) && !defined(__clang__)
#define AS_WRITTEN __attribute__((optimize("no-tree-loop-distribute-patterns")))
#else
#define AS_WRITTEN
#endif

// The C library's own code calls them by the names with underscores.
int __strcasecmp(const char *left, const char *right);
int __strncasecmp(const char *left, const char *right, size_t length);
int __strcasecmp_l(const char *left, const char *right, locale_t locale);
int __strncasecmp_l(const char *left, const char *right, size_t length, locale_t locale);
int strcasecmp(const char *left, const char *right);
int strncasecmp(const char *left, const char *right, size_t length);
int strcasecmp_l(const char *left, const char *right, locale_t locale);
int strncasecmp_l(const char *left, const char *right, size_t length, locale_t locale);
char *strncpy(char *to, const char *from, size_t length);
char *strcat(char *to, const char *from);

static int small(char c) {
    const int code = (unsigned char)c;
    return code >= 'A' && code <= 'Z' ? code - 'A' + 'a' : code;
}

int __strncasecmp(const char *left, const char *right, size_t length) {
    for (size_t i = 0; i < length; ++i) {
        const int difference = small(left[i]) - small(right[i]);
        if (difference != 0 || left[i] == '\0') {
            return difference;
        }
    }
    return 0;
}

int __strcasecmp(const char *left, const char *right) {
    return __strncasecmp(left, right, (size_t)-1);
}

int __strcasecmp_l(const char *left, const char *right, locale_t locale) {
    (void)locale;
    return __strcasecmp(left, right);
}

int __strncasecmp_l(const char *left, const char *right, size_t length, locale_t locale) {
    (void)locale;
    return __strncasecmp(left, right, length);
}

int strcasecmp(const char *left, const char *right) {
    return __strcasecmp(left, right);
}

int strncasecmp(const char *left, const char *right, size_t length) {
    return __strncasecmp(left, right, length);
}

int strcasecmp_l(const char *left, const char *right, locale_t locale) {
    return __strcasecmp_l(left, right, locale);
}

int strncasecmp_l(const char *left, const char *right, size_t length, locale_t locale) {
    return __strncasecmp_l(left, right, length, locale);
}

AS_WRITTEN char *strncpy(char *to, const char *from, size_t length) {
    size_t i = 0;
    for (; i < length && from[i] != '\0'; ++i) {
        to[i] = from[i];
    }
    for (; i < length; ++i) {
        to[i] = '\0';
    }
    return to;
}

AS_WRITTEN char *strcat(char *to, const char *from) {
    char *end = to;
    while (*end != '\0') {
        ++end;
    }
    do {
        *end++ = *from;
    } while (*from++ != '\0');
    return to;
}
