// SPDX-License-Identifier: Apache-2.0
// Only in the static binary. Functions of libcrypto that the libraries refer to and the program never comes to call, and
// each of which brings much code along. These take their place, and say "not there" by the rules of the function they replace.

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/conf.h>
#include <openssl/ec.h>
#include <openssl/engine.h>
#include <openssl/http.h>
#include <openssl/pkcs12.h>
#include <openssl/x509_vfy.h>
#include <stddef.h>

// Those that are not in libcrypto's public headers.
void engine_load_afalg_int(void);
void engine_load_dynamic_int(void);
void engine_load_openssl_int(void);
void engine_load_padlock_int(void);
void OSSL_CMP_log_close(void);
const EC_METHOD *EC_GFp_nistp256_method(void);
const EC_METHOD *EC_GFp_nistz256_method(void);
void *EC_nistz256_pre_comp_dup(void *points);
void EC_nistz256_pre_comp_free(void *points);

// Engines: none is asked for, and one on disk would be made for another libc.

void engine_load_afalg_int(void) {
}

void engine_load_dynamic_int(void) {
}

void engine_load_openssl_int(void) {
}

void engine_load_padlock_int(void) {
}

void ENGINE_load_builtin_engines(void) {
}

int ENGINE_register_all_complete(void) {
    return 1;
}

// The modules that an openssl.cnf may name: prepare_process() sees to it that none is read.
void OPENSSL_load_builtin_modules(void) {
}

// Its end closes the log of a certificate management protocol, which nothing here speaks.
void OSSL_CMP_log_close(void) {
}

// Certificates and revocation lists at a URL: what is fetched, curl fetches.
BIO *OSSL_HTTP_get(const char *url, const char *proxy, const char *no_proxy, BIO *bio, BIO *rbio, OSSL_HTTP_bio_cb_t bio_update_fn,
                   void *arg, int buf_size, const STACK_OF(CONF_VALUE) *headers, const char *expected_content_type, int expect_asn1,
                   size_t max_resp_len, int timeout) {
    (void)url, (void)proxy, (void)no_proxy, (void)bio, (void)rbio, (void)bio_update_fn, (void)arg, (void)buf_size, (void)headers;
    (void)expected_content_type, (void)expect_asn1, (void)max_resp_len, (void)timeout;
    return NULL;
}

// Certificates in a store that a URI names: ours are in memory or in a file.
X509_LOOKUP_METHOD *X509_LOOKUP_store(void) {
    return NULL;
}

// A certificate of our own, which curl would show to a server: we have none.
int PKCS12_parse(PKCS12 *p12, const char *pass, EVP_PKEY **pkey, X509 **cert, STACK_OF(X509) **ca) {
    (void)p12, (void)pass, (void)pkey, (void)cert, (void)ca;
    return 0;
}

// P-256 by the portable code (constant-time, 64 bits). That of the processor's own is faster by what a first boot with its
// few handshakes never sees, and its table of points is a fiftieth of the program.

const EC_METHOD *EC_GFp_nistz256_method(void) {
    return EC_GFp_nistp256_method();
}

// Points for the other code: none of them are ever made.

void *EC_nistz256_pre_comp_dup(void *points) {
    return points;
}

void EC_nistz256_pre_comp_free(void *points) {
    (void)points;
}
