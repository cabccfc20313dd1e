// SPDX-License-Identifier: Apache-2.0
// The documents that a config is made of: found and fetched by the stages fetch-offline and fetch, kept for the later
// ones, which make the same config of them again, without any network and with the user's own lines for their messages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "host/fetcher.hpp"
#include "host/files.hpp"
#include "spec/resolve.hpp"

namespace provision::stages {

struct KeptDocument {
  enum class Kind : std::uint8_t {
    // A piece of the image's own base config.
    base,
    // The user's config.
    user,
    // One that another refers to.
    referred,
    // The PEM text of a certificate authority; its name is the digest of its source.
    authority,
    // Nothing: all documents are there.
    end,
  };
  Kind kind = Kind::user;
  std::string name;
  std::string bytes;
  bool operator==(const KeptDocument&) const = default;
};

// "base", "user", "referred", "authority", "end".
std::string_view name_of(KeptDocument::Kind kind);

// In the order in which they were needed.
using Documents = std::vector<KeptDocument>;

// Readable by root alone, until the next boot.
inline constexpr std::string_view documents_path = "/run/provision/documents";

std::string write_documents(const Documents& documents);
Result<Documents> read_documents(std::string_view text);

Result<void> keep_documents(host::Files& own, const Documents& documents);
// Code::stage_order if none were kept.
Result<Documents> kept_documents(host::Files& own);
bool are_whole(const Documents& documents);
// By its name in messages; the user's own where there is no such; null if there is none at all.
const KeptDocument* find_document(const Documents& documents, std::string_view name);

// Where documents come from when a config is made.
class DocumentSource {
 public:
  DocumentSource() = default;
  DocumentSource(const DocumentSource&) = delete;
  DocumentSource& operator=(const DocumentSource&) = delete;
  DocumentSource(DocumentSource&&) = delete;
  DocumentSource& operator=(DocumentSource&&) = delete;
  virtual ~DocumentSource() = default;

  // Lowest first.
  virtual Result<std::vector<spec::Brought>> base() = 0;
  // `around`: the settings of the base configs.
  virtual Result<spec::Brought> user(const spec::Ignition& around) = 0;
  virtual Result<spec::Brought> referred(const spec::Wanted& wanted) = 0;
};

// The config of this boot: the base configs, and the user's over them, each with all that it refers to.
// What reading and checking noted, also where it failed, is added to `notes`.
Result<spec::Parsed> assemble(DocumentSource& source, fields::Notes& notes);

// What a config says for fetching, with the authorities as they were kept.
host::FetchSettings fetch_settings(const spec::Ignition& ignition, const Documents& documents);

}  // namespace provision::stages
