// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <thread>

#include "base/gzip.hpp"
#include "host/linux/fetcher.hpp"
#include "host/linux/proxy.hpp"
#include "support/skip.hpp"
#include "surroundings.hpp"
#include "web_server.hpp"

using namespace provision;
using namespace provision::test;
using namespace std::chrono_literals;

namespace {

using Then = Reply::Then;

struct Kept final : host::Sink {
  Result<void> write(std::string_view piece) override {
    if (full) {
      return Error(Code::io, "the disk is full", ENOSPC);
    }
    bytes += piece;
    return {};
  }
  Result<void> restart() override {
    bytes.clear();
    ++restarts;
    return {};
  }
  std::string bytes;
  int restarts = 0;
  bool full = false;
};

host::Pace hurry() {
  host::Pace pace;
  pace.first_pause = 1ms;
  pace.longest_pause = 4ms;
  pace.stall_patience = 200ms;
  pace.fruitless = 4;
  return pace;
}

host::FetchRequest want(std::string url, std::string compression = {}, std::optional<Digest> expected = {},
                        std::uint64_t max_bytes = 1 << 30) {
  return {std::move(url), {}, std::move(compression), std::move(expected), max_bytes};
}

struct Machine {
  Result<host::Fetched> get(const host::FetchRequest& request) { return fetcher.wait(fetcher.start(request, kept)); }
  Result<host::Fetched> get(const std::string& url) { return get(want(url)); }
  void patience(std::chrono::seconds total, std::chrono::seconds headers = 10s) {
    host::FetchSettings settings;
    settings.total_patience = total;
    settings.headers_patience = headers;
    REQUIRE(why(fetcher.configure(settings)) == "");
  }

