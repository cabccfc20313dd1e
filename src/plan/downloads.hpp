// SPDX-License-Identifier: Apache-2.0
// The transfers of a plan: they run ahead of the steps, into temporaries on the target's own file system, and each step
// takes what is its own when it is whole.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/fetcher.hpp"
#include "plan/operation.hpp"

namespace provision::plan {

class Downloads {
 public:
  Downloads(host::Fetcher& fetcher, host::Files& target, const ContentSource& contents);
  Downloads(const Downloads&) = delete;
  Downloads& operator=(const Downloads&) = delete;
  Downloads(Downloads&&) = delete;
  Downloads& operator=(Downloads&&) = delete;
  // Stops what is under way and leaves nothing of it.
  ~Downloads();

  // What is fetched for an operation, and the path that its temporary is named for.
  struct Transfer {
    std::string place;
    Contents contents;
  };
  // In the order in which the operation takes them; none where nothing is fetched.
  static std::vector<Transfer> transfers_of(const Operation& operation);

  // What will be taken soon, in this order. Some of it begins at once, the rest as that is taken: each holds an open
  // file.
  void expect(std::vector<Transfer> transfers);

  // A fetched piece of a file, whole.
  struct Piece {
    std::unique_ptr<host::NewFile> file;
    host::Fetched fetched;
  };
  // Waits for the piece of the file that `contents` describes; begins it, if it has not begun.
  Result<Piece> take(const PutFile& file, const Contents& contents);
  // The same of an archive, which is one piece.
  Result<Piece> take(const UnpackArchive& archive);

 private:
  class Landing;

  // Both with the lock held.
  Result<void> start(const Transfer& transfer);
  void start_expected();
  Result<std::unique_ptr<Landing>> claim(const Transfer& transfer);

  Result<Piece> take(const Transfer& transfer, const std::string& into);

  host::Fetcher& fetcher_;
  host::Files& target_;
  const ContentSource& contents_;
  std::mutex mutex_;
  std::deque<Transfer> expected_;
  // By config path.
  std::map<std::string, std::unique_ptr<Landing>> under_way_;
};

}  // namespace provision::plan
