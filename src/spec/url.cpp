// SPDX-License-Identifier: Apache-2.0
#include "spec/url.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "spec/data_url.hpp"

namespace provision::spec {
namespace {

Error bad(std::string what) { return {Code::bad_config, std::move(what)}; }

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }
int hex_value(char c) { return is_digit(c) ? c - '0' : (lower_ascii(std::string_view(&c, 1)).front() - 'a') + 10; }

// Each "%" has two hex digits.
bool has_good_escapes(std::string_view text) {
  for (std::size_t i = text.find('%'); i != std::string_view::npos; i = text.find('%', i + 1)) {
    if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) {
      return false;
    }
  }
  return true;
}

bool may_stand_in_host(char c) {
  return is_letter(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80 || is_one_of(c, "!$&'()*+,;=:[]<>\"-_.~");
}

// In a host only bytes from 0x80 on may be escaped, and "%" itself before a zone.
bool is_good_host(std::string_view host, bool is_zone) {
  for (std::size_t i = 0; i < host.size(); ++i) {
    if (host[i] != '%') {
      if (!may_stand_in_host(host[i])) {
        return false;
      }
      continue;
    }
    if (!has_good_escapes(host.substr(i, 3)) || host.size() < i + 3) {
      return false;
    }
    const char value = static_cast<char>(hex_value(host[i + 1]) * 16 + hex_value(host[i + 2]));
    const bool percent = host.substr(i, 3) == "%25";
    const bool fine =
        is_zone ? percent || value == ' ' || may_stand_in_host(value) : percent || hex_value(host[i + 1]) >= 8;
    if (!fine) {
      return false;
    }
    i += 2;
  }
  return true;
}

bool is_good_port(std::string_view text) {
  return text.empty() || (text.front() == ':' && std::all_of(text.begin() + 1, text.end(), is_digit));
}

std::optional<Error> host_fault(std::string_view host) {
  if (host.starts_with('[')) {
    const std::size_t end = host.rfind(']');
    if (end == std::string_view::npos) {
      return bad("the URL's host has a \"[\" without \"]\"");
    }
    if (!is_good_port(host.substr(end + 1))) {
      return bad("the URL's port is no number");
    }
    const std::size_t zone = host.substr(0, end).find("%25");
    const bool fine = zone == std::string_view::npos ? is_good_host(host, false)
                                                     : is_good_host(host.substr(0, zone), false) &&
                                                           is_good_host(host.substr(zone, end - zone), true) &&
                                                           is_good_host(host.substr(end), false);
    return fine ? std::nullopt : std::optional(bad("the URL's host has a character that it must not have"));
  }
  const std::size_t colon = host.rfind(':');
  if (colon != std::string_view::npos && !is_good_port(host.substr(colon))) {
    return bad("the URL's port is no number");
  }
  if (!is_good_host(host, false)) {
    return bad("the URL's host has a character that it must not have");
  }
  return std::nullopt;
}

std::optional<Error> authority_fault(std::string_view authority) {
  const std::size_t at = authority.rfind('@');
  if (at == std::string_view::npos) {
    return host_fault(authority);
  }
  const std::string_view user = authority.substr(0, at);
  const bool fine = has_good_escapes(user) && std::all_of(user.begin(), user.end(), [](char c) {
                      return is_letter(c) || is_digit(c) || is_one_of(c, "-._:~!$&'()*+,;=%@");
                    });
  return fine ? host_fault(authority.substr(at + 1))
              : std::optional(bad("the URL's user or password has a character that must be escaped as %XX"));
}

// The end of the scheme (its colon): nothing if the URL has none.
Result<std::optional<std::size_t>> scheme_end(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ':') {
      if (i == 0) {
        return bad("the URL has no scheme before its \":\"");
      }
      return std::optional(i);
    }
    if (!is_letter(text[i]) && (i == 0 || !(is_digit(text[i]) || is_one_of(text[i], "+-.")))) {
      return std::optional<std::size_t>{};
    }
  }
  return std::optional<std::size_t>{};
}

std::optional<Error> hierarchy_fault(std::string_view rest, bool has_scheme) {
  if (!rest.starts_with('/')) {
    const bool colon = rest.substr(0, rest.find('/')).find(':') != std::string_view::npos;
    if (colon) {
      return bad("the URL has no scheme before its \":\"");
    }
  } else if (rest.starts_with("//") && (has_scheme || !rest.starts_with("///"))) {
    rest.remove_prefix(2);
    const std::size_t slash = std::min(rest.find('/'), rest.size());
    if (auto fault = authority_fault(rest.substr(0, slash))) {
      return fault;
    }
    rest.remove_prefix(slash);
  }
  if (!has_good_escapes(rest)) {
    return bad("the URL has a \"%\" without two hex digits");
  }
  return std::nullopt;
}