  Kept kept;
  host::LinuxFetcher fetcher{hurry()};
};

bool says(const Result<host::Fetched>& result, std::string_view words) {
  return !result && to_string(result.error()).find(words) != std::string::npos;
}

std::string gzipped(const std::string& bytes) {
  // Stored blocks: gzip without any packing.
  std::string made("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10);
  std::string rest = bytes;
  while (rest.size() > 60000) {
    made += std::string("\x00\x60\xea\x9f\x15", 5) + rest.substr(0, 60000);
    rest.erase(0, 60000);
  }
  const auto size = static_cast<unsigned>(rest.size());
  made += '\x01';
  made += static_cast<char>(size & 0xffU);
  made += static_cast<char>(size >> 8U);
  made += static_cast<char>(~size & 0xffU);
  made += static_cast<char>(~size >> 8U & 0xffU);
  return made + rest;
}

}  // namespace

TEST_SUITE_BEGIN("native fetcher");

TEST_CASE("a body arrives, with its digest; connections are used again") {
  WebServer server([](const Asked& asked) { return reply("200 OK", "the body of " + asked.path); });
  Machine machine;
  const auto fetched = machine.get(server.url("/a"));
  REQUIRE(why(fetched) == "");
  CHECK(machine.kept.bytes == "the body of /a");
  CHECK(fetched->bytes == 14);
  CHECK(fetched->digest == Digest::sha256("the body of /a"));
  for (int i = 0; i < 5; ++i) {
    CHECK(machine.get(server.url("/b")));
  }
  CHECK(server.connections() == 1);
  const Asked first = server.asked().front();
  CHECK(first.has("\r\nUser-Agent: Ignition/2.27.0 provision/"));
  CHECK(first.has("\r\nAccept: application/vnd.coreos.ignition+json;version=3.6.0, */*;q=0.1\r\n"));
  CHECK(first.has("\r\nAccept-Encoding: identity\r\n"));
}

TEST_CASE("IPv6, and an empty answer") {
  const WebServer server(
      [](const Asked& asked) {
        return asked.path == "/none" ? Reply{"HTTP/1.1 204 No Content\r\n\r\n"} : reply("200 OK", "six");
      },
      true);
  Machine machine;
  CHECK(why(machine.get(server.url("/"))) == "");
  CHECK(machine.kept.bytes == "six");
  CHECK(machine.get(server.url("/none"))->bytes == 0);
}

TEST_CASE("statuses that are tried again, and those that are not") {
  WebServer server([](const Asked& asked) {
    if (asked.path == "/final") {
      return reply("404 Not Found", "no");
    }
    const std::vector<std::string> trouble{"408 X", "425 X", "429 X", "500 X", "503 X"};
    const auto index = static_cast<std::size_t>(asked.count - 1);
    return index < trouble.size() ? reply(trouble[index], "wait") : reply("200 OK", "at last");
  });
  Machine machine;
  CHECK(why(machine.get(server.url("/"))) == "");
  CHECK(machine.kept.bytes == "at last");
  CHECK(machine.kept.restarts == 0);
  CHECK(server.asked("/").size() == 6);
  const auto missing = machine.get(server.url("/final"));
  CHECK(says(missing, "cannot fetch " + server.url("/final") + ": the server answered 404"));
  CHECK(missing.error().code == Code::network);
  CHECK(server.asked("/final").size() == 1);
}

TEST_CASE("Retry-After is waited for, and the whole has an end") {
  WebServer server([](const Asked&) { return reply("503 Busy", "", "Retry-After: 100\r\n"); });
  Machine machine;
  machine.patience(1s);
  const auto begin = std::chrono::steady_clock::now();
  const auto result = machine.get(server.url("/"));
  CHECK(says(result, "not there within 1 s; the last attempt: the server answered 503"));
  CHECK(std::chrono::steady_clock::now() - begin >= 1s);
  CHECK(server.asked().size() == 1);
}

TEST_CASE("progress tells when the next attempt is") {
  WebServer server([](const Asked&) { return reply("503 Busy", "", "Retry-After: 20\r\n"); });
  Machine machine;
  const host::Ticket ticket = machine.fetcher.start(want(server.url("/")), machine.kept);
  host::FetchProgress seen;
  for (int i = 0; i < 1000 && seen.last_failure.empty(); ++i) {
    const auto all = machine.fetcher.progress();
    REQUIRE(all.size() == 1);
    seen = all.front();
    std::this_thread::sleep_for(10ms);
  }
  CHECK(seen.last_failure == "the server answered 503");
  CHECK(seen.next_attempt > 10s);
  CHECK(seen.next_attempt <= 20s);
  machine.fetcher.cancel(ticket);
}

TEST_CASE("nobody listens, headers do not come") {
  WebServer server([](const Asked&) { return Reply{"", Then::hold}; });
  Machine machine;
  machine.patience(3s, 1s);
  CHECK(says(machine.get(server.url("/")), "no answer within 1 s"));
  CHECK(server.asked().size() >= 2);
  machine.patience(1s);
  CHECK(says(machine.get("http://127.0.0.1:1/"), "connect"));
}

TEST_CASE("redirects: headers are dropped, at most ten, and never from https to http") {
  WebServer server([](const Asked& asked) {
    if (asked.path == "/loop") {
      return reply("302 Found", "", "Location: /loop\r\n");
    }
    if (asked.path == "/nowhere") {
      return reply("302 Found", "here");
    }
    if (asked.path == "/file") {
      return reply("307 X", "", "Location: file:///etc/passwd\r\n");
    }
    return asked.path == "/end" ? reply("200 OK", "end") : reply("301 Moved", "page", "Location: end\r\n");
  });
  Machine machine;
  host::FetchRequest request = want(server.url("/begin?token=geheim"));
  request.headers = {{"X-Token", "first"}, {"x-token", "geheim"}, {"Accept", "text/plain"}, {"X-Empty", ""}};
  CHECK(why(machine.get(request)) == "");
  CHECK(machine.kept.bytes == "end");
  const Asked first = server.asked("/begin?token=geheim").at(0);
  CHECK(first.has("\r\nx-token: geheim\r\n"));
  CHECK_FALSE(first.has("first"));
  CHECK(first.has("\r\nAccept: text/plain\r\n"));
  CHECK(first.has("\r\nX-Empty:"));
  CHECK_FALSE(first.has("coreos"));
  const Asked second = server.asked("/end").at(0);
  CHECK_FALSE(second.has("geheim"));
  CHECK_FALSE(second.has("text/plain"));
  CHECK(second.has("coreos"));
  CHECK(says(machine.get(server.url("/loop")), "more than 10 redirects"));
  CHECK(server.asked("/loop").size() == 11);
  CHECK(says(machine.get(server.url("/nowhere")), "answered 302"));
  CHECK(says(machine.get(server.url("/file")), "not http or https"));
}

TEST_CASE("headers with control characters are not sent, and messages hold no secret") {
  WebServer server([](const Asked&) { return reply("403 Forbidden", ""); });
  Machine machine;
  host::FetchRequest request = want(server.url("/"));
  request.headers = {{"X-Token", "geheim\r\nX-Other: 1"}};
  const auto refused = machine.get(request);
  CHECK(says(refused, "a character that no header may have"));
  CHECK_FALSE(says(refused, "geheim"));
  CHECK(server.asked().empty());
  std::string url = server.url("/path?key=geheim");
  url.replace(0, 7, "http://me:geheim@");
  const auto forbidden = machine.get(url);
  CHECK(says(forbidden, "/path: the server answered 403"));
  CHECK_FALSE(says(forbidden, "geheim"));
  for (const char* bad : {"", "file:///etc/passwd", "ftp://127.0.0.1/x", "http://"}) {
    CHECK(machine.get(bad).error().code == Code::network);
  }
}

TEST_CASE("a cut body goes on behind what came, where the server has a strong tag") {
  const std::string whole(100'000, 'x');
  WebServer server([&](const Asked& asked) {
    const std::string tag = asked.path == "/weak" ? "ETag: W/\"1\"\r\n" : "ETag: \"1\"\r\n";
    if (asked.count == 1) {
      return Reply{"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n" + tag + "\r\n" + whole.substr(0, 60'000),
                   Then::close};
    }
    if (asked.path == "/changed" || asked.path == "/weak") {
      return reply("200 OK", whole, tag);
    }
    return reply("206 Partial", whole.substr(60'000), tag + "Content-Range: bytes 60000-99999/100000\r\n");
  });
  Machine machine;
  const auto resumed = machine.get(want(server.url("/a"), {}, Digest::sha256(whole)));
  REQUIRE(why(resumed) == "");
  CHECK(machine.kept.bytes == whole);
  CHECK(machine.kept.restarts == 0);
  CHECK(server.asked("/a").at(1).has("\r\nRange: bytes=60000-\r\n"));
  CHECK(server.asked("/a").at(1).has("\r\nIf-Range: \"1\"\r\n"));
  for (const char* path : {"/changed", "/weak"}) {
    Machine other;
    REQUIRE(why(other.get(server.url(path))) == "");
    CHECK(other.kept.bytes == whole);
    CHECK(other.kept.restarts == 1);
  }
  CHECK_FALSE(server.asked("/weak").at(1).has("Range:"));
}

TEST_CASE("a body that stops, and one that always ends at the same place") {
  WebServer server([&](const Asked& asked) {
    const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
    if (asked.path == "/stalls") {
      return asked.count == 1 ? Reply{head + "12345", Then::hold} : reply("200 OK", "1234567890");
    }
    return Reply{head + "12345", Then::close};
  });
  Machine machine;
  REQUIRE(why(machine.get(server.url("/stalls"))) == "");
  CHECK(machine.kept.bytes == "1234567890");
  CHECK(machine.kept.restarts == 1);
  CHECK(says(machine.get(server.url("/always")), "4 times"));
}

TEST_CASE("gzip, what is none, and a bomb") {
  WebServer server([](const Asked& asked) {
    if (asked.path == "/packed") {
      // printf 'hello, provision\n' | gzip -n
      return reply("200 OK", std::string("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\xd7\x51\x28\x28"
                                         "\xca\x2f\xcb\x2c\xce\xcc\xcf\xe3\x02\x00\x99\x3b\x2d\x2d\x11\x00\x00\x00",
                                         37));
    }
    return asked.path == "/bomb" ? reply("200 OK", gzipped(std::string(1'000'000, '\0'))) : reply("200 OK", "plain");
  });
  Machine machine;
  const auto packed = machine.get(want(server.url("/packed"), "gzip"));
  REQUIRE(why(packed) == "");
  CHECK(machine.kept.bytes == "hello, provision\n");
  CHECK(packed->digest == Digest::sha256("hello, provision\n"));
  for (const char* path : {"/plain", "/bomb"}) {
    machine.kept.bytes.clear();
    const auto wrong = machine.get(want(server.url(path), "gzip", {}, 100'000));
    REQUIRE(!wrong);
    CHECK(wrong.error().code == Code::bad_contents);
    CHECK(machine.kept.bytes.size() <= 100'000);
  }
}

TEST_CASE("a wrong hash, a right one of the other function, a full sink, a body beyond the limit") {
  WebServer server([](const Asked&) { return reply("200 OK", "contents"); });
  Machine machine;
  const auto wrong = machine.get(want(server.url("/x"), {}, Digest::sha256("other")));
  REQUIRE(!wrong);
  CHECK(wrong.error().code == Code::bad_contents);
  CHECK(says(wrong, Digest::sha256("contents").brief()));
  CHECK(machine.get(want(server.url("/x"), {}, digest_of(HashFunction::sha512, "contents"))));
  CHECK(machine.get(want(server.url("/x"), {}, {}, 8)));
  CHECK(machine.get(want(server.url("/x"), {}, {}, 7)).error().code == Code::bad_contents);
  machine.kept.full = true;
  const auto full = machine.get(server.url("/x"));
  REQUIRE(!full);
  CHECK(full.error().system_error == ENOSPC);
}

TEST_CASE("sixteen at once, and progress tells of them") {
  std::mutex mutex;
  std::condition_variable all_there;
  int there = 0;
  // None is answered before sixteen have asked: fewer at a time would never end.
  WebServer server([&](const Asked&) {
    std::unique_lock lock(mutex);
    ++there;
    all_there.notify_all();
    all_there.wait(lock, [&] { return there >= 16; });
    return reply("200 OK", "x");
  });
  host::LinuxFetcher fetcher(hurry());
  std::array<Kept, 40> kept;
  std::vector<host::Ticket> tickets;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    tickets.push_back(fetcher.start(want(server.url("/" + std::to_string(i))), kept.at(i)));
  }
  CHECK(fetcher.progress().size() <= 40);
  for (const auto ticket : tickets) {
    CHECK(fetcher.wait(ticket));
  }
  CHECK(fetcher.progress().empty());
  CHECK(server.connections() == 16);
}

TEST_CASE("a fetcher ends with transfers under way") {
  const WebServer server([](const Asked&) { return Reply{"", Then::hold}; });
  Kept kept;
  host::LinuxFetcher fetcher(hurry());
  for (int i = 0; i < 20; ++i) {
    fetcher.start(want(server.url("/")), kept);
  }
}

TEST_CASE("which proxy") {
  host::FetchSettings settings;
  settings.http_proxy = "http://p:1";
  CHECK(host::proxy_for(settings, {"http", "example.com", 80}) == "http://p:1");
  CHECK(host::proxy_for(settings, {"https", "example.com", 443}) == "http://p:1");
  settings.https_proxy = "http://s:2";
  CHECK(host::proxy_for(settings, {"https", "example.com", 443}) == "http://s:2");
  for (const char* own : {"localhost", "127.0.0.1", "127.1.2.3", "::1"}) {
    CHECK(host::proxy_for(settings, {"http", own, 80}).empty());
  }
  struct Row {
    const char* entry;
    const char* host;
    unsigned port;
    bool excepted;
  };
  for (const Row& row : {Row{"*", "a", 80, true},
                         Row{"example.com", "example.com", 80, true},
                         Row{"example.com", "EXAMPLE.com.", 80, true},
                         Row{"example.com", "a.example.com", 80, true},
                         Row{"example.com", "notexample.com", 80, false},
                         Row{".example.com", "example.com", 80, false},
                         Row{".example.com", "a.example.com", 80, true},
                         Row{"*.example.com", "a.example.com", 80, true},
                         Row{"example.com:80", "example.com", 80, true},
                         Row{"example.com:80", "example.com", 81, false},
                         Row{"10.0.0.0/8", "10.255.0.1", 80, true},
                         Row{"10.0.0.0/8", "11.0.0.1", 80, false},
                         Row{"10.0.0.1", "10.0.0.1", 80, true},
                         Row{"10.0.0.1", "10.0.0.10", 80, false},
                         Row{"fd00::/8", "fd12::1", 80, true},
                         Row{"fd00::/8", "10.0.0.1", 80, false},
                         Row{"fd12::1", "fd12:0::1", 80, true},
                         Row{"[fd12::1]:80", "fd12::1", 80, true},
                         Row{"[fd12::1]:81", "fd12::1", 80, false},
                         Row{"", "a", 80, false},
                         Row{"/", "a", 80, false}}) {
    CAPTURE(row.entry);
    CAPTURE(row.host);
    settings.no_proxy = {row.entry};
    CHECK(host::proxy_for(settings, {"http", row.host, row.port}).empty() == row.excepted);
  }
}

TEST_CASE("a proxy is asked, for names that only it knows") {
  WebServer proxy([](const Asked& asked) { return reply("200 OK", asked.path); });
  Machine machine;
  host::FetchSettings settings;
  settings.http_proxy = proxy.url("");
  REQUIRE(why(machine.fetcher.configure(settings)) == "");
  CHECK(why(machine.get("http://nowhere.invalid/x")) == "");
  CHECK(machine.kept.bytes == "http://nowhere.invalid/x");
}

TEST_CASE("https: the config's own authority beside the distro's") {
  NEED_PRIVATE_FOLDER();
  NEED_PROGRAM("openssl");
  const std::string folder = new_folder();
  const std::string key = folder + "/key.pem";
  const std::string certificate = folder + "/ca.pem";
  must_run("openssl",
           {"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
            "-out", certificate, "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"});
  std::string accept;
  {
    const WebServer free([](const Asked&) { return Reply{}; });
    accept = free.url("").substr(std::string_view("http://127.0.0.1:").size());
  }
  std::vector<std::string> words{"openssl", "s_server", "-quiet",    "-www", "-accept",
                                 accept,    "-cert",    certificate, "-key", key};
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (auto& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  pid_t pid = -1;
  REQUIRE(::posix_spawnp(&pid, "openssl", nullptr, nullptr, argv.data(), environ) == 0);
  Machine machine;
  host::FetchSettings settings;
  settings.total_patience = 20s;
  settings.authorities = {
      read_bytes(certificate, 0, static_cast<std::size_t>(std::stoul(must_run("stat", {"-c", "%s", certificate}))))};
  CHECK(why(machine.fetcher.configure(settings)) == "");
  // It is tried again until the server listens.
  const auto trusted = machine.get("https://127.0.0.1:" + accept + "/");
  machine.patience(20s);
  const auto distrusted = machine.get("https://127.0.0.1:" + accept + "/");
  settings.authorities = {"no certificate"};
  const auto unreadable = machine.fetcher.configure(settings);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  CHECK(why(trusted) == "");
  CHECK(says(distrusted, "certificate"));
  CHECK(!unreadable);
}

TEST_SUITE_END();
