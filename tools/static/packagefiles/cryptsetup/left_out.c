// SPDX-License-Identifier: Apache-2.0
// What takes the place of the formats other than LUKS that libcryptsetup knows: loop-AES, TrueCrypt, BitLocker, FileVault
// and dm-verity. The program never asks for one; libcryptsetup's own calls lead to all of them.

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "libcryptsetup.h"
#include "internal.h"
#include "bitlk/bitlk.h"
#include "fvault2/fvault2.h"
#include "loopaes/loopaes.h"
#include "tcrypt/tcrypt.h"
#include "verity/verity.h"

#define LEFT_OUT(function, ...) int function(__VA_ARGS__) { return -ENOTSUP; }
#define NO_NUMBER(function, ...) uint64_t function(__VA_ARGS__) { return 0; }

LEFT_OUT(LOOPAES_parse_keyfile, struct crypt_device *, struct volume_key **, const char *, unsigned *, char *, size_t)
LEFT_OUT(LOOPAES_activate, struct crypt_device *, const char *, const char *, unsigned, struct volume_key *, uint32_t)

LEFT_OUT(TCRYPT_read_phdr, struct crypt_device *, struct tcrypt_phdr *, struct crypt_params_tcrypt *)
LEFT_OUT(TCRYPT_init_by_name, struct crypt_device *, const char *, const char *, const struct dm_target *, struct device **,
         struct crypt_params_tcrypt *, struct tcrypt_phdr *)
LEFT_OUT(TCRYPT_activate, struct crypt_device *, const char *, struct tcrypt_phdr *, struct crypt_params_tcrypt *, uint32_t)
LEFT_OUT(TCRYPT_deactivate, struct crypt_device *, const char *, uint32_t)
NO_NUMBER(TCRYPT_get_data_offset, struct crypt_device *, struct tcrypt_phdr *, struct crypt_params_tcrypt *)
NO_NUMBER(TCRYPT_get_iv_offset, struct crypt_device *, struct tcrypt_phdr *, struct crypt_params_tcrypt *)
LEFT_OUT(TCRYPT_get_volume_key, struct crypt_device *, struct tcrypt_phdr *, struct crypt_params_tcrypt *, struct volume_key **)
LEFT_OUT(TCRYPT_dump, struct crypt_device *, struct tcrypt_phdr *, struct crypt_params_tcrypt *)

LEFT_OUT(BITLK_read_sb, struct crypt_device *, struct bitlk_metadata *)
LEFT_OUT(BITLK_dump, struct crypt_device *, struct device *, struct bitlk_metadata *)
LEFT_OUT(BITLK_get_volume_key, struct crypt_device *, const char *, size_t, const struct bitlk_metadata *, struct volume_key **)
LEFT_OUT(BITLK_activate_by_passphrase, struct crypt_device *, const char *, const char *, size_t, const struct bitlk_metadata *,
         uint32_t)
LEFT_OUT(BITLK_activate_by_volume_key, struct crypt_device *, const char *, const char *, size_t, const struct bitlk_metadata *,
         uint32_t)
void BITLK_bitlk_metadata_free(struct bitlk_metadata *) {
}

LEFT_OUT(FVAULT2_read_metadata, struct crypt_device *, struct fvault2_params *)
LEFT_OUT(FVAULT2_get_volume_key, struct crypt_device *, const char *, size_t, const struct fvault2_params *, struct volume_key **)
LEFT_OUT(FVAULT2_dump, struct crypt_device *, struct device *, const struct fvault2_params *)
LEFT_OUT(FVAULT2_activate_by_passphrase, struct crypt_device *, const char *, const char *, size_t, const struct fvault2_params *,
         uint32_t)

LEFT_OUT(VERITY_read_sb, struct crypt_device *, uint64_t, char **, struct crypt_params_verity *)
LEFT_OUT(VERITY_write_sb, struct crypt_device *, uint64_t, const char *, struct crypt_params_verity *)
LEFT_OUT(VERITY_activate, struct crypt_device *, const char *, const char *, size_t, const char *, struct device *,
         struct crypt_params_verity *, uint32_t)
LEFT_OUT(VERITY_verify, struct crypt_device *, struct crypt_params_verity *, const char *, size_t)
LEFT_OUT(VERITY_create, struct crypt_device *, struct crypt_params_verity *, const char *, size_t)
LEFT_OUT(VERITY_FEC_process, struct crypt_device *, struct crypt_params_verity *, struct device *, int, unsigned *)
NO_NUMBER(VERITY_hash_offset_block, struct crypt_params_verity *)
NO_NUMBER(VERITY_hash_blocks, struct crypt_device *, struct crypt_params_verity *)
NO_NUMBER(VERITY_FEC_blocks, struct crypt_device *, struct device *, struct crypt_params_verity *)
NO_NUMBER(VERITY_FEC_RS_blocks, uint64_t, uint32_t)
LEFT_OUT(VERITY_UUID_generate, char **)
LEFT_OUT(VERITY_dump, struct crypt_device *, struct crypt_params_verity *, const char *, unsigned, struct device *)
