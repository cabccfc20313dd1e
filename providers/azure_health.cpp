// SPDX-License-Identifier: Apache-2.0
// Azure's WireServer is told whether the machine is ready. Without a word the call that creates the machine waits until
// it gives up; told that it is not ready it fails at once, with our reason ("Linux VM without a provisioning agent" in
// the documentation of Azure has the protocol).
#include <optional>
#include <string>

#include "base/text.hpp"
#include "providers/list.hpp"

namespace provision::providers {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view server = "http://168.63.129.16";
constexpr milliseconds between_tries{1'000};
constexpr milliseconds answer_patience{5'000};
// Characters; the rest is cut.
constexpr std::size_t most_description = 512;

std::optional<std::string> element(std::string_view xml, const std::string& name) {
  const std::string open = "<" + name + ">";
  const std::size_t begin = xml.find(open);
  const std::size_t end = begin == std::string_view::npos ? begin : xml.find("</" + name + ">", begin);
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  return std::string(trim(xml.substr(begin + open.size(), end - begin - open.size())));
}

// By whole characters.
std::string_view shortened(std::string_view text) {
  std::size_t end = 0;
  for (std::size_t count = 0; count < most_description && end < text.size(); ++count) {
    end += std::max<std::size_t>(1, utf8_sequence_length(text.substr(end)));
  }
  return text.substr(0, end);
}

std::string escaped(std::string_view text) {
  std::string xml;
  for (const char c : text) {
    switch (c) {
      case '<':
        xml += "&lt;";
        break;
      case '>':
        xml += "&gt;";
        break;
      case '&':
        xml += "&amp;";
        break;
      default:
        xml += c;
    }
  }
  return xml;
}

// Nothing if the goal state is not one.
std::optional<std::string> health(std::string_view goal_state, std::string_view failure) {
  const auto incarnation = element(goal_state, "Incarnation");
  const auto container = element(goal_state, "ContainerId");
  const auto instance = element(goal_state, "InstanceId");
  if (!incarnation || !container || !instance) {
    return std::nullopt;
  }
  std::string state = "<State>Ready</State>";
  if (!failure.empty()) {
    state = "<State>NotReady</State><Details><SubStatus>ProvisioningFailed</SubStatus><Description>" +
            escaped(shortened(printable(failure))) + "</Description></Details>";
  }
  return R"(<?xml version="1.0" encoding="utf-8"?><Health><GoalStateIncarnation>)" + *incarnation +
         "</GoalStateIncarnation><Container><ContainerId>" + *container +
         "</ContainerId><RoleInstanceList><Role><InstanceId>" + *instance + "</InstanceId><Health>" + state +
         "</Health></Role></RoleInstanceList></Container></Health>";
}

host::HttpQuestion question(std::string_view path) {
  host::HttpQuestion question;
  question.url = std::string(server) + std::string(path);
  question.headers = {{"x-ms-agent-name", "provision"}, {"x-ms-version", "2012-11-30"}};
  question.patience = answer_patience;
  return question;
}

host::HttpQuestion post(std::string body) {
  host::HttpQuestion posted = question("/machine?comp=health");
  posted.method = "POST";
  posted.headers.emplace_back("Content-Type", "text/xml; charset=utf-8");
  posted.body = std::move(body);
  return posted;
}

}  // namespace

Result<void> report_azure(const Asking& asking, std::string_view failure) {
  const host::HttpQuestion goal_state = question("/machine/?comp=goalstate");
  bool posted = false;
  bool done = false;
  std::string last = "nothing came";
  host::HttpLead lead;
  lead.answered = [&](std::size_t /*lane*/, const Result<host::HttpReply>& reply) -> host::HttpNext {
    const bool good = reply && reply->status == 200;
    if (good && posted) {
      done = true;
      return {};
    }
    if (const auto body = good ? health(reply->body, failure) : std::nullopt) {
      posted = true;
      return {post(*body), {}};
    }
    last = !reply ? reply.error().what : good ? "no goal state came" : "it answered " + std::to_string(reply->status);
    posted = false;
    return {goal_state, between_tries};
  };
  lead.is_over = [&](milliseconds elapsed) { return elapsed >= asking.patience; };
  TRY(asking.host.http.converse({goal_state}, lead));
  return done ? Result<void>()
              : Error(Code::network, "Azure could not be told that this machine is " +
                                         std::string(failure.empty() ? "ready: " : "not ready: ") + last);
}

}  // namespace provision::providers
