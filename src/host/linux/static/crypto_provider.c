// SPDX-License-Identifier: Apache-2.0
// Only in the static binary. libcrypto's default provider holds a table of every algorithm that it knows, and the table
// pulls in all their code: ARIA, Camellia, SM2 to SM4, triple DES, writers for every kind of key. This takes its place
// with a table of what the program uses: TLS 1.2 and 1.3 as a client, the certificates that a server may show for them,
// and what a LUKS volume is made with. libssl asks the table at its start; what it offers a server is what it would offer
// with all of them, because its own list of cipher suites leaves out the rest.
// The functions are libcrypto's own. Their names are not in its public headers; one that is renamed stops the link.

#include <openssl/bio.h>
#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <stddef.h>

// libcrypto calls these by the same names wherever it hands itself to a provider.
typedef struct prov_ctx_st ProviderContext;
ProviderContext *ossl_prov_ctx_new(void);
void ossl_prov_ctx_free(ProviderContext *context);
void ossl_prov_ctx_set0_libctx(ProviderContext *context, OSSL_LIB_CTX *library);
void ossl_prov_ctx_set0_handle(ProviderContext *context, const OSSL_CORE_HANDLE *handle);
void ossl_prov_ctx_set0_core_bio_method(ProviderContext *context, BIO_METHOD *method);
BIO_METHOD *ossl_prov_ctx_get0_core_bio_method(ProviderContext *context);
BIO_METHOD *ossl_bio_prov_init_bio_method(void);
int ossl_prov_bio_from_dispatch(const OSSL_DISPATCH *functions);
int ossl_prov_seeding_from_dispatch(const OSSL_DISPATCH *functions);
int ossl_prov_get_capabilities(void *context, const char *capability, OSSL_CALLBACK *callback, void *argument);

// What takes the place of libcrypto's functions of these names.
OSSL_provider_init_fn ossl_default_provider_init;
OSSL_provider_init_fn ossl_base_provider_init;

// An algorithm is its names, the last of them mostly the object identifier, and its functions.
// clang-format off
#define DIGESTS(ALGORITHM) \
    ALGORITHM("SHA1:SHA-1:SSL3-SHA1:1.3.14.3.2.26", sha1) \
    ALGORITHM("SHA2-224:SHA-224:SHA224:2.16.840.1.101.3.4.2.4", sha224) \
    ALGORITHM("SHA2-256:SHA-256:SHA256:2.16.840.1.101.3.4.2.1", sha256) \
    ALGORITHM("SHA2-384:SHA-384:SHA384:2.16.840.1.101.3.4.2.2", sha384) \
    ALGORITHM("SHA2-512:SHA-512:SHA512:2.16.840.1.101.3.4.2.3", sha512) \
    ALGORITHM("SHA2-512/224:SHA-512/224:SHA512-224:2.16.840.1.101.3.4.2.5", sha512_224) \
    ALGORITHM("SHA2-512/256:SHA-512/256:SHA512-256:2.16.840.1.101.3.4.2.6", sha512_256) \
    ALGORITHM("SHA3-224:2.16.840.1.101.3.4.2.7", sha3_224) \
    ALGORITHM("SHA3-256:2.16.840.1.101.3.4.2.8", sha3_256) \
    ALGORITHM("SHA3-384:2.16.840.1.101.3.4.2.9", sha3_384) \
    ALGORITHM("SHA3-512:2.16.840.1.101.3.4.2.10", sha3_512) \
    ALGORITHM("SHAKE-128:SHAKE128:2.16.840.1.101.3.4.2.11", shake_128) \
    ALGORITHM("SHAKE-256:SHAKE256:2.16.840.1.101.3.4.2.12", shake_256) \
    ALGORITHM("BLAKE2S-256:BLAKE2s256:1.3.6.1.4.1.1722.12.2.2.8", blake2s256) \
    ALGORITHM("BLAKE2B-512:BLAKE2b512:1.3.6.1.4.1.1722.12.2.1.16", blake2b512) \
    ALGORITHM("MD5:SSL3-MD5:1.2.840.113549.2.5", md5) \
    ALGORITHM("MD5-SHA1", md5_sha1) \
    ALGORITHM("RIPEMD-160:RIPEMD160:RIPEMD:RMD160:1.3.36.3.2.1", ripemd160)

