// SPDX-License-Identifier: Apache-2.0
#include "base/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/assert.hpp"

namespace provision {
namespace {

// Window bits for the gzip format alone: neither zlib's nor raw deflate.
constexpr int gzip_alone = 16 + MAX_WBITS;

Error not_gzip() { return {Code::bad_contents, "the bytes are not gzip, or are damaged"}; }

}  // namespace

struct Gunzip::State {
  z_stream stream{};
  Behind behind = Behind::nothing;
  // Inside a member: its end has not come.
  bool inside = false;
  bool any = false;
  std::array<char, 65536> out{};

  Result<void> step(const Take& take);
  void pass_zeros();
};

Gunzip::Gunzip(Behind behind) : state_(std::make_unique<State>()) {
  state_->behind = behind;
  const int result = ::inflateInit2(&state_->stream, gzip_alone);
  INVARIANT(result == Z_OK);
}

Gunzip::~Gunzip() { ::inflateEnd(&state_->stream); }

// One call of inflate: as much as fits into the buffer.
Result<void> Gunzip::State::step(const Take& take) {
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = ::inflate(&stream, Z_NO_FLUSH);
  if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
    return not_gzip();
  }
  inside = result != Z_STREAM_END;
  if (const std::size_t size = out.size() - stream.avail_out; size > 0) {
    TRY(take(std::string_view(out.data(), size)));
  }
  if (result == Z_STREAM_END && ::inflateReset(&stream) != Z_OK) {
    return not_gzip();
  }
  return {};
}

// Where a member may begin, and none does with a zero.
void Gunzip::State::pass_zeros() {
  while (behind == Behind::zeros && any && !inside && stream.avail_in > 0 && *stream.next_in == 0) {
    ++stream.next_in;
    --stream.avail_in;
  }
}

Result<void> Gunzip::add(std::string_view bytes, const Take& take) {
  while (!bytes.empty()) {
    const auto part = bytes.substr(0, std::min<std::size_t>(bytes.size(), std::numeric_limits<uInt>::max()));
    bytes.remove_prefix(part.size());
    // zlib only reads it.
    state_->stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
    state_->stream.avail_in = static_cast<uInt>(part.size());
    state_->pass_zeros();
    bool goes_on = state_->stream.avail_in > 0;
    while (goes_on) {
      state_->any = true;
      state_->inside = true;
      TRY(state_->step(take));
      state_->pass_zeros();
      goes_on = state_->stream.avail_in > 0 || (state_->inside && state_->stream.avail_out == 0);
    }
  }
  return {};
}

Result<void> Gunzip::finish() {
  if (!state_->any || state_->inside) {
    return Error(Code::bad_contents, "the gzip bytes end too early");
  }
  return {};
}

void Gunzip::restart() {
  ::inflateReset(&state_->stream);
  state_->inside = false;
  state_->any = false;
}

Result<std::string> gunzip(std::string_view bytes, std::uint64_t max_bytes, Behind behind) {
  std::string whole;
  const auto take = [&](std::string_view piece) -> Result<void> {
    if (piece.size() > max_bytes - whole.size()) {
      return Error(Code::bad_contents, "it unpacks to more than " + std::to_string(max_bytes) + " bytes");
    }
    whole += piece;
    return {};
  };
  Gunzip unpacker(behind);
  TRY(unpacker.add(bytes, take));
  TRY(unpacker.finish());
  return whole;
}

}  // namespace provision
