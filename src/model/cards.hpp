// SPDX-License-Identifier: Apache-2.0
// CryptoExpress cards of s390x, which protect the keys of encrypted volumes (storage.luks[].cex), as the kernel shows
// them (Documentation/arch/s390/vfio-ap.rst: "AP Architectural Overview"; drivers/s390/crypto), and where zkey(1) and
// the images of Fedora CoreOS have the keys.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "host/host.hpp"
#include "model/inventory.hpp"
#include "spec/config.hpp"

namespace provision::model {

// The key by which an image's initramfs opens such volumes in later boots (rd.luks.key=/etc/luks/cex.key). It is no
// secret: without the card that made the volume key it opens nothing.
inline constexpr std::string_view card_key_path = "/etc/luks/cex.key";

// The repository of zkey, and what it has of a key there, by the ends of the files' names: the secure key, and what
// zkey knows of it.
inline constexpr std::string_view secure_keys_directory = "/etc/zkey/repository";
inline constexpr std::string_view secure_key_part = "skey";
inline constexpr std::string_view secure_info_part = "info";
inline constexpr std::array secure_key_parts{secure_key_part, secure_info_part};

// As Ignition names them, so that whoever re-enciphers keys later finds them by the same name: "ignition-luks-data".
std::string secure_key_id(std::string_view volume);
std::string secure_key_path(std::string_view volume, std::string_view part);
// The name by which it is kept until the first boot is complete (kept_key_place): no volume can have it.
std::string secure_key_name(std::string_view volume, std::string_view part);

bool wants_card(const spec::Luks& volume);
// Changes nothing; in particular it loads no driver.
Result<CardsView> see_cards(host::Host& host);

}  // namespace provision::model
