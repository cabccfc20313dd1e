// SPDX-License-Identifier: Apache-2.0
#include "host/intake.hpp"
#include "host/sim/seams.hpp"

namespace provision::host::sim {

Result<void> SimFetcher::configure(const FetchSettings& settings) {
  settings_ = settings;
  return {};
}

Ticket SimFetcher::start(const FetchRequest& request, Sink& sink) {
  transfers_[++last_ticket_] = {request, &sink};
  return last_ticket_;
}

Result<Fetched> SimFetcher::serve(const Transfer& transfer) {
  const auto found = world_.spec().http.find(transfer.request.url);
  if (found == world_.spec().http.end()) {
    return Error(Code::network, "no answer from " + transfer.request.url, ETIMEDOUT);
  }
  if (found->second.status != 200) {
    return Error(Code::network, transfer.request.url + ": the server answered " + std::to_string(found->second.status));
  }
  Intake intake(transfer.request, *transfer.sink);
  TRY(intake.add(found->second.body));
  return intake.finish();
}

Result<Fetched> SimFetcher::wait(Ticket ticket) {
  const auto found = transfers_.find(ticket);
  INVARIANT(found != transfers_.end());
  const Transfer transfer = found->second;
  transfers_.erase(found);
  const std::string& url = transfer.request.url;
  Answers<Fetched> answers{Error(Code::network, "simulated failure of fetching " + url),
                           Fetched{0, transfer.request.expected.value_or(Digest::sha256({}))}};
  const auto half = [&] {
    const auto served = world_.spec().http.find(url);
    if (served != world_.spec().http.end()) {
      static_cast<void>(transfer.sink->write(served->second.body.substr(0, served->second.body.size() / 2)));
    }
  };
  return mutate<Fetched>(
      world_, "fetch", url, std::move(answers), [&] { return serve(transfer); }, half);
}

void SimFetcher::cancel(Ticket ticket) { transfers_.erase(ticket); }

std::vector<FetchProgress> SimFetcher::progress() { return {}; }

}  // namespace provision::host::sim
