// SPDX-License-Identifier: Apache-2.0
#include "providers/metadata.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/text.hpp"

namespace provision::providers {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_pause{200};
constexpr milliseconds longest_pause{5'000};
constexpr milliseconds answer_patience{10'000};
// What an address may still say after another one has said that there is nothing, or has refused.
constexpr milliseconds grace_after_none{2'000};
constexpr milliseconds grace_after_refusal{5'000};
constexpr milliseconds quiet{5'000};
constexpr milliseconds rounding_up{999};
constexpr std::size_t max_token = 4096;

bool has(std::span<const long> codes, long code) { return std::find(codes.begin(), codes.end(), code) != codes.end(); }

bool is_passing(long code) { return code == 408 || code == 429 || code >= 500; }

// No config is: a JSON object has a brace. A word of four letters may be.
bool may_be_base64(std::string_view bytes) {
  const auto decoded = base64_decode(bytes);
  return decoded && !decoded->empty();
}

std::string seconds(milliseconds time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count());
}

// An address per interface where the row says so. The interfaces are those that are there now.
Result<std::vector<std::string>> addresses_of(const Asking& asking, const Service& service) {
  constexpr std::string_view interfaces = "/sys/class/net";
  std::vector<std::string> found;
  for (const auto address : service.addresses) {
    const std::size_t place = address.find('%');
    if (place == std::string_view::npos) {
      found.emplace_back(address);
      continue;
    }
    host::Files& own = asking.host.own;
    const bool known = TRY(own.look(interfaces)).has_value();
    for (const auto& name : known ? TRY(own.list(interfaces)) : std::vector<std::string>{}) {
      if (name != "lo") {
        // RFC 6874: the percent sign of a zone is escaped.
        found.push_back(std::string(address.substr(0, place)) + "%25" + name + std::string(address.substr(place + 1)));
      }
    }
  }
  return found;
}

class Talk {
 public:
  Talk(const Asking& asking, const Service& service, const std::vector<std::string>& addresses)
      : asking_(asking), service_(service) {
    for (const auto& address : addresses) {
      lanes_.push_back(Lane{address, {}, service.token != nullptr, false, false, 0, {}, "nothing came", {}});
    }
  }

  Result<Outcome> run() {
    std::vector<host::HttpQuestion> questions;
    questions.reserve(lanes_.size());
    for (const auto& lane : lanes_) {
      questions.push_back(question(lane));
    }
    host::HttpLead lead;
    lead.answered = [this](std::size_t lane, const Result<host::HttpReply>& reply) {
      return answered(lanes_[lane], reply);
    };
    lead.is_over = [this](milliseconds elapsed) { return is_over(elapsed); };
    TRY(asking_.host.http.converse(questions, lead));
    if (found_) {
      // Which of the addresses it was is for the journal and the report too, which have the document by this name.
      return unwrap(*std::move(found_), coding_,
                    "the user-data of " + std::string(service_.name) + " (" + winner_ + ")");
    }
    if (none_) {
      return Outcome(None{*none_});
    }
    return Error(Code::config_unavailable,
                 "the metadata service of " + std::string(service_.name) +
                     (refused_ ? " did not give the user-data: "
                               : " gave no answer within " + seconds(asking_.patience) + " seconds: ") +
                     last_words());
  }

 private:
  struct Lane {
    std::string address;
    std::string token;
    bool wants_token;
    bool has_renewed;
    bool has_ended;
    unsigned tries;
    // When it is asked again, or was.
    milliseconds due;
    std::string last;
    // Held until the service has told its coding.
    std::optional<std::string> encoded;
  };

  [[nodiscard]] host::HttpQuestion question(const Lane& lane) const {
    host::HttpQuestion question;
    question.patience = answer_patience;
    if (lane.wants_token) {
      question.url = lane.address + std::string(service_.token->path);
      question.method = "PUT";
      question.max_bytes = max_token;
      question.headers.emplace_back(service_.token->lifetime);
      return question;
    }
    question.url = lane.address + std::string(lane.encoded ? service_.coding_path : service_.path);
    question.max_bytes = max_user_data;
    question.headers.assign(service_.headers.begin(), service_.headers.end());
    if (!lane.token.empty()) {
      question.headers.emplace_back(service_.token->header, lane.token);
    }
    return question;
  }

  [[nodiscard]] host::HttpNext next(const Lane& lane, milliseconds pause = milliseconds(0)) const {
    return {question(lane), pause};
  }

  host::HttpNext again(Lane& lane, std::string words) {
    lane.last = std::move(words);
    const auto pause = std::min(first_pause * (1U << std::min(lane.tries, 10U)), longest_pause);
    ++lane.tries;
    lane.due = elapsed_ + pause;
    return next(lane, pause);
  }

  host::HttpNext end(Lane& lane, std::string words) {
    lane.last = std::move(words);
    lane.has_ended = true;
    return {};
  }

  host::HttpNext none(Lane& lane, std::string reason) {
    none_ = std::move(reason);
    finish_within(grace_after_none);
    return end(lane, "there is none");
  }

  host::HttpNext refuse(Lane& lane, std::string words) {
    refused_ = true;
    finish_within(grace_after_refusal);
    return end(lane, std::move(words));
  }

  void finish_within(milliseconds grace) { last_moment_ = std::min(last_moment_, elapsed_ + grace); }

  host::HttpNext answered(Lane& lane, const Result<host::HttpReply>& reply) {
    if (!reply) {
      return reply.error().code == Code::network ? again(lane, reply.error().what) : refuse(lane, reply.error().what);
    }
    const std::string said = "it answered " + std::to_string(reply->status);
    if (!is_marked(*reply)) {
      return again(lane, said + " without \"" + std::string(service_.mark.first) + ": " +
                             std::string(service_.mark.second) + "\", so something else answers there");
    }
    return lane.wants_token ? token(lane, *reply, said)
           : lane.encoded   ? coding(lane, *reply, said)
                            : data(lane, *reply, said);
  }

  [[nodiscard]] bool is_marked(const host::HttpReply& reply) const {
    return service_.mark.first.empty() ||
           std::any_of(reply.headers.begin(), reply.headers.end(), [&](const auto& header) {
             return header.first == service_.mark.first && header.second == service_.mark.second;
           });
  }

  host::HttpNext token(Lane& lane, const host::HttpReply& reply, const std::string& said) {
    const Token& token = *service_.token;
    const std::string_view value = trim(reply.body);
    lane.wants_token = false;
    if (reply.status == 200 && !value.empty() && value.find_first_of("\r\n") == std::string_view::npos &&
        !is_html(value)) {
      lane.token = value;
      return next(lane);
    }
    if (has(token.unknown, reply.status)) {
      return next(lane);
    }
    if (has(token.switched_off, reply.status)) {
      return none(lane, "the metadata service of " + std::string(service_.name) + " is switched off (" + said + ")");
    }
    lane.wants_token = true;
    const bool odd = reply.status == 200;
    return odd || is_passing(reply.status)
               ? again(lane, said + (odd ? " with something that is no token, so something else answers there" : ""))
               : refuse(lane, said + " when it was asked for a token");
  }

  host::HttpNext found(Lane& lane, const std::string& bytes, Coding coding) {
    constexpr std::string_view scheme = "http://";
    winner_ = lane.address.substr(lane.address.starts_with(scheme) ? scheme.size() : 0);
    found_ = bytes;
    coding_ = coding;
    return end(lane, "it is there");
  }

  // The answer about the coding of what the lane holds.
  host::HttpNext coding(Lane& lane, const host::HttpReply& reply, const std::string& said) {
    const std::string_view value = trim(reply.body);
    if (is_passing(reply.status) || (reply.status == 200 && is_html(value))) {
      return again(lane, said + " when it was asked for the coding of the user-data");
    }
    if (reply.status == 404) {
      asking_.say("the user-data of " + std::string(service_.name) + " looks like base64, and " +
                  std::string(service_.coding_path) + " does not say so: what is in it decides");
      return found(lane, *lane.encoded, service_.coding);
    }
    if (reply.status == 200 && value == "base64") {
      return found(lane, *lane.encoded, Coding::base64);
    }
    return refuse(lane, reply.status == 200
                            ? "its coding is \"" + printable(value.substr(0, 64)) + "\", and only base64 is known"
                            : said + " when it was asked for the coding of the user-data");
  }

  host::HttpNext data(Lane& lane, const host::HttpReply& reply, const std::string& said) {
    if (reply.status == 200 && is_html(reply.body)) {
      return again(lane, said + " with an HTML page, so something else answers there");
    }
    if (reply.status == 200 && !service_.coding_path.empty() && may_be_base64(reply.body)) {
      lane.encoded = reply.body;
      return next(lane);
    }
    if (reply.status == 200) {
      return found(lane, reply.body, service_.coding);
    }
    if (reply.status == 401 && !lane.token.empty() && !lane.has_renewed) {
      lane.has_renewed = true;
      lane.wants_token = true;
      lane.token.clear();
      return next(lane);
    }
    if (has(service_.again, reply.status) || is_passing(reply.status)) {
      return again(lane, said);
    }
    if (reply.status == 204 || reply.status == 404 || has(service_.none, reply.status)) {
      return none(lane, std::string(service_.name) + " has no user-data for this machine (" + said + ")");
    }
    return refuse(lane, said);
  }

  [[nodiscard]] std::string last_words(bool with_outlook = false) const {
    std::vector<std::string> words;
    words.reserve(lanes_.size());
    for (const auto& lane : lanes_) {
      words.push_back(lane.address + path_of(lane) + ": " + lane.last + (with_outlook ? outlook(lane) : ""));
    }
    return join(words, "; ");
  }

  [[nodiscard]] std::string outlook(const Lane& lane) const {
    if (lane.has_ended) {
      return {};
    }
    return lane.due <= elapsed_ ? ", being asked"
                                : ", next try in " + seconds(lane.due - elapsed_ + rounding_up) + " s";
  }

  // Without the query, as every URL in a message.
  [[nodiscard]] std::string path_of(const Lane& lane) const {
    const std::string_view path = lane.encoded ? service_.coding_path : service_.path;
    return std::string(path.substr(0, path.find('?')));
  }

  bool is_over(milliseconds elapsed) {
    elapsed_ = elapsed;
    if (found_ || elapsed >= std::min(last_moment_, asking_.patience)) {
      return true;
    }
    if (elapsed - told_ >= quiet) {
      told_ = elapsed;
      asking_.say("still waiting for the user-data of " + std::string(service_.name) + ", " + seconds(elapsed) +
                  " s of " + seconds(asking_.patience) + " s: " + last_words(true));
    }
    return false;
  }

  const Asking& asking_;
  const Service& service_;
  std::vector<Lane> lanes_;
  std::optional<std::string> found_;
  // Where it came from, without the scheme.
  std::string winner_;
  Coding coding_ = Coding::raw;
  std::optional<std::string> none_;
  bool refused_ = false;
  milliseconds elapsed_{0};
  milliseconds told_{0};
  milliseconds last_moment_ = milliseconds::max();
};

}  // namespace

Result<Outcome> ask(const Asking& asking, const Service& service) {
  if (!asking.network) {
    return Outcome(NeedNet{"the metadata service of " + std::string(service.name) + " is asked by the network"});
  }
  return Talk(asking, service, TRY(addresses_of(asking, service))).run();
}

}  // namespace provision::providers
