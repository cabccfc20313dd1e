// SPDX-License-Identifier: Apache-2.0
// Finding and fetching the documents of a config for the first time in this boot.
#pragma once

#include <optional>
#include <string>

#include "stages/documents.hpp"
#include "stages/stage.hpp"

namespace provision::stages {

enum class Network : std::uint8_t { absent, present };

// The bytes of what configs refer to, certificate authorities included, which are added to `documents`.
class References {
 public:
  References(host::Fetcher& fetcher, Network network, Documents& documents)
      : fetcher_(fetcher), network_(network), documents_(documents) {}

  Result<std::string> bytes(const spec::Resource& resource, const host::FetchSettings& settings);
  // The settings in force, with the authorities that are not there yet fetched by what held before them.
  Result<host::FetchSettings> settings(const spec::Ignition& around);
  Result<spec::Brought> bring(const spec::Wanted& wanted);

  // What could not be had without the network; the error that was returned then means only this.
  [[nodiscard]] const std::optional<std::string>& needs_network() const { return needs_network_; }
  Error wait_for_network(std::string what);

 private:
  Result<std::string> over_http(const spec::Resource& resource, const host::FetchSettings& settings);

  host::Fetcher& fetcher_;
  Network network_;
  Documents& documents_;
  std::optional<std::string> needs_network_;
};

// A config given by hand, with all that it refers to: for the commands that a person runs.
struct Given {
  spec::Parsed config;
  Documents documents;
};

// All that the config refers to is fetched now. What reading and checking noted, also where it failed, is added to
// `notes`; `brought` gets the documents that had come when it failed.
Result<Given> fetch_given(spec::Brought document, host::Fetcher& fetcher, fields::Notes& notes, Documents& brought);

// Each document is kept as soon as it is there, before anybody judges it, so that a failure can show its line.
class FreshDocuments final : public DocumentSource {
 public:
  FreshDocuments(Context& context, Network network)
      : context_(context), network_(network), references_(context.host.fetcher, network, documents_) {}

  Result<std::vector<spec::Brought>> base() override;
  Result<spec::Brought> user(const spec::Ignition& around) override;
  Result<spec::Brought> referred(const spec::Wanted& wanted) override;

  // All are there. The fetcher is ready for what the config fetches later.
  Result<void> finish(const spec::Ignition& ignition);
  [[nodiscard]] const std::optional<std::string>& needs_network() const { return references_.needs_network(); }
  [[nodiscard]] const std::string& user_document() const { return user_document_; }

 private:
  Result<spec::Brought> from_address(const std::string& url, const spec::Ignition& around);
  Result<std::string> keep(KeptDocument::Kind kind, std::string name, const std::string& bytes);

  Context& context_;
  Network network_;
  Documents documents_;
  References references_;
  std::string user_document_;
};

// Whether something that is not the config itself must be fetched over the network.
bool wants_network(const spec::Config& config);

}  // namespace provision::stages
