// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>
#include <thread>

#include "host/linux/descriptor.hpp"
#include "host/linux/http.hpp"
#include "support/skip.hpp"
#include "surroundings.hpp"

using namespace provision;
using namespace provision::test;

namespace {

struct Listener {
  Listener() : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(socket.get(), generic, length) == 0);
    REQUIRE(::getsockname(socket.get(), generic, &length) == 0);
    port = ntohs(address.sin_port);
  }
  host::Descriptor socket;
  int port = 0;
};

// Answers each connection with what is set for the path that is asked for, byte by byte as it stands, then closes it.
// The answer "" is none at all, until the server ends.
class Server {
 public:
  explicit Server(std::map<std::string, std::string> answers) : answers_(std::move(answers)) {
    REQUIRE(::listen(listener_.socket.get(), 8) == 0);
    REQUIRE(::pipe(stop_.data()) == 0);
    thread_ = std::thread([this] { serve(); });
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  Server(Server&&) = delete;
  Server& operator=(Server&&) = delete;
  ~Server() {
    ::close(stop_[1]);
    thread_.join();
    ::close(stop_[0]);
  }

  [[nodiscard]] std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(listener_.port) + path;
  }
  [[nodiscard]] const std::string& last_request() const { return last_request_; }

 private:
  void serve() {
    std::vector<host::Descriptor> silent;
    while (true) {
      std::array<pollfd, 2> events{pollfd{listener_.socket.get(), POLLIN, 0}, pollfd{stop_[0], POLLIN, 0}};
      ::poll(events.data(), events.size(), -1);
      if (events[1].revents != 0) {
        return;
      }
      host::Descriptor peer(::accept4(listener_.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
      std::string request;
      std::array<char, 4096> buffer{};
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t count = ::recv(peer.get(), buffer.data(), buffer.size(), 0);
        if (count <= 0) {
          break;
        }
        request.append(buffer.data(), static_cast<std::size_t>(count));
      }
      last_request_ = request;
      const std::size_t begin = request.find(' ') + 1;
      const std::string answer = answers_[request.substr(begin, request.find_first_of(" ?", begin) - begin)];
      if (answer.empty()) {
        silent.push_back(std::move(peer));
      } else {
        send_all(peer.get(), answer);
      }
    }
  }

  static void send_all(int peer, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) {
        return;
      }
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  std::map<std::string, std::string> answers_;
  Listener listener_;
  std::array<int, 2> stop_{};
  std::string last_request_;
  std::thread thread_;
};

std::string answer(const std::string& status, const std::string& body, const std::string& headers = {}) {
  return "HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

host::HttpRequest request(std::string url) { return {std::move(url), {}, 1 << 20, std::chrono::seconds(10)}; }

void forget_proxies() {
  for (const char* name : {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
    ::unsetenv(name);
  }
}

}  // namespace

TEST_SUITE_BEGIN("native http");

TEST_CASE("any status is an answer, and a redirect is not followed") {
  forget_proxies();
  const Server server({{"/ok", answer("200 OK", "{\"ignition\":{}}")},
                       {"/missing", answer("404 Not Found", "no")},
                       {"/broken", answer("503 Busy", "")},
                       {"/moved", answer("302 Found", "", "Location: /ok\r\n")}});
  host::LinuxHttp http;
  const auto ok = http.get(request(server.url("/ok")));
  REQUIRE(why(ok) == "");
  CHECK(ok->status == 200);
  CHECK(ok->body == "{\"ignition\":{}}");
  CHECK(server.last_request().find("\r\nUser-Agent: Ignition/") != std::string::npos);
  CHECK(server.last_request().find(" provision/") != std::string::npos);
  CHECK(server.last_request().find("\r\nAccept: application/vnd.coreos.ignition+json;version=3.6.0, */*;q=0.1\r\n") !=
        std::string::npos);
  CHECK(server.last_request().find("\r\nAccept-Encoding: identity\r\n") != std::string::npos);
  const auto missing = http.get(request(server.url("/missing")));
  REQUIRE(why(missing) == "");
  CHECK(missing->status == 404);
  CHECK(missing->body == "no");
  CHECK(http.get(request(server.url("/broken")))->status == 503);
  CHECK(http.get(request(server.url("/moved")))->status == 302);
}

TEST_CASE("a body beyond the limit, a cut body, no answer, nobody there") {
  forget_proxies();
  const Server server({{"/fits", answer("200 OK", std::string(1 << 20, 'x'))},
                       {"/long", answer("200 OK", std::string((1 << 20) + 1, 'x'))},
                       {"/endless", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(4 << 20, 'x')},
                       {"/cut", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"},
                       {"/garbage", "SSH-2.0-OpenSSH_9.2p1\r\n" + std::string(300, '\x07')},
                       {"/silent", ""}});
  host::LinuxHttp http;
  CHECK(http.get(request(server.url("/fits")))->body.size() == 1 << 20);
  for (const char* path : {"/long", "/endless", "/cut"}) {
    CAPTURE(path);
    const auto result = http.get(request(server.url(path)));
    REQUIRE(!result);
    CHECK(result.error().code == Code::network);
    CHECK(result.error().what.find(path) != std::string::npos);
  }
  const auto garbage = http.get(request(server.url("/garbage")));
  REQUIRE(!garbage);
  CHECK(garbage.error().what.ends_with("/garbage: what answers there does not speak HTTP"));
  auto silent = request(server.url("/silent"));
  silent.patience = std::chrono::seconds(1);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(http.get(silent).error().code == Code::network);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(8));
  const Listener closed;
  CHECK(http.get(request("http://127.0.0.1:" + std::to_string(closed.port) + "/")).error().code == Code::network);
}

TEST_CASE("messages hold neither credentials nor queries, and other protocols are refused") {
  forget_proxies();
  const Listener closed;
  const std::string port = std::to_string(closed.port);
  host::LinuxHttp http;
  const auto refused = http.get(request("http://me:geheim@127.0.0.1:" + port + "/path?token=geheim#geheim"));
  REQUIRE(!refused);
  CHECK(refused.error().what.find("geheim") == std::string::npos);
  CHECK(refused.error().what.find("http://127.0.0.1:" + port + "/path") != std::string::npos);
  CHECK(host::public_url("https://a:b@example.com/x?y#z") == "https://example.com/x");
  CHECK(host::public_url("http://[geheim") == "a malformed URL");
  for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "", "http://"}) {
    CAPTURE(url);
    const auto result = http.get(request(url));
    REQUIRE(!result);
    CHECK(result.error().code == Code::network);
  }
}

