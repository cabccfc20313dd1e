// SPDX-License-Identifier: Apache-2.0
// Only in the static binary. Debian's libzstd also reads the formats from before version 0.8, 90 KB of code. unzstd() gives it
// no such frame, so that these are never called; they take that code's place, and say "not there" by its rules.

#include <stddef.h>
#include <zstd_errors.h>

static const size_t no_such_version = (size_t)-ZSTD_error_version_unsupported;

#define LEGACY(version)                                                                                                          \
    void *ZBUFFv0##version##_createDCtx(void);                                                                                   \
    void *ZBUFFv0##version##_createDCtx(void) {                                                                                  \
        return NULL;                                                                                                             \
    }                                                                                                                            \
    size_t ZBUFFv0##version##_freeDCtx(void *context);                                                                           \
    size_t ZBUFFv0##version##_freeDCtx(void *context) {                                                                          \
        (void)context;                                                                                                           \
        return 0;                                                                                                                \
    }                                                                                                                            \
    size_t ZBUFFv0##version##_decompressInitDictionary(void *context, const void *dictionary, size_t size);                      \
    size_t ZBUFFv0##version##_decompressInitDictionary(void *context, const void *dictionary, size_t size) {                     \
        (void)context, (void)dictionary, (void)size;                                                                             \
        return no_such_version;                                                                                                  \
    }                                                                                                                            \
    size_t ZBUFFv0##version##_decompressContinue(void *context, void *out, size_t *out_size, const void *in, size_t *in_size);   \
    size_t ZBUFFv0##version##_decompressContinue(void *context, void *out, size_t *out_size, const void *in, size_t *in_size) {  \
        (void)context, (void)out, (void)out_size, (void)in, (void)in_size;                                                       \
        return no_such_version;                                                                                                  \
    }                                                                                                                            \
    void *ZSTDv0##version##_createDCtx(void);                                                                                    \
    void *ZSTDv0##version##_createDCtx(void) {                                                                                   \
        return NULL;                                                                                                             \
    }                                                                                                                            \
    size_t ZSTDv0##version##_freeDCtx(void *context);                                                                            \
    size_t ZSTDv0##version##_freeDCtx(void *context) {                                                                           \
        (void)context;                                                                                                           \
        return 0;                                                                                                                \
    }                                                                                                                            \
    size_t ZSTDv0##version##_decompress_usingDict(void *context, void *out, size_t out_size, const void *in, size_t in_size,     \
                                                  const void *dictionary, size_t size);                                          \
    size_t ZSTDv0##version##_decompress_usingDict(void *context, void *out, size_t out_size, const void *in, size_t in_size,     \
                                                  const void *dictionary, size_t size) {                                         \
        (void)context, (void)out, (void)out_size, (void)in, (void)in_size, (void)dictionary, (void)size;                         \
        return no_such_version;                                                                                                  \
    }                                                                                                                            \
    void ZSTDv0##version##_findFrameSizeInfoLegacy(const void *in, size_t size, size_t *compressed, unsigned long long *bound);  \
    void ZSTDv0##version##_findFrameSizeInfoLegacy(const void *in, size_t size, size_t *compressed, unsigned long long *bound) { \
        (void)in, (void)size;                                                                                                    \
        *compressed = no_such_version;                                                                                           \
        *bound = (unsigned long long)-2; /* ZSTD_CONTENTSIZE_ERROR */                                                            \
    }                                                                                                                            \
    size_t ZSTDv0##version##_getFrameParams(void *parameters, const void *in, size_t size);                                      \
    size_t ZSTDv0##version##_getFrameParams(void *parameters, const void *in, size_t size) {                                     \
        (void)parameters, (void)in, (void)size;                                                                                  \
        return no_such_version;                                                                                                  \
    }

LEGACY(5)
LEGACY(6)
LEGACY(7)
