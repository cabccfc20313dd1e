// SPDX-License-Identifier: Apache-2.0
// Only in the static binary. At its start libcrypto lists the methods of its older interface, and with the lists comes the
// code of every cipher and digest. These take the place of the lists: they hold what crypto_provider.c provides, because a
// fetched algorithm finds its number by them.

#include <openssl/evp.h>
#include <stddef.h>

// What takes the place of libcrypto's functions of these names.
void openssl_add_all_ciphers_int(void);
void openssl_add_all_digests_int(void);

void openssl_add_all_ciphers_int(void) {
    static const EVP_CIPHER *(*const all[])(void) = {
        EVP_aes_128_ecb, EVP_aes_192_ecb, EVP_aes_256_ecb, EVP_aes_128_cbc, EVP_aes_192_cbc, EVP_aes_256_cbc,
        EVP_aes_128_ctr, EVP_aes_192_ctr, EVP_aes_256_ctr, EVP_aes_128_gcm, EVP_aes_192_gcm, EVP_aes_256_gcm,
        EVP_aes_128_ccm, EVP_aes_192_ccm, EVP_aes_256_ccm, EVP_aes_128_xts, EVP_aes_256_xts, EVP_chacha20,
        EVP_chacha20_poly1305,
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i)
        EVP_add_cipher(all[i]());
}

void openssl_add_all_digests_int(void) {
    static const EVP_MD *(*const all[])(void) = {
        EVP_md5,        EVP_md5_sha1,   EVP_sha1,     EVP_sha224,   EVP_sha256,   EVP_sha384,   EVP_sha512,   EVP_sha512_224,
        EVP_sha512_256, EVP_sha3_224,   EVP_sha3_256, EVP_sha3_384, EVP_sha3_512, EVP_shake128, EVP_shake256, EVP_blake2b512,
        EVP_blake2s256, EVP_ripemd160,
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; ++i)
        EVP_add_digest(all[i]());
    // The names by which libssl and older certificates also know them.
    EVP_add_digest_alias(SN_md5, "ssl3-md5");
    EVP_add_digest_alias(SN_sha1, "ssl3-sha1");
    EVP_add_digest_alias(SN_sha1WithRSAEncryption, SN_sha1WithRSA);
}
