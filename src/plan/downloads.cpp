// SPDX-License-Identifier: Apache-2.0
#include "plan/downloads.hpp"

#include <iterator>

#include "base/digest.hpp"
#include "base/path.hpp"

namespace provision::plan {
namespace {

// Each holds two descriptors once bytes have come; the fetcher itself has fewer at a time on the wire.
constexpr std::size_t most_under_way = 128;

// The only piece of a file stands under the file's own temporary name, so that it can become the file; others, of which
// the file is put together, under names of their own.
std::string place_of(const PutFile& file, const Contents& contents) {
  const bool whole = file.append.empty() && file.keeps.empty();
  return whole ? file.path : file.path + "-piece-" + Digest::sha256(contents.from).hex().substr(0, 16);
}

// Stands in the directory, or where that is going to be.
std::string place_of(const UnpackArchive& archive) { return path::join(archive.path, archive.name + ".archive"); }

}  // namespace

// Where one transfer lands. The file is begun with the first bytes.
class Downloads::Landing final : public host::Sink {
 public:
  Landing(host::Files& target, std::string path) : target_(target), path_(std::move(path)) {}

  Result<void> write(std::string_view bytes) override {
    TRY(begin());
    return file_->write(bytes);
  }

  Result<void> restart() override { return file_ == nullptr ? Result<void>() : file_->restart(); }

  Result<std::unique_ptr<host::NewFile>> take() {
    TRY(begin());
    return std::move(file_);
  }

  host::Ticket ticket = 0;

 private:
  Result<void> begin() {
    if (file_ == nullptr) {
      file_ = TRY(target_.begin(path_, host::Parent::may_be_missing));
    }
    return {};
  }

  host::Files& target_;
  std::string path_;
  std::unique_ptr<host::NewFile> file_;
};

Downloads::Downloads(host::Fetcher& fetcher, host::Files& target, const ContentSource& contents)
    : fetcher_(fetcher), target_(target), contents_(contents) {}

Downloads::~Downloads() {
  for (const auto& [from, landing] : under_way_) {
    fetcher_.cancel(landing->ticket);
  }
}

std::vector<Downloads::Transfer> Downloads::transfers_of(const Operation& operation) {
  std::vector<Transfer> transfers;
  if (const auto* const archive = std::get_if<UnpackArchive>(&operation)) {
    if (archive->contents.remote) {
      transfers.push_back({place_of(*archive), archive->contents});
    }
  } else if (const auto* const file = std::get_if<PutFile>(&operation)) {
    if (file->contents.remote) {
      transfers.push_back({place_of(*file, file->contents), file->contents});
    }
    for (const auto& piece : file->append) {
      if (piece.remote) {
        transfers.push_back({place_of(*file, piece), piece});
      }
    }
  }
  return transfers;
}

void Downloads::expect(std::vector<Transfer> transfers) {
  const std::lock_guard lock(mutex_);
  expected_.insert(expected_.end(), std::make_move_iterator(transfers.begin()),
                   std::make_move_iterator(transfers.end()));
  start_expected();
}

void Downloads::start_expected() {
  while (!expected_.empty() && under_way_.size() < most_under_way) {
    const Transfer transfer = std::move(expected_.front());
    expected_.pop_front();
    // One that cannot even be asked for fails when it is taken.
    static_cast<void>(start(transfer).has_value());
  }
}

Result<void> Downloads::start(const Transfer& transfer) {
  auto landing = std::make_unique<Landing>(target_, transfer.place);
  const host::FetchRequest request = TRY(contents_.request(transfer.contents));
  landing->ticket = fetcher_.start(request, *landing);
  under_way_[transfer.contents.from] = std::move(landing);
  return {};
}

Result<std::unique_ptr<Downloads::Landing>> Downloads::claim(const Transfer& transfer) {
  const std::lock_guard lock(mutex_);
  const std::string& from = transfer.contents.from;
  std::erase_if(expected_, [&](const Transfer& expected) { return expected.contents.from == from; });
  if (!under_way_.contains(from)) {
    TRY(start(transfer));
  }
  auto landing = std::move(under_way_.at(from));
  under_way_.erase(from);
  start_expected();
  return landing;
}

Result<Downloads::Piece> Downloads::take(const Transfer& transfer, const std::string& into) {
  const auto landing = TRY(claim(transfer));
  const host::Fetched fetched = TRY_WHILE(fetcher_.wait(landing->ticket), "fetching what belongs into " + into);
  return Piece{TRY(landing->take()), fetched};
}

Result<Downloads::Piece> Downloads::take(const PutFile& file, const Contents& contents) {
  return take(Transfer{place_of(file, contents), contents}, file.path);
}

Result<Downloads::Piece> Downloads::take(const UnpackArchive& archive) {
  return take(Transfer{place_of(archive), archive.contents}, archive.path);
}

}  // namespace provision::plan
