// SPDX-License-Identifier: Apache-2.0
#include "base/zstd.hpp"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

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

struct Unzstd::State {
  std::unique_ptr<ZSTD_DCtx, Free> context{::ZSTD_createDCtx()};
  Behind behind = Behind::nothing;
  std::array<char, 65536> out{};
  // The first bytes of a frame, until they tell what it is; inside of one there are none.
  std::string head;
  bool inside = false;
  // How many bytes have come before the head, and whether the last of them were zeros behind the frames.
  std::uint64_t passed = 0;
  bool zeros = false;

  [[nodiscard]] Error no_frame() const;
  void pass_zeros(std::string_view& bytes);
  Result<void> begin_frame(std::string_view& bytes, const Take& take);
  Result<void> unpack(std::string_view& bytes, const Take& take);
};

Unzstd::Unzstd(Behind behind) : state_(std::make_unique<State>()) {
  INVARIANT(state_->context != nullptr);
  state_->behind = behind;
}

Unzstd::~Unzstd() = default;

Error Unzstd::State::no_frame() const {
  return bad(passed == 0 ? "the bytes are not zstd"
                         : "behind the zstd frames, at byte " + std::to_string(passed) + ", stands something else");
}

void Unzstd::State::pass_zeros(std::string_view& bytes) {
  if (behind != Behind::zeros || passed == 0 || !head.empty()) {
    return;
  }
  const std::size_t count = std::min(bytes.find_first_not_of('\0'), bytes.size());
  zeros = zeros || count > 0;
  passed += count;
  bytes.remove_prefix(count);
}

Result<void> Unzstd::State::begin_frame(std::string_view& bytes, const Take& take) {
  pass_zeros(bytes);
  const std::size_t count = std::min(bytes.size(), frame_magic.size() - head.size());
  head += bytes.substr(0, count);
  bytes.remove_prefix(count);
  // The library would take the formats from before version 0.8 too, which the static binary leaves out.
  const bool is_whole = head.size() == frame_magic.size();
  if (is_whole && (zeros || !is_zstd(head))) {
    return no_frame();
  }
  if (is_whole) {
    inside = true;
    const std::string magic = std::exchange(head, {});
    std::string_view rest = magic;
    return unpack(rest, take);
  }
  return {};
}

// Up to the end of the bytes, or of the frame.
Result<void> Unzstd::State::unpack(std::string_view& bytes, const Take& take) {
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  bool is_full = false;
  while (inside && (in.pos < in.size || is_full)) {
    ZSTD_outBuffer buffer{out.data(), out.size(), 0};
    inside = !TRY(step(context.get(), in, buffer));
    is_full = buffer.pos == buffer.size;
    if (buffer.pos > 0) {
      TRY(take(std::string_view(out.data(), buffer.pos)));
    }
  }
  passed += in.pos;
  bytes.remove_prefix(in.pos);
  return {};
}

Result<void> Unzstd::add(std::string_view bytes, const Take& take) {
  while (!bytes.empty()) {
    TRY(state_->inside ? state_->unpack(bytes, take) : state_->begin_frame(bytes, take));
  }
  return {};
}

Result<void> Unzstd::finish() {
  if (state_->inside) {
    return bad("the zstd bytes end too early");
  }
  return state_->head.empty() && state_->passed > 0 ? Result<void>() : Result<void>(state_->no_frame());
}

Result<std::string> unzstd(std::string_view bytes, std::uint64_t max_bytes, Behind behind) {
  std::string whole;
  const auto take = [&](std::string_view piece) -> Result<void> {
    if (piece.size() > max_bytes - whole.size()) {
      return bad("it unpacks to more than " + std::to_string(max_bytes) + " bytes");
    }
    whole += piece;
    return {};
  };
  Unzstd unpacker(behind);
  TRY(unpacker.add(bytes, take));
  TRY(unpacker.finish());
  return whole;
}

}  // namespace provision
