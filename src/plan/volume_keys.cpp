// SPDX-License-Identifier: Apache-2.0
#include "plan/volume_keys.hpp"

#include "model/observe.hpp"
#include "spec/inline_bytes.hpp"

namespace provision::plan {
namespace {

constexpr std::string_view directory = model::kept_keys_directory;
constexpr std::string_view handed_over = "/keys-handed-over";

std::string place_of(const std::string& volume) { return model::kept_key_place(volume); }

// What comes is kept in locked memory alone.
class KeySink final : public host::Sink {
 public:
  explicit KeySink(Secret room) : room_(std::move(room)) {}

  Result<void> write(std::string_view bytes) override {
    if (bytes.size() > room_.size() - size_) {
      return Error(Code::bad_contents, "a key has at most " + std::to_string(max_key_bytes) + " bytes");
    }
    bytes.copy(room_.data() + size_, bytes.size());
    size_ += bytes.size();
    return {};
  }
  Result<void> restart() override {
    size_ = 0;
    return {};
  }

  [[nodiscard]] Result<Secret> key() const {
    Secret key = TRY(Secret::sized(size_));
    room_.view().copy(key.data(), size_);
    return key;
  }

 private:
  Secret room_;
  std::size_t size_ = 0;
};

Result<Secret> fetched_key(host::Fetcher& fetcher, const spec::Resource& resource) {
  KeySink sink(TRY(Secret::sized(max_key_bytes)));
  host::FetchRequest request = request_for(resource);
  request.max_bytes = max_key_bytes;
  TRY(fetcher.wait(fetcher.start(request, sink)));
  return sink.key();
}

Result<void> erase_keys(host::Files& state) {
  if (!TRY(state.look(directory))) {
    return {};
  }
  const auto names = TRY(state.list(directory));
  for (const auto& name : names) {
    TRY(state.erase(place_of(name)));
  }
  TRY(state.remove_directory(directory));
  if (TRY(state.look(directory))) {
    return Error(Code::not_satisfied, "nothing failed, yet keys of encrypted volumes are still kept");
  }
  return state.sync("/");
}

}  // namespace

Result<std::optional<Secret>> kept_key(host::Files& state, const std::string& volume) {
  const std::string place = place_of(volume);
  if (!TRY(state.look(place))) {
    return std::optional<Secret>{};
  }
  Secret key = TRY(Secret::taken(TRY(state.read(place, max_key_bytes))));
  return key.empty() ? std::optional<Secret>{} : std::optional(std::move(key));
}

Result<void> keep_key(host::Files& state, const std::string& volume, const Secret& key) {
  constexpr std::uint32_t private_directory = 0700;
  constexpr std::uint32_t private_file = 0600;
  TRY(state.make_directory(directory, private_directory, {}));
  const auto file = TRY(state.begin(place_of(volume), host::Parent::exists));
  TRY(file->write(key.view()));
  TRY(file->commit({private_file, {}, host::Over::file, true, {}}));
  TRY(state.sync(directory));
  const auto kept = TRY(kept_key(state, volume));
  if (!kept || !kept->is(key.view())) {
    return Error(Code::not_satisfied, "nothing failed, yet the key of " + volume + " is not kept");
  }
  return {};
}

Result<void> forget_keys(host::Files& state) {
  TRY(erase_keys(state));
  if (!TRY(are_keys_handed_over(state))) {
    return {};
  }
  TRY(state.remove(handed_over));
  if (TRY(are_keys_handed_over(state))) {
    return Error(Code::not_satisfied, "nothing failed, yet the note that keys were handed over is still there");
  }
  return state.sync("/");
}

Result<void> hand_over_keys(host::Files& state, const std::function<Result<void>()>& before_erasing) {
  constexpr std::uint32_t private_file = 0600;
  if (!TRY(state.look(directory))) {
    return before_erasing ? before_erasing() : Result<void>{};
  }
  TRY(state.replace(handed_over, "", private_file, {}));
  if (!TRY(are_keys_handed_over(state))) {
    return Error(Code::not_satisfied, "nothing failed, yet it is not noted that keys are handed over");
  }
  TRY(state.sync("/"));
  if (before_erasing) {
    TRY(before_erasing());
  }
  return erase_keys(state);
}

Result<bool> are_keys_handed_over(host::Files& state) { return TRY(state.look(handed_over)).has_value(); }

Result<Secret> configured_key(host::Fetcher& fetcher, const ContentSource& contents, const std::string& path) {
  const spec::Resource& resource = *TRY(contents.resource(path));
  Secret key;
  if (spec::is_inline(resource)) {
    key = TRY(Secret::taken(TRY(spec::inline_bytes(resource))));
  } else {
    key = TRY(fetched_key(fetcher, resource));
  }
  if (key.empty()) {
    return Error(Code::bad_contents, "the key is empty");
  }
  return key;
}

}  // namespace provision::plan
