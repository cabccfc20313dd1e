// SPDX-License-Identifier: Apache-2.0
// The field tables and checks of `ignition` and `kernelArguments`.
#include <unordered_map>
#include <unordered_set>

#include "base/text.hpp"
#include "fields/engine_impl.hpp"
#include "spec/checks.hpp"
#include "spec/config.hpp"
#include "spec/url.hpp"

namespace provision::spec {
namespace {

using fields::Checker;

void check_proxy(const OptionalText& proxy, std::string_view key, Checker& checker) {
  if (!proxy) {
    return;
  }
  const auto url = parse_url(*proxy);
  if (!url) {
    checker.error(key, url.error().what);
  } else if (url->scheme != "http" && url->scheme != "https") {
    checker.error(key, "a proxy is an http or https URL", "such as http://proxy.example.com:3128");
  } else if (key == "httpsProxy" && url->scheme == "http") {
    checker.warning(key, "requests to https sources go over plain http as far as the proxy");
  }
}

// A list of references, each of which must say from where (spec 3.0 asked it of certificates only).
void check_sources(const std::vector<Reference>& list, std::string_view key, Checker& checker) {
  const bool lenient = key == "merge" && checker.version() < fields::Version{3, 1};
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (is_empty(list[i].source) && lenient) {
      checker.strict(key, "\"source\" is missing or empty: there is nothing to fetch", {}, i);
    } else if (is_empty(list[i].source)) {
      checker.error(key, "\"source\" is required here and must not be empty", {}, i);
    }
  }
}

}  // namespace

void cross_check(const KernelArguments& arguments, Checker& checker) {
  std::unordered_map<std::string, std::size_t> first;
  for (std::size_t i = 0; i < arguments.should_exist.size(); ++i) {
    first.emplace(arguments.should_exist[i], i);
  }
  for (std::size_t i = 0; i < arguments.should_not_exist.size(); ++i) {
    const auto other = first.find(arguments.should_not_exist[i]);
    if (other != first.end()) {
      checker.duplicate("shouldNotExist", "\"" + printable(other->first) + "\" shall exist and shall not exist", i,
                        checker.origin("shouldExist", other->second));
    }
  }
}

void displace(KernelArguments& parent, const KernelArguments& child) {
  const auto drop = [](std::vector<std::string>& from, const std::vector<std::string>& named, std::string_view key,
                       Located& place) {
    const std::unordered_set<std::string> gone(named.begin(), named.end());
    fields::erase_elements(from, key, place, [&](const std::string& argument) { return gone.contains(argument); });
  };
  drop(parent.should_exist, child.should_not_exist, "shouldExist", parent.place);
  drop(parent.should_not_exist, child.should_exist, "shouldNotExist", parent.place);
}

}  // namespace provision::spec

namespace provision::fields {

using namespace spec;

template <>
struct Table<ConfigSources> {
  static constexpr auto rows = std::tuple{
      field("merge", &ConfigSources::merge, "Configs that are merged into this one, in this order.",
            {.check = &check_sources}),
      field("replace", &ConfigSources::replace, "A config that is used instead of this one."),
  };
};

template <>
struct Table<Timeouts> {
  static constexpr auto rows = std::tuple{
      field("httpResponseHeaders", &Timeouts::http_response_headers,
            "How long to wait for the headers of a response; absent: 10, 0: without limit.",
            {.unit = "s", .check = &check_not_negative}),
      field("httpTotal", &Timeouts::http_total,
            "How long one resource may take, with all attempts; absent or 0: without limit.",
            {.unit = "s", .check = &check_not_negative}),
  };
};

template <>
struct Table<Tls> {
  static constexpr auto rows = std::tuple{
      field("certificateAuthorities", &Tls::certificate_authorities,
            "Bundles of PEM certificates to trust beside the system's own.", {.check = &check_sources}),
  };
};

template <>
struct Table<Security> {
  static constexpr auto rows = std::tuple{
      field("tls", &Security::tls, "TLS while fetching."),
  };
};

template <>
struct Table<Proxy> {
  static constexpr auto rows = std::tuple{
      field("httpProxy", &Proxy::http_proxy, "The proxy of http sources, as a URL.", {.check = &check_proxy}),
      field("httpsProxy", &Proxy::https_proxy, "The proxy of https sources, as a URL.", {.check = &check_proxy}),
      field("noProxy", &Proxy::no_proxy, "Hosts, domains and networks that are asked without a proxy."),
  };
};

template <>
struct Table<Ignition> {
  static constexpr auto rows = std::tuple{
      field("version", &Ignition::version, "The spec version of the config.", {.required = true}),
      field("config", &Ignition::config, "Other configs to merge, or to use instead."),
      field("timeouts", &Ignition::timeouts, "Timeouts of fetching."),
      field("security", &Ignition::security, "Certificate authorities to trust."),
      field("proxy", &Ignition::proxy, "Proxies of fetching.", {.since = {3, 1}}),
  };
};

template <>
struct Table<KernelArguments> {
  static constexpr auto rows = std::tuple{
      field("shouldExist", &KernelArguments::should_exist, "Arguments that the kernel shall be booted with.",
            {.check = &check_no_empty_items}),
      field("shouldNotExist", &KernelArguments::should_not_exist, "Arguments that it shall not be booted with.",
            {.check = &check_no_empty_items}),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::spec::ConfigSources);
PROVISION_INSTANTIATE_RECORD(provision::spec::Timeouts);
PROVISION_INSTANTIATE_RECORD(provision::spec::Tls);
PROVISION_INSTANTIATE_RECORD(provision::spec::Security);
PROVISION_INSTANTIATE_RECORD(provision::spec::Proxy);
PROVISION_INSTANTIATE_RECORD(provision::spec::Ignition);
PROVISION_INSTANTIATE_RECORD(provision::spec::KernelArguments);
