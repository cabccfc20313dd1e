// SPDX-License-Identifier: Apache-2.0
#include "base/zstd.hpp"

#include <zstd.h>

#include <array>
#include <memory>

#include "base/assert.hpp"

namespace provision {
namespace {

constexpr std::string_view frame_magic = "\x28\xb5\x2f\xfd";
// Without its first byte, which is 0x50 to 0x5f.
constexpr std::string_view skipped_magic = "\x2a\x4d\x18";

struct Free {
  void operator()(ZSTD_DCtx* context) const { ::ZSTD_freeDCtx(context); }
};

Error bad(const std::string& what) { return {Code::bad_contents, what}; }

// One call: as much as fits into `out`. Whether a frame has ended with it.
Result<bool> step(ZSTD_DCtx* context, ZSTD_inBuffer& in, ZSTD_outBuffer& out) {
  const std::size_t result = ::ZSTD_decompressStream(context, &out, &in);
  if (::ZSTD_isError(result) != 0) {
    return bad("the zstd bytes cannot be unpacked: " + std::string(::ZSTD_getErrorName(result)));
  }
  return result == 0;
}

}  // namespace

bool is_zstd(std::string_view bytes) {
  const bool is_skipped = !bytes.empty() && (static_cast<unsigned char>(bytes.front()) & 0xf0U) == 0x50U &&
                          bytes.substr(1).starts_with(skipped_magic);
  return is_skipped || bytes.starts_with(frame_magic);
}

Result<std::string> unzstd(std::string_view bytes, std::uint64_t max_bytes, Behind behind) {
  const std::unique_ptr<ZSTD_DCtx, Free> context(::ZSTD_createDCtx());
  INVARIANT(context != nullptr);
  std::array<char, 65536> piece{};
  std::string whole;
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  bool has_ended = true;
  const auto ends_at = [&](std::size_t at) {
    return at == bytes.size() || (behind == Behind::zeros && bytes.find_first_not_of('\0', at) == bytes.npos);
  };
  do {
    // The library would take the formats from before version 0.8 too, which the static binary leaves out.
    if (has_ended && !is_zstd(bytes.substr(in.pos))) {
      return bad(in.pos == 0 ? "the bytes are not zstd"
                             : "behind the zstd frames, at byte " + std::to_string(in.pos) + ", stands something else");
    }
    const std::size_t before = in.pos;
    ZSTD_outBuffer out{piece.data(), piece.size(), 0};
    has_ended = TRY(step(context.get(), in, out));
    if (out.pos > max_bytes - whole.size()) {
      return bad("it unpacks to more than " + std::to_string(max_bytes) + " bytes");
    }
    whole.append(piece.data(), out.pos);
    if (!has_ended && in.pos == before && out.pos == 0) {
      return bad("the zstd bytes end too early");
    }
  } while (!has_ended || !ends_at(in.pos));
  return whole;
}

}  // namespace provision
