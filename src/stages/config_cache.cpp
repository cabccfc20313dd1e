// SPDX-License-Identifier: Apache-2.0
#include "stages/config_cache.hpp"

#include <algorithm>
#include <utility>

#include "base/path.hpp"
#include "base/text.hpp"
#include "fields/json.hpp"
#include "spec/parse.hpp"
#include "stages/hooks.hpp"

namespace provision::stages {
namespace {

// What the source led to, as it was fetched; nothing is left to decompress or to compare then.
void write_out(spec::Reference& authority, const Documents& documents) {
  const std::string name = Digest::sha256(authority.source.value_or("")).text();
  const auto kept = std::find_if(documents.begin(), documents.end(), [&](const KeptDocument& document) {
    return document.kind == KeptDocument::Kind::authority && document.name == name;
  });
  if (kept != documents.end()) {
    spec::Reference whole;
    whole.source = "data:;base64," + base64_encode(kept->bytes);
    authority = std::move(whole);
  }
}

}  // namespace

std::string config_cache_text(spec::Config config, const Documents& documents) {
  config.ignition.version = spec::spec_versions().back().text;
  config.ignition.config = {};
  // Said to this engine alone, about the machine as it stands.
  config.provision = {};
  for (auto& authority : config.ignition.security.tls.certificate_authorities) {
    write_out(authority, documents);
  }
  return fields::write_json(fields::Engine<spec::Config>::write(config)) + "\n";
}

Result<void> write_config_cache(Context& context, const spec::Config& config) {
  const std::string& path = context.handover.config_cache;
  if (path.empty()) {
    return {};
  }
  const Documents documents = TRY(kept_documents(context.host.own));
  TRY(make_own_directory(context.host.own, path::parent(path)));
  TRY_WHILE(context.host.own.replace(path, config_cache_text(config, documents), 0600, {}),
            "writing the config cache " + path);
  return {};
}

}  // namespace provision::stages
