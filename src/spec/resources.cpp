// SPDX-License-Identifier: Apache-2.0
// The field tables and checks of what is fetched: resources, their headers and hashes.
#include <algorithm>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "fields/engine_impl.hpp"
#include "spec/checks.hpp"
#include "spec/config.hpp"
#include "spec/url.hpp"

namespace provision::spec {
namespace {

using fields::Checker;

void check_compression(const OptionalText& compression, std::string_view key, Checker& checker) {
  if (!is_empty(compression) && *compression != "gzip") {
    checker.error(key, "\"" + printable(*compression) + "\" is no compression of the spec",
                  "\"gzip\", or leave it out");
  }
}

void check_source(const OptionalText& source, std::string_view key, Checker& checker) {
  if (is_empty(source)) {
    return;
  }
  if (const auto fault = source_fault(*source, checker.version())) {
    const bool data = source->starts_with("data:");
    checker.error(key, fault->what, data ? "data:[<type>][;base64],<data>" : "");
  }
}

void check_hash(const OptionalText& hash, std::string_view key, Checker& checker) {
  if (!hash) {
    return;
  }
  const bool only_sha512 = checker.version() < fields::Version{3, 1};
  const std::size_t dash = std::min(hash->find('-'), hash->size());
  const std::string function = hash->substr(0, dash);
  const std::string hex = hash->substr(std::min(dash + 1, hash->size()));
  const bool known = dash < hash->size() && (function == "sha512" || (function == "sha256" && !only_sha512));
  const std::size_t digits = function == "sha512" ? 128 : 64;
  if (!known) {
    checker.error(key, "\"" + printable(*hash) + "\" is no hash of this spec version",
                  only_sha512 ? "sha512-<128 hex digits>" : "sha512-<128 hex digits> or sha256-<64 hex digits>");
  } else if (hex.size() != digits) {
    checker.error(key, "a " + function + " hash has " + std::to_string(digits) + " hex digits; this one has " +
                           std::to_string(hex.size()));
  } else if (!Digest::parse(*hash)) {
    checker.strict(key, "the hash has characters that are no hex digits, so nothing can match it");
  }
}

void check_header_value(const OptionalText& value, std::string_view key, Checker& checker) {
  if (value && value->empty()) {
    checker.error(key, "the value of the header is empty", "leave it out to remove the parent's header in a merge");
  }
}

bool is_http(const OptionalText& source) {
  const std::string start = lower_ascii(source.value_or("").substr(0, 6));
  return start.starts_with("http:") || start == "https:";
}

}  // namespace

bool deletes(const HttpHeader& child) { return !child.value; }

void cross_check(const Resource& resource, Checker& checker) {
  if (resource.verification.hash && !resource.source) {
    checker.error("verification", "there is a hash but no source to verify");
  }
  if (!resource.http_headers.empty() && !is_http(resource.source)) {
    checker.error("httpHeaders", "headers are sent to http and https sources only");
  }
}

void cross_check(const Reference& reference, Checker& checker) {
  // Spec 3.0 did not ask for it.
  if (checker.version() >= fields::Version{3, 1}) {
    cross_check(static_cast<const Resource&>(reference), checker);
  }
}

}  // namespace provision::spec

namespace provision::fields {

using namespace spec;

template <>
struct Table<HttpHeader> {
  static constexpr auto rows = std::tuple{
      field("name", &HttpHeader::name, "The header's name.", {.required = true, .key = true}),
      field("value", &HttpHeader::value, "Its value; absent: a merge removes the parent's header of that name.",
            {.secret = true, .check = &check_header_value}),
  };
};

template <>
struct Table<Verification> {
  static constexpr auto rows = std::tuple{
      field("hash", &Verification::hash,
            "The digest that the bytes must have, after they are unpacked: sha512-<hex> or, from 3.1 on, sha256-<hex>.",
            {.check = &check_hash}),
  };
};

namespace {
constexpr auto source_row(const char* doc) {
  return field("source", &Resource::source, doc, {.secret = true, .check = &check_source});
}
constexpr auto compression_row(Version since) {
  return field("compression", &Resource::compression, "How the bytes are packed: \"gzip\", or absent for not at all.",
               {.since = since, .check = &check_compression});
}
constexpr auto headers_row() {
  return field("httpHeaders", &Resource::http_headers, "Headers of the request, to http and https sources only.",
               {.since = {3, 1}});
}
constexpr auto verification_row() {
  return field("verification", &Resource::verification, "What the bytes are verified by.");
}
}  // namespace

template <>
struct Table<Resource> {
  static constexpr auto rows = std::tuple{
      source_row("Where the bytes come from, as a URL (http, https, tftp, s3, data; gs from 3.2, arn from 3.4 on). The "
                 "empty string is empty content."),
      compression_row({3, 0}),
      headers_row(),
      verification_row(),
  };
};

template <>
struct Table<Reference> {
  static constexpr auto rows = std::tuple{
      source_row("Where it comes from, as a URL."),
      compression_row({3, 1}),
      headers_row(),
      verification_row(),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::spec::HttpHeader);
PROVISION_INSTANTIATE_RECORD(provision::spec::Verification);
PROVISION_INSTANTIATE_RECORD(provision::spec::Resource);
PROVISION_INSTANTIATE_RECORD(provision::spec::Reference);