#define CIPHERS(ALGORITHM) \
    ALGORITHM("NULL", null) \
    ALGORITHM("AES-256-ECB:2.16.840.1.101.3.4.1.41", aes256ecb) \
    ALGORITHM("AES-192-ECB:2.16.840.1.101.3.4.1.21", aes192ecb) \
    ALGORITHM("AES-128-ECB:2.16.840.1.101.3.4.1.1", aes128ecb) \
    ALGORITHM("AES-256-CBC:AES256:2.16.840.1.101.3.4.1.42", aes256cbc) \
    ALGORITHM("AES-192-CBC:AES192:2.16.840.1.101.3.4.1.22", aes192cbc) \
    ALGORITHM("AES-128-CBC:AES128:2.16.840.1.101.3.4.1.2", aes128cbc) \
    ALGORITHM("AES-256-CTR", aes256ctr) \
    ALGORITHM("AES-192-CTR", aes192ctr) \
    ALGORITHM("AES-128-CTR", aes128ctr) \
    ALGORITHM("AES-256-XTS:1.3.111.2.1619.0.1.2", aes256xts) \
    ALGORITHM("AES-128-XTS:1.3.111.2.1619.0.1.1", aes128xts) \
    ALGORITHM("AES-256-GCM:id-aes256-GCM:2.16.840.1.101.3.4.1.46", aes256gcm) \
    ALGORITHM("AES-192-GCM:id-aes192-GCM:2.16.840.1.101.3.4.1.26", aes192gcm) \
    ALGORITHM("AES-128-GCM:id-aes128-GCM:2.16.840.1.101.3.4.1.6", aes128gcm) \
    ALGORITHM("AES-256-CCM:id-aes256-CCM:2.16.840.1.101.3.4.1.47", aes256ccm) \
    ALGORITHM("AES-192-CCM:id-aes192-CCM:2.16.840.1.101.3.4.1.27", aes192ccm) \
    ALGORITHM("AES-128-CCM:id-aes128-CCM:2.16.840.1.101.3.4.1.7", aes128ccm) \
    ALGORITHM("ChaCha20", chacha20) \
    ALGORITHM("ChaCha20-Poly1305", chacha20_ossl_poly1305)

#define MACS(ALGORITHM) \
    ALGORITHM("HMAC", hmac)

#define KDFS(ALGORITHM) \
    ALGORITHM("HKDF", kdf_hkdf) \
    ALGORITHM("TLS13-KDF", kdf_tls1_3_kdf) \
    ALGORITHM("TLS1-PRF", kdf_tls1_prf) \
    ALGORITHM("PBKDF2:1.2.840.113549.1.5.12", kdf_pbkdf2)

#define RANDOM_GENERATORS(ALGORITHM) \
    ALGORITHM("CTR-DRBG", drbg_ctr) \
    ALGORITHM("SEED-SRC", seed_src)

#define KEY_MANAGEMENT(ALGORITHM) \
    ALGORITHM("DH:dhKeyAgreement:1.2.840.113549.1.3.1", dh_keymgmt) \
    ALGORITHM("RSA:rsaEncryption:1.2.840.113549.1.1.1", rsa_keymgmt) \
    ALGORITHM("RSA-PSS:RSASSA-PSS:1.2.840.113549.1.1.10", rsapss_keymgmt) \
    ALGORITHM("EC:id-ecPublicKey:1.2.840.10045.2.1", ec_keymgmt) \
    ALGORITHM("DSA:dsaEncryption:1.2.840.10040.4.1", dsa_keymgmt) \
    ALGORITHM("X25519:1.3.101.110", x25519_keymgmt) \
    ALGORITHM("X448:1.3.101.111", x448_keymgmt) \
    ALGORITHM("ED25519:1.3.101.112", ed25519_keymgmt) \
    ALGORITHM("ED448:1.3.101.113", ed448_keymgmt) \
    ALGORITHM("HMAC", mac_legacy_keymgmt)

#define KEY_EXCHANGES(ALGORITHM) \
    ALGORITHM("DH:dhKeyAgreement:1.2.840.113549.1.3.1", dh_keyexch) \
    ALGORITHM("ECDH", ecdh_keyexch) \
    ALGORITHM("X25519:1.3.101.110", x25519_keyexch) \
    ALGORITHM("X448:1.3.101.111", x448_keyexch)

// Records of the older cipher suites are signed with an HMAC key.
#define SIGNATURES(ALGORITHM) \
    ALGORITHM("RSA:rsaEncryption:1.2.840.113549.1.1.1", rsa_signature) \
    ALGORITHM("DSA:dsaEncryption:1.2.840.10040.4.1", dsa_signature) \
    ALGORITHM("ECDSA", ecdsa_signature) \
    ALGORITHM("ED25519:1.3.101.112", ed25519_signature) \
    ALGORITHM("ED448:1.3.101.113", ed448_signature) \
    ALGORITHM("HMAC", mac_legacy_hmac_signature)

#define KEY_CIPHERS(ALGORITHM) \
    ALGORITHM("RSA:rsaEncryption:1.2.840.113549.1.1.1", rsa_asym_cipher)

// Readers of the public keys in certificates.
#define KEY_READERS(ALGORITHM) \
    ALGORITHM("RSA", SubjectPublicKeyInfo_der_to_rsa_decoder) \
    ALGORITHM("RSA-PSS", SubjectPublicKeyInfo_der_to_rsapss_decoder) \
    ALGORITHM("DSA", SubjectPublicKeyInfo_der_to_dsa_decoder) \
    ALGORITHM("EC", SubjectPublicKeyInfo_der_to_ec_decoder) \
    ALGORITHM("ED25519", SubjectPublicKeyInfo_der_to_ed25519_decoder) \
    ALGORITHM("ED448", SubjectPublicKeyInfo_der_to_ed448_decoder) \
    ALGORITHM("DER", SubjectPublicKeyInfo_der_to_der_decoder)