// "+" is a space; nothing if an escape is broken.
std::optional<std::string> decode_query(std::string_view text) {
  if (!has_good_escapes(text)) {
    return std::nullopt;
  }
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      decoded += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      decoded += text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

struct SchemeRow {
  std::string_view name;
  fields::Version since;
};
constexpr std::array schemes{SchemeRow{"http", {3, 0}}, SchemeRow{"https", {3, 0}}, SchemeRow{"tftp", {3, 0}},
                             SchemeRow{"s3", {3, 0}},   SchemeRow{"data", {3, 0}},  SchemeRow{"gs", {3, 2}},
                             SchemeRow{"arn", {3, 4}}};

std::string known_schemes(fields::Version version) {
  std::vector<std::string> names;
  for (const auto& row : schemes) {
    if (row.since <= version) {
      names.emplace_back(row.name);
    }
  }
  return join(names, ", ");
}

std::optional<Error> version_id_fault(const Url& url) {
  const auto id = query_value(url.query, "versionId");
  return id && id->empty() ? std::optional(bad("the versionId of the URL is empty")) : std::nullopt;
}

// arn:partition:service:region:account:resource
std::optional<Error> arn_fault(const Url& url) {
  const auto parts = split(url.opaque, ':');
  const auto slashes = std::count(url.opaque.begin(), url.opaque.end(), '/');
  if (parts.size() < 5 || parts[1] != "s3") {
    return bad("the ARN is not one of S3: arn:<partition>:s3:<region>:<account>:<bucket>/<key>");
  }
  if (slashes < (parts[4].starts_with("accesspoint/") ? 2 : 1)) {
    return bad("the ARN names no object: it ends before the key");
  }
  return version_id_fault(url);
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  const std::size_t hash = std::min(text.find('#'), text.size());
  if (!has_good_escapes(text.substr(hash))) {
    return bad("the URL has a \"%\" without two hex digits");
  }
  // A fragment may have any character.
  text = text.substr(0, hash);
  if (std::any_of(text.begin(), text.end(), is_control)) {
    return bad("the URL has a line break or another control character");
  }
  const auto colon = TRY(scheme_end(text));
  Url url;
  if (colon) {
    url.scheme = lower_ascii(text.substr(0, *colon));
    text.remove_prefix(*colon + 1);
  }
  const std::size_t question = std::min(text.find('?'), text.size());
  url.query = text.substr(std::min(question + 1, text.size()));
  text = text.substr(0, question);
  if (!text.starts_with('/') && colon) {
    url.opaque = text;
    return url;
  }
  if (auto fault = hierarchy_fault(text, colon.has_value())) {
    return *std::move(fault);
  }
  return url;
}

std::string public_form(std::string_view url) {
  if (lower_ascii(url.substr(0, 5)) == "data:") {
    return "a data: URL";
  }
  url = url.substr(0, url.find_first_of("?#"));
  const std::size_t colon = url.find("://");
  if (colon == std::string_view::npos) {
    return printable(url);
  }
  const std::string_view rest = url.substr(colon + 3);
  const std::string_view authority = rest.substr(0, rest.find('/'));
  const std::size_t at = authority.rfind('@');
  return printable(std::string(url.substr(0, colon + 3)) +
                   std::string(rest.substr(at == std::string_view::npos ? 0 : at + 1)));
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  for (const auto part : split(query, '&')) {
    const std::size_t equals = std::min(part.find('='), part.size());
    const auto key = decode_query(part.substr(0, equals));
    auto value = decode_query(part.substr(std::min(equals + 1, part.size())));
    if (!part.empty() && part.find(';') == std::string_view::npos && key == std::string(name) && value) {
      return value;
    }
  }
  return std::nullopt;
}

std::optional<Error> source_fault(std::string_view source, fields::Version version) {
  const auto url = parse_url(source);
  if (!url) {
    return url.error();
  }
  const auto* row =
      std::find_if(schemes.begin(), schemes.end(), [&](const SchemeRow& r) { return r.name == url->scheme; });
  if (row == schemes.end() || version < row->since) {
    // The scheme is not quoted: a secret that was put here by mistake would look like one.
    const std::string known = "one of " + known_schemes(version);
    const std::string later = row == schemes.end() ? ""
                                                   : "; " + std::string(row->name) + " is in the spec from " +
                                                         std::to_string(row->since.major) + "." +
                                                         std::to_string(row->since.minor) + ".0 on";
    return bad((url->scheme.empty() ? "the URL has no scheme: " : "the URL's scheme is not ") + known + later);
  }
  if (url->scheme == "data") {
    const auto decoded = decode_data_url(source);
    return decoded ? std::nullopt : std::optional(decoded.error());
  }
  if (url->scheme == "arn") {
    return arn_fault(*url);
  }
  return url->scheme == "s3" ? version_id_fault(*url) : std::nullopt;
}

}  // namespace provision::spec