TEST_CASE("https: only with the bundle that was given") {
  NEED_PRIVATE_FOLDER();
  NEED_PROGRAM("openssl");
  forget_proxies();
  const std::string folder = new_folder();
  must_run("openssl", {"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                       folder + "/key.pem", "-out", folder + "/ca.pem", "-days", "2", "-subj", "/CN=localhost",
                       "-addext", "subjectAltName=IP:127.0.0.1"});
  int port = 0;
  {
    const Listener free;
    port = free.port;
  }
  const std::string accept = std::to_string(port);
  const std::string key = folder + "/key.pem";
  const std::string certificate = folder + "/ca.pem";
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
  host::LinuxHttp http;
  auto trusted = request("https://127.0.0.1:" + accept + "/");
  trusted.ca_file = certificate;
  auto answered = http.get(trusted);
  for (int i = 0; i < 100 && !answered; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    answered = http.get(trusted);
  }
  const auto distrusted = http.get(request(trusted.url));
  auto unreadable = trusted;
  unreadable.ca_file = folder + "/none.pem";
  const auto no_bundle = http.get(unreadable);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  REQUIRE(why(answered) == "");
  CHECK(answered->status == 200);
  REQUIRE(!distrusted);
  CHECK(distrusted.error().code == Code::network);
  CHECK(distrusted.error().what.find("certificate") != std::string::npos);
  CHECK(!no_bundle);
}

TEST_SUITE_END();