// clang-format on

#define DECLARE(names, functions) extern const OSSL_DISPATCH ossl_##functions##_functions[];
#define ENTRY(names, functions) {names, "provider=default", ossl_##functions##_functions, NULL},
#define READER(names, functions) \
    {names, "provider=default,fips=yes,input=der,structure=SubjectPublicKeyInfo", ossl_##functions##_functions, NULL},
#define END {NULL, NULL, NULL, NULL}

DIGESTS(DECLARE)
CIPHERS(DECLARE)
MACS(DECLARE)
KDFS(DECLARE)
RANDOM_GENERATORS(DECLARE)
KEY_MANAGEMENT(DECLARE)
KEY_EXCHANGES(DECLARE)
SIGNATURES(DECLARE)
KEY_CIPHERS(DECLARE)
KEY_READERS(DECLARE)

static const OSSL_ALGORITHM digests[] = {DIGESTS(ENTRY) END};
static const OSSL_ALGORITHM ciphers[] = {CIPHERS(ENTRY) END};
static const OSSL_ALGORITHM macs[] = {MACS(ENTRY) END};
static const OSSL_ALGORITHM kdfs[] = {KDFS(ENTRY) END};
static const OSSL_ALGORITHM random_generators[] = {RANDOM_GENERATORS(ENTRY) END};
static const OSSL_ALGORITHM key_management[] = {KEY_MANAGEMENT(ENTRY) END};
static const OSSL_ALGORITHM key_exchanges[] = {KEY_EXCHANGES(ENTRY) END};
static const OSSL_ALGORITHM signatures[] = {SIGNATURES(ENTRY) END};
static const OSSL_ALGORITHM key_ciphers[] = {KEY_CIPHERS(ENTRY) END};
static const OSSL_ALGORITHM key_readers[] = {KEY_READERS(READER) END};

static const OSSL_ALGORITHM *query(void *context, int operation, int *no_cache) {
    (void)context;
    *no_cache = 0;
    switch (operation) {
        case OSSL_OP_DIGEST: return digests;
        case OSSL_OP_CIPHER: return ciphers;
        case OSSL_OP_MAC: return macs;
        case OSSL_OP_KDF: return kdfs;
        case OSSL_OP_RAND: return random_generators;
        case OSSL_OP_KEYMGMT: return key_management;
        case OSSL_OP_KEYEXCH: return key_exchanges;
        case OSSL_OP_SIGNATURE: return signatures;
        case OSSL_OP_ASYM_CIPHER: return key_ciphers;
        case OSSL_OP_DECODER: return key_readers;
        default: return NULL;
    }
}

static void teardown(void *context) {
    BIO_meth_free(ossl_prov_ctx_get0_core_bio_method(context));
    ossl_prov_ctx_free(context);
}

static const OSSL_DISPATCH provider[] = {
    {OSSL_FUNC_PROVIDER_TEARDOWN, (void (*)(void))teardown},
    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
    {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))ossl_prov_get_capabilities},
    {0, NULL},
};

static OSSL_FUNC_core_get_libctx_fn *library_getter(const OSSL_DISPATCH *core) {
    while (core->function_id != 0 && core->function_id != OSSL_FUNC_CORE_GET_LIBCTX)
        ++core;
    return core->function_id == 0 ? NULL : OSSL_FUNC_core_get_libctx(core);
}

int ossl_default_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core, const OSSL_DISPATCH **functions,
                               void **context) {
    OSSL_FUNC_core_get_libctx_fn *library = library_getter(core);
    if (!library || !ossl_prov_bio_from_dispatch(core) || !ossl_prov_seeding_from_dispatch(core))
        return 0;
    ProviderContext *made = ossl_prov_ctx_new();
    BIO_METHOD *method = ossl_bio_prov_init_bio_method();
    if (!made || !method) {
        ossl_prov_ctx_free(made);
        BIO_meth_free(method);
        return 0;
    }
    // The core's library context stands behind a pointer of another type; it is the same object in a provider built in.
    ossl_prov_ctx_set0_libctx(made, (OSSL_LIB_CTX *)library(handle));
    ossl_prov_ctx_set0_handle(made, handle);
    ossl_prov_ctx_set0_core_bio_method(made, method);
    *context = made;
    *functions = provider;
    return 1;
}

// Only programs that ask for the provider "base" by its name get that one; none of ours does.
int ossl_base_provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core, const OSSL_DISPATCH **functions,
                            void **context) {
    (void)handle;
    (void)core;
    (void)functions;
    (void)context;
    return 0;
}
