// SPDX-License-Identifier: Apache-2.0
// What Clevis has to do with encrypted volumes: pins and their configs (clevis-encrypt-sss(1), -tang(1), -tpm2(1)), and
// the token of a LUKS2 header that `clevis luks unlock` and its helpers at boot look for:
//     {"type":"clevis","keyslots":["1"],"jwe":{"ciphertext":…,"encrypted_key":…,"iv":…,"protected":…,"tag":…}}
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "host/host.hpp"
#include "plan/operation.hpp"
#include "spec/config.hpp"

namespace provision::plan {

// The config wants the volume bound.
bool wants_binding(const spec::Luks& volume);
// Later boots need the network to open it.
bool needs_network(const spec::Clevis& clevis);
// As many can help as must, by what is here while the volume is made: not those servers whose advertisement the config
// brings along, since that is for servers that are elsewhere.
bool can_be_tried(const spec::Clevis& clevis);
// "Tang at tang.example, the TPM (2 of them open it)".
std::string binding_words(const spec::Clevis& clevis);
// What is wrong with it, by its key; nothing: it can be asked of Clevis.
struct BindingFault {
  std::string_view key;
  std::string what;
};
std::optional<BindingFault> binding_fault(const spec::Clevis& clevis);

// Binds the volume: gives it a key slot of a random passphrase, and a token that has that passphrase encrypted by
// Clevis. `key` opens it. The advertisements of servers are fetched where the config has none.
Result<void> bind_volume(host::Host& host, const host::DeviceRef& device, const spec::Clevis& clevis,
                         const Secret& key);
// Opens a volume that is bound, as /dev/mapper/<name>; with an empty name it is only tried. False: it is not bound.
// Code::program_failed: Clevis cannot decrypt. Code::conflict: what it decrypts opens nothing.
Result<bool> open_bound(host::Host& host, const host::DeviceRef& device, const std::string& name,
                        const host::LuksOpen& options);
// Removes the key slots that `key` opens and that are no token's. Code::conflict: it is not bound.
Result<void> remove_key_of(host::Host& host, const host::DeviceRef& device, const Secret& key);

// The token for a JWE in its compact form (RFC 7516, section 7.1); nothing: it is none.
std::optional<std::string> clevis_token(std::string_view jwe, int slot);

}  // namespace provision::plan
