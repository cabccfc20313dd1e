// SPDX-License-Identifier: Apache-2.0
// The files stage on real file systems: what it leaves, that it does nothing twice, that what was predicted is what is
// seen, and hostile targets. What is fetched comes from a fetcher of the test's own.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <map>
#include <mutex>

#include "base/path.hpp"
#include "base/text.hpp"
#include "host/linux/linux_host.hpp"
#include "model/observe.hpp"
#include "plan/planners.hpp"
#include "plan/unsupported.hpp"
#include "run/executor.hpp"
#include "support/archives.hpp"
#include "support/skip.hpp"
#include "surroundings.hpp"

using namespace provision;
using namespace provision::test;

namespace {

// Serves what it is given, at once; anything else is not found.
class TestFetcher final : public host::Fetcher {
 public:
  std::map<std::string, std::string> pages;
  int served = 0;

  Result<void> configure(const host::FetchSettings& /*settings*/) override { return {}; }
  host::Ticket start(const host::FetchRequest& request, host::Sink& sink) override {
    const std::lock_guard lock(mutex_);
    waiting_.emplace(++last_, std::pair(request, &sink));
    return last_;
  }
  Result<host::Fetched> wait(host::Ticket ticket) override {
    const std::lock_guard lock(mutex_);
    const auto [request, sink] = waiting_.at(ticket);
    waiting_.erase(ticket);
    const auto page = pages.find(request.url);
    if (page == pages.end()) {
      return Error(Code::network, "404 Not Found for " + request.url);
    }
    ++served;
    TRY(sink->write("void"));
    TRY(sink->restart());
    TRY(sink->write(page->second));
    if (request.expected && digest_of(request.expected->function(), page->second) != *request.expected) {
      return Error(Code::bad_contents, "another hash");
    }
    return host::Fetched{page->second.size(), Digest::sha256(page->second)};
  }
  void cancel(host::Ticket ticket) override {
    const std::lock_guard lock(mutex_);
    waiting_.erase(ticket);
  }
  std::vector<host::FetchProgress> progress() override { return {}; }

 private:
  std::mutex mutex_;
  host::Ticket last_ = 0;
  std::map<host::Ticket, std::pair<host::FetchRequest, host::Sink*>> waiting_;
};

class Silence final : public run::Listener {
 public:
  void on(const run::Event& /*event*/) override {}
};

spec::Parsed parse(const std::string& members) {
  const std::string version = members.find(R"("provision":)") == std::string::npos ? "3.6.0" : "3.6.0+provision.1";
  auto parsed = spec::parse("c", R"({"ignition": {"version": ")" + version + "\"},\n" + members + "}");
  REQUIRE(parsed.config);
  return parsed;
}

// A target, and what provisions it.
struct Target {
  std::string root = new_folder();
  std::string state = new_folder();
  host::LinuxHost linux{root, state};
  TestFetcher fetcher;
  std::size_t steps = 0;

  host::Host host() {
    const host::Host all = linux.host();
    return {all.target, root,          all.state, all.own,      all.disks, all.crypt,
            all.mounts, all.processes, all.clock, all.firmware, all.http,  fetcher};
  }

  Result<model::Inventory> see(const spec::Parsed& parsed) {
    host::Host here = host();
    model::Scope scope;
    scope.files = true;
    return model::observe(here, parsed, scope);
  }

  // As the files stage, with a journal of its own each time.
  Result<void> provision(const std::string& members) {
    const auto parsed = parse(members);
    if (auto error = plan::unsupported(parsed)) {
      return *std::move(error);
    }
    const auto before = TRY(see(parsed));
    const auto plan = TRY(plan::plan_files({parsed, before}));
    steps = plan.steps.size();
    host::Host here = host();
    std::filesystem::remove(state + "/journal");
    auto journal = TRY(run::Journal::open(here.state));
    TRY(journal.begin({"test", Digest::sha256("c"), "c", "boot"}));
    TRY(journal.planned(plan));
    Silence silence;
    const plan::ContentSource contents(*parsed.config);
    TRY(run::execute(here, plan, contents, journal, silence, {}));
    compare(plan::predicted(before, plan), TRY(see(parsed)));
    return {};
  }

  // What cannot be predicted is not compared: the digest of what was fetched, and what a file would be with still more.
  // What only planning looked at, the skeleton and its copies, is looked up.
  void compare(const model::Inventory& predicted, const model::Inventory& seen) {
    for (const auto& view : predicted.files) {
      if (seen.file(view.path) == nullptr) {
        CAPTURE(view.path);
        CHECK(model::look_at(linux.target, view.path).value() == view);
      }
    }
    for (auto view : seen.files) {
      CAPTURE(view.path);
      const auto* const wanted = predicted.file(view.path);
      REQUIRE(wanted != nullptr);
      view.extended = wanted->extended;
      if (wanted->digest.empty()) {
        view.digest = Digest{};
      }
      CHECK(view == *wanted);
    }
  }

  void put(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories(root + path::parent(path));
    write_file(root + path, text);
  }
  void link(const std::string& path, const std::string& to) const {
    std::filesystem::create_directories(root + path::parent(path));
    REQUIRE(::symlink(to.c_str(), (root + path).c_str()) == 0);
  }
  std::string text(const std::string& path) {
    const auto content = linux.target.read(path, 1 << 20);
    return content ? *content : "error: " + to_string(content.error());
  }
};

// Where a thing stands until it is whole; `rest` is its path below the directory that the temporary is in.
std::string temporary(const std::string& rest) { return ".provision-" + Digest::sha256(rest).hex().substr(0, 16); }

// Every name, kind, mode, owner, link and content below a folder, but for the result file.
std::string tree_of(const std::string& folder) {
  std::vector<std::string> lines;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    struct stat status {};
    REQUIRE(::lstat(entry.path().c_str(), &status) == 0);
    std::string line = entry.path().string().substr(folder.size()) + " " + std::to_string(status.st_mode) + " " +
                       std::to_string(status.st_uid) + ":" + std::to_string(status.st_gid) + " " +
                       std::to_string(status.st_ino);
    // A temporary that comes and goes changes a directory's time.
    if (!S_ISDIR(status.st_mode)) {
      line += " " + std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec);
    }
    if (entry.is_symlink()) {
      line += " -> " + std::filesystem::read_symlink(entry.path()).string();
    }
    lines.push_back(line);
  }
  std::sort(lines.begin(), lines.end());
  return join(lines, "\n");
}

const std::string everything = R"("storage": {
  "directories": [{"path": "/srv/www", "mode": 1517, "user": {"name": "www"}}, {"path": "/old", "mode": 448}],
  "files": [
    {"path": "/etc/hosts", "append": [{"source": "data:,two%0A"}], "mode": 384},
    {"path": "/etc/new", "append": [{"source": "data:,b"}, {"source": "http://x/c"}], "contents": {"source": "http://x/a"}},
    {"path": "/etc/deep/down/fetched", "mode": 2541, "contents": {"source": "http://x/a"}},
    {"path": "/srv/www/index.html", "group": {"name": "www"}, "contents": {"source": "data:,page"}},
    {"path": "/etc/attributes", "mode": 256, "user": {"id": 7}},
    {"path": "/etc/tree", "overwrite": true, "contents": {"source": "data:,leaf"}}],
  "links": [{"path": "/srv/hard", "target": "/srv/www/index.html", "hard": true},
            {"path": "/srv/soft", "target": "../etc/hosts", "user": {"id": 5}, "group": {"id": 6}}]},
"systemd": {"units": [
  {"name": "a.service", "enabled": true, "contents": "[Service]\nExecStart=/a\n", "dropins": [{"name": "x.conf", "contents": ""}]},
  {"name": "w@a.service", "enabled": true}, {"name": "w@b.service", "enabled": true},
  {"name": "m.service", "mask": true}, {"name": "u.service", "mask": false}, {"name": "off.service", "enabled": false}]})";

void prepare(Target& target) {
  target.put("/etc/passwd", "root:x:0:0::/root:/bin/sh\nwww:x:33:34::/:/bin/sh\n");
  target.put("/etc/group", "www:x:35:\n");
  target.put("/etc/hosts", "one\n");
  target.put("/etc/attributes", "kept");
  target.put("/etc/tree/below/it", "old");
  target.put("/old/kept", "kept");
  target.link("/etc/systemd/system/u.service", "/dev/null");
  target.link("/etc/systemd/system/multi-user.target.wants/off.service", "/usr/lib/systemd/system/off.service");
  target.fetcher.pages = {{"http://x/a", "A"}, {"http://x/c", "C"}};
}

}  // namespace

TEST_SUITE_BEGIN("native files stage");

TEST_CASE("everything is as the config says, seen as predicted") {
  NEED_PRIVATE_FOLDER();
  Target target;
  prepare(target);
  REQUIRE(why(target.provision(everything)) == "");
  CHECK(target.text("/etc/hosts") == "one\ntwo\n");
  CHECK(target.text("/etc/new") == "AbC");
  CHECK(target.text("/etc/deep/down/fetched") == "A");
  CHECK(target.linux.target.look("/etc/deep/down/fetched").value()->mode == 04755);
  CHECK(*target.linux.target.look("/srv/www").value() == host::Node{host::NodeKind::directory, 02755, {33, 0}, 0, ""});
  CHECK(target.linux.target.look("/srv/www/index.html").value()->owner == host::Owner{0, 35});
  CHECK(target.linux.target.is_same("/srv/hard", "/srv/www/index.html").value());
  CHECK(target.linux.target.look("/srv/soft").value()->owner == host::Owner{5, 6});
  CHECK(target.linux.target.look("/etc/hosts").value()->owner == host::Owner{0, 0});
  CHECK(*target.linux.target.look("/etc/attributes").value() ==
        host::Node{host::NodeKind::regular, 0400, {7, 0}, 4, ""});
  CHECK(target.text("/etc/tree") == "leaf");
  CHECK(target.text("/old/kept") == "kept");
  CHECK(target.text("/etc/systemd/system-preset/20-ignition.preset") ==
        "enable a.service\ndisable off.service\nenable w@.service a b\n");
  CHECK(!target.linux.target.look("/etc/systemd/system/u.service").value());
  CHECK(target.linux.target.list("/etc/systemd/system/multi-user.target.wants").value().empty());
  CHECK(target.linux.target.look("/etc/systemd/system/m.service").value()->target == "/dev/null");
  CHECK(target.text("/etc/systemd/system/a.service.d/x.conf").empty());
  CHECK(target.text("/etc/.ignition-result.json").find("\"provisioningBootID\"") != std::string::npos);
  CHECK(target.linux.target.look("/etc/.ignition-result.json").value()->mode == 0600);
  CHECK(tree_of(target.root).find(".provision-") == std::string::npos);
}

TEST_CASE("the second time nothing is changed, appends and presets included") {
  NEED_PRIVATE_FOLDER();
  Target target;
  prepare(target);
  // What may be replaced and cannot be compared is fetched anew each time, so it is left out here.
  const std::string config = R"("storage": {"files": [
    {"path": "/etc/hosts", "append": [{"source": "data:,two%0A"}]},
    {"path": "/etc/fetched", "contents": {"source": "http://x/a", "verification": {"hash": ")" +
                             digest_of(HashFunction::sha512, "A").text() + R"("}}},
    {"path": "/etc/both", "contents": {"source": "data:,x"}, "append": [{"source": "data:,y"}]}],
    "links": [{"path": "/etc/l", "target": "hosts"}, {"path": "/etc/h", "target": "/etc/both", "hard": true}],
    "directories": [{"path": "/d", "mode": 448}]},
    "systemd": {"units": [{"name": "a.service", "enabled": true}, {"name": "off.service", "enabled": false},
                          {"name": "u.service", "mask": false}]})";
  REQUIRE(why(target.provision(config)) == "");
  const std::string once = tree_of(target.root);
  REQUIRE(why(target.provision(config)) == "");
  CHECK(target.steps == 0);
  CHECK(tree_of(target.root) == once);
  CHECK(target.fetcher.served == 1);
  CHECK(target.text("/etc/hosts") == "one\ntwo\n");
}

TEST_CASE("users of the config own files and have some in their homes, also over the skeleton and behind a link") {
  NEED_PRIVATE_FOLDER();
  Target target;
  target.put("/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
  target.put("/etc/group", "root:x:0:\nwheel:x:10:\n");
  target.put("/etc/shadow", "root:*:1::::::\n");
  target.put("/etc/subuid", "");
  target.put("/etc/login.defs", "USERGROUPS_ENAB yes\nHOME_MODE 0750\n");
  target.put("/etc/skel/.profile", "skeleton");
  target.put("/etc/skel/.bashrc", "skeleton");
  target.put("/var/home/x", "");
  target.link("/home", "var/home");
  const std::string config = R"("passwd": {
    "users": [{"name": "core", "sshAuthorizedKeys": ["key"], "groups": ["wheel"], "passwordHash": "$6$x"},
              {"name": "bare", "noCreateHome": true, "sshAuthorizedKeys": ["other"]}]},
  "storage": {
    "directories": [{"path": "/home/core", "mode": 448}, {"path": "/home/core/d", "user": {"name": "core"}}],
    "files": [
      {"path": "/home/core/.profile", "overwrite": true, "user": {"name": "core"}, "contents": {"source": "data:,mine"}},
      {"path": "/home/core/d/f", "user": {"name": "core"}, "group": {"name": "core"}, "contents": {"source": "data:,f"}},
      {"path": "/home/bare/f", "contents": {"source": "data:,f"}},
      {"path": "/etc/skel/later", "contents": {"source": "data:,later"}},
      {"path": "/etc/subuid", "overwrite": true, "contents": {"source": "data:,containers:1:2"}}]})";
  REQUIRE(why(target.provision(config)) == "");
  host::Files& files = target.linux.target;
  const host::Owner core{1000, 1000};
  CHECK(*files.look("/var/home/core").value() == host::Node{host::NodeKind::directory, 0700, core, 0, ""});
  CHECK(target.text("/home/core/.profile") == "mine");
  CHECK(target.text("/home/core/.bashrc") == "skeleton");
  CHECK_FALSE(files.look("/home/core/later").value());
  CHECK(files.look("/home/core/d").value()->owner == host::Owner{1000, 0});
  CHECK(files.look("/home/core/d/f").value()->owner == core);
  CHECK(target.text("/home/core/.ssh/authorized_keys.d/ignition") == "key\n");
  CHECK(*files.look("/home/core/.ssh").value() == host::Node{host::NodeKind::directory, 0700, core, 0, ""});
  CHECK(*files.look("/home/bare").value() == host::Node{host::NodeKind::directory, 0700, {1001, 1001}, 0, ""});
  CHECK(target.text("/etc/subuid") == "containers:1:2");
  const std::string once = tree_of(target.root);
  REQUIRE(why(target.provision(config)) == "");
  CHECK(target.steps == 0);
  CHECK(tree_of(target.root) == once);
}

TEST_CASE("what the skeleton puts into a new home counts as there when files in it are planned") {
  NEED_PRIVATE_FOLDER();
  const auto prepared = [](Target& target) {
    target.put("/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
    target.put("/etc/group", "root:x:0:\n");
    target.put("/etc/login.defs", "USERGROUPS_ENAB yes\n");
    target.put("/usr/share/skeleton/.profile", "skeleton\n");
    target.put("/usr/share/skeleton/.ssh/authorized_keys.d/ignition", "somebody's\n");
    target.put("/usr/share/skeleton/tree/below/it", "old");
    target.link("/usr/share/skeleton/inside", "/etc/skel/.profile");
    target.link("/etc/skel", "../usr/share/skeleton");
    target.put("/var/home/x", "");
    target.link("/home", "var/home");
  };
  const auto config = [](const std::string& storage) {
    return R"("passwd": {"users": [{"name": "core", "sshAuthorizedKeys": ["key"]}]}, "storage": {)" + storage + "}";
  };
  const std::vector<std::pair<std::string, std::string>> conflicts{
      {R"("files": [{"path": "/home/core/.profile", "contents": {"source": "data:,x"}}])",
       "/home/core/.profile is there, in the new home of core, from /etc/skel, with other contents, mode or owner"},
      {R"("files": [{"path": "/var/home/core/.profile", "contents": {"source": "data:,x"}}])",
       "/var/home/core/.profile is there"},
      {R"("files": [{"path": "/home/core/tree"}])", "/home/core/tree is a directory in the new home of core"},
      {R"("files": [{"path": "/home/core/.profile/below"}])",
       "/home/core/.profile/below cannot be written: /home/core/.profile is a file in the new home of core"},
      {R"("directories": [{"path": "/home/core/inside"}])", "/home/core/inside is a symbolic link in the new home"},
      {R"("links": [{"path": "/home/core/.profile", "target": "x"}])", "/home/core/.profile is a file in the new home"},
  };
  for (const auto& conflicting : conflicts) {
    const std::string& storage = conflicting.first;
    CAPTURE(storage);
    Target target;
    prepared(target);
    const std::string before = tree_of(target.root);
    const auto parsed = parse(config(storage));
    const auto plan = plan::plan_files({parsed, target.see(parsed).value()});
    REQUIRE_FALSE(plan);
    CHECK(plan.error().code == Code::conflict);
    CHECK(plan.error().what.find(conflicting.second) != std::string::npos);
    REQUIRE(plan.error().origin);
    CHECK(plan.error().origin->path.starts_with("$.storage."));
    CHECK(tree_of(target.root) == before);
  }
  Target target;
  prepared(target);
  const std::string fitting = config(R"(
    "directories": [{"path": "/home/core/tree"}],
    "files": [{"path": "/home/core/.profile", "mode": 384, "append": [{"source": "data:,more%0A"}]},
              {"path": "/home/core/tree/below", "overwrite": true, "contents": {"source": "data:,leaf"}}],
    "links": [{"path": "/home/core/inside", "target": "/home/core/.profile"}])");
  REQUIRE(why(target.provision(fitting)) == "");
  CHECK(target.text("/home/core/.profile") == "skeleton\nmore\n");
  CHECK(*target.linux.target.look("/home/core/.profile").value() ==
        host::Node{host::NodeKind::regular, 0600, {1000, 1000}, 14, ""});
  CHECK(target.linux.target.look("/home/core/tree").value()->owner == host::Owner{1000, 1000});
  CHECK(target.text("/home/core/tree/below") == "leaf");
  CHECK(target.text("/home/core/.ssh/authorized_keys.d/ignition") == "key\n");
  CHECK(target.text("/etc/skel/.profile") == "skeleton\n");
  const std::string once = tree_of(target.root);
  REQUIRE(why(target.provision(fitting)) == "");
  CHECK(target.steps == 0);
  CHECK(tree_of(target.root) == once);
}

TEST_CASE("an earlier result is told in the new one") {
  NEED_PRIVATE_FOLDER();
  Target target;
  REQUIRE(why(target.provision(R"("storage": {"files": [{"path": "/a"}]})")) == "");
  REQUIRE(why(target.provision(R"("storage": {"files": [{"path": "/b"}]})")) == "");
  const std::string text = target.text("/etc/.ignition-result.json");
  CHECK(text.find("previousReport") != std::string::npos);
  CHECK(text.find("\"userConfigProvided\": true") != std::string::npos);
}

TEST_CASE("no link leads out of the target, at one, two and three levels, dangling or in a circle") {
  NEED_PRIVATE_FOLDER();
  const std::string outside = new_folder();
  struct Hostile {
    std::string path;
    std::vector<std::pair<std::string, std::string>> links;
    bool possible;
  };
  const std::vector<Hostile> cases{
      {"/one/f", {{"/one", outside}}, false},
      {"/up/f", {{"/up", "../../../../../.." + outside}}, false},
      {"/two/f", {{"/two", "/middle"}, {"/middle", outside}}, false},
      {"/three/f", {{"/three", "second"}, {"/second", "/third"}, {"/third", "../.." + outside}}, false},
      {"/deep/a/b/f", {{"/deep", outside}}, false},
      {"/dangling/f", {{"/dangling", "/not/there"}}, false},
      {"/circle/f", {{"/circle", "/other"}, {"/other", "circle"}}, false},
      {"/self/f", {{"/self", "self"}}, false},
      {"/magic/f", {{"/magic", "/proc/self/root"}}, false},
      {"/inside/f", {{"/inside", "/../../real"}, {"/real/x", "y"}}, true},
  };
  for (const auto& hostile : cases) {
    CAPTURE(hostile.path);
    Target target;
    for (const auto& [path, to] : hostile.links) {
      target.link(path, to);
    }
    const auto result = target.provision(R"("storage": {"files": [{"path": ")" + hostile.path +
                                         R"(", "contents": {"source": "data:,x"}}]})");
    CHECK(result.has_value() == hostile.possible);
    if (!result) {
      REQUIRE(result.error().origin);
      CHECK(result.error().origin->line == 2);
    }
    CHECK(std::filesystem::is_empty(outside));
    CHECK(!std::filesystem::exists("/f"));
    CHECK(!std::filesystem::exists("/not"));
  }
}

TEST_CASE("links lead into the target as chroot would have them") {
  NEED_PRIVATE_FOLDER();
  Target target;
  std::filesystem::create_directories(target.root + "/var/data");
  target.link("/data", "/var/data");
  target.link("/way", "/made");
  REQUIRE(why(target.provision(R"("storage": {"files": [{"path": "/data/sub/f", "contents": {"source": "data:,x"}}],
    "links": [{"path": "/made", "target": "/var/made"}], "directories": [{"path": "/var/made"}, {"path": "/way/d"}]})")) ==
          "");
  CHECK(target.text("/var/data/sub/f") == "x");
  CHECK(target.linux.target.look("/var/made/d").value()->kind == host::NodeKind::directory);
}

TEST_CASE("two paths that are one place are an error at planning, with both lines") {
  NEED_PRIVATE_FOLDER();
  Target target;
  std::filesystem::create_directories(target.root + "/var");
  target.link("/a", "/b");
  target.link("/b", "var");
  const auto result = target.provision(R"("storage": {"files": [{"path": "/a/x", "contents": {"source": "data:,1"}},
{"path": "/var/x", "contents": {"source": "data:,2"}}]})");
  REQUIRE(!result);
  CHECK(result.error().code == Code::bad_config);
  CHECK(result.error().origin->line == 3);
  CHECK(result.error().what.find("c:2:") != std::string::npos);
  CHECK(std::filesystem::is_empty(target.root + "/var"));
}

TEST_CASE("what is overwritten stays when the fetch fails") {
  NEED_PRIVATE_FOLDER();
  for (const bool tree : {false, true}) {
    Target target;
    target.put(tree ? "/etc/f/below/it" : "/etc/f", "old");
    const std::string before = tree_of(target.root);
    const auto result = target.provision(
        R"("storage": {"files": [{"path": "/etc/f", "overwrite": true, "contents": {"source": "http://x/none"}}]})");
    REQUIRE(!result);
    CHECK(result.error().code == Code::network);
    CHECK(result.error().origin->line == 2);
    CHECK(tree_of(target.root) == before);
  }
}

TEST_CASE("an append of which a fetched part fails leaves the file as it was") {
  NEED_PRIVATE_FOLDER();
  Target target;
  target.put("/etc/f", "old");
  const std::string before = tree_of(target.root);
  CHECK(!target.provision(
      R"("storage": {"files": [{"path": "/etc/f", "append": [{"source": "data:,x"}, {"source": "http://x/none"}]}]})"));
  CHECK(tree_of(target.root) == before);
}

TEST_CASE("on a full disk the old things stay and nothing is left behind, whatever is written") {
  NEED_PRIVATE_FOLDER();
  const std::string big(200000, 'x');
  std::string lines;
  for (int i = 0; i < 4000; ++i) {
    lines += "#" + std::string(48, 'x') + "\\n";
  }
  const std::vector<std::string> configs{
      R"("storage": {"files": [{"path": "/f", "overwrite": true, "contents": {"source": "data:,)" + big + R"("}}]})",
      R"("storage": {"files": [{"path": "/f", "append": [{"source": "data:,)" + big + R"("}]}]})",
      R"("storage": {"files": [{"path": "/f", "overwrite": true, "contents": {"source": "http://x/big"}}]})",
      R"("storage": {"files": [{"path": "/f", "append": [{"source": "http://x/big"}]}]})",
      R"("storage": {"files": [{"path": "/tree", "overwrite": true, "contents": {"source": "http://x/big"}}]})",
      R"("systemd": {"units": [{"name": "a.service", "contents": ")" + lines + R"([Service]\nExecStart=/a\n"}]})"};
  for (const auto& config : configs) {
    CAPTURE(config.substr(0, 100));
    Target target;
    REQUIRE(::mount("tmpfs", target.root.c_str(), "tmpfs", 0, "size=96k") == 0);
    target.put("/f", "old");
    target.put("/tree/below/it", "old");
    std::filesystem::create_directories(target.root + "/etc/systemd/system");
    target.fetcher.pages["http://x/big"] = big;
    const std::string before = tree_of(target.root);
    const auto result = target.provision(config);
    REQUIRE(!result);
    CHECK(result.error().system_error == ENOSPC);
    CHECK(result.error().origin.has_value());
    CHECK(tree_of(target.root) == before);
    REQUIRE(::umount(target.root.c_str()) == 0);
  }
}

TEST_CASE("a read-only target is a clear error, and nothing is changed") {
  NEED_PRIVATE_FOLDER();
  Target target;
  REQUIRE(::mount("tmpfs", target.root.c_str(), "tmpfs", 0, "size=1m") == 0);
  target.put("/etc/f", "old");
  REQUIRE(::mount(nullptr, target.root.c_str(), nullptr, MS_REMOUNT | MS_RDONLY, "size=1m") == 0);
  target.fetcher.pages["http://x/a"] = "A";
  const std::string before = tree_of(target.root);
  for (const std::string config :
       {R"("storage": {"files": [{"path": "/etc/g", "contents": {"source": "data:,x"}}]})",
        R"("storage": {"files": [{"path": "/etc/g", "contents": {"source": "http://x/a"}}]})",
        R"("storage": {"directories": [{"path": "/d"}]})", R"("storage": {"links": [{"path": "/l", "target": "x"}]})",
        R"("systemd": {"units": [{"name": "a.service", "mask": true}]})"}) {
    CAPTURE(config);
    const auto result = target.provision(config);
    REQUIRE(!result);
    CHECK(result.error().system_error == EROFS);
    CHECK(tree_of(target.root) == before);
  }
  REQUIRE(::umount(target.root.c_str()) == 0);
}

TEST_CASE("a tree in which something is mounted is not removed") {
  NEED_PRIVATE_FOLDER();
  Target target;
  target.put("/tree/mounted/x", "hidden");
  REQUIRE(::mount("tmpfs", (target.root + "/tree/mounted").c_str(), "tmpfs", 0, "size=64k") == 0);
  target.put("/tree/mounted/precious", "data");
  const std::string before = tree_of(target.root);
  const auto result = target.provision(
      R"("storage": {"files": [{"path": "/tree", "overwrite": true, "contents": {"source": "data:,x"}}]})");
  REQUIRE(!result);
  CHECK(result.error().code == Code::conflict);
  CHECK(tree_of(target.root) == before);
  REQUIRE(::umount((target.root + "/tree/mounted").c_str()) == 0);
}

TEST_CASE("what is fetched follows a link that is made meanwhile, to another file system") {
  NEED_PRIVATE_FOLDER();
  Target target;
  std::filesystem::create_directories(target.root + "/var");
  target.link("/way", "data");
  REQUIRE(::mount("tmpfs", (target.root + "/var").c_str(), "tmpfs", 0, "size=1m") == 0);
  target.fetcher.pages["http://x/a"] = "A";
  REQUIRE(why(target.provision(R"("storage": {"links": [{"path": "/data", "target": "/var/data"}],
    "files": [{"path": "/way/f", "mode": 384, "contents": {"source": "http://x/a"}}], "directories": [{"path": "/var/data"}]})")) ==
          "");
  CHECK(target.text("/var/data/f") == "A");
  CHECK(tree_of(target.root).find(".provision-") == std::string::npos);
  REQUIRE(::umount((target.root + "/var").c_str()) == 0);
}

TEST_CASE("what a power cut left of a download is replaced, wherever it was begun") {
  NEED_PRIVATE_FOLDER();
  Target target;
  target.put("/" + temporary("a/b/f"), "torn");
  target.put("/a/" + temporary("b/f"), "torn");
  target.put("/a/b/" + temporary("f") + "/tree", "torn");
  target.fetcher.pages["http://x/a"] = "A";
  REQUIRE(why(target.provision(
              R"("storage": {"files": [{"path": "/a/b/f", "contents": {"source": "http://x/a"}}]})")) == "");
  CHECK(target.text("/a/b/f") == "A");
  CHECK(tree_of(target.root).find(".provision-") == std::string::npos);
}

// As a cut leaves it between the moment when the new thing has its name and the removal of the old one, which stands
// under the temporary's name, or under that with "-old" where the file system cannot exchange two names.
TEST_CASE("what a power cut left of overwritten trees is removed when the stage goes on") {
  NEED_PRIVATE_FOLDER();
  for (const std::string suffix : {"", "-old"}) {
    CAPTURE(suffix);
    Target target;
    const auto move_aside = [&](const std::string& path, const std::string& rest) {
      std::filesystem::rename(target.root + path, target.root + "/etc/" + temporary(rest) + suffix);
    };
    for (const auto* path :
         {"/etc/dir/below/it", "/etc/file/below/it", "/etc/link/below/it", "/etc/fetched/below/it"}) {
      target.put(path, "old");
    }
    target.fetcher.pages["http://x/a"] = "A";
    const auto parsed = parse(R"("storage": {"directories": [{"path": "/etc/dir", "overwrite": true}],
      "files": [{"path": "/etc/file", "overwrite": true, "contents": {"source": "data:,leaf"}},
                {"path": "/etc/fetched", "overwrite": true, "contents": {"source": "http://x/a"}}],
      "links": [{"path": "/etc/link", "overwrite": true, "target": "file"}]})");
    const auto plan = plan::plan_files({parsed, target.see(parsed).value()});
    REQUIRE(plan.has_value());
    host::Host here = target.host();
    auto interrupted = run::Journal::open(here.state);
    REQUIRE(interrupted.has_value());
    REQUIRE(why(interrupted->begin({"test", Digest::sha256("c"), "c", "boot"})) == "");
    REQUIRE(why(interrupted->planned(*plan)) == "");
    move_aside("/etc/dir", "dir/");
    move_aside("/etc/file", "file");
    move_aside("/etc/fetched", "fetched");
    move_aside("/etc/link", "link");
    std::filesystem::create_directory(target.root + "/etc/dir");
    target.put("/etc/file", "leaf");
    target.put("/etc/fetched", "A");
    target.link("/etc/link", "file");
    auto journal = run::Journal::open(here.state);
    REQUIRE(journal.has_value());
    REQUIRE(why(journal->resumed("files", "boot 2")) == "");
    Silence silence;
    const plan::ContentSource contents(*parsed.config);
    const auto ran = run::execute(here, *plan, contents, *journal, silence, {});
    REQUIRE((ran ? "" : to_string(ran.error())) == "");
    CHECK(target.text("/etc/file") == "leaf");
    CHECK(target.text("/etc/fetched") == "A");
    CHECK(std::filesystem::is_empty(target.root + "/etc/dir"));
    CHECK(tree_of(target.root).find(".provision-") == std::string::npos);
  }
}

TEST_CASE("labels are those of Debian's policy, and the second time nothing is labelled") {
  NEED_PRIVATE_FOLDER();
  NEED_PROGRAM("setfiles");
  const std::string policy = "/etc/selinux/default/contexts/files";
  if (::access((policy + "/file_contexts").c_str(), R_OK) != 0) {
    SKIP_TEST("selinux-policy-default");
  }
  Target target;
  const std::string some = "system_u:object_r:etc_t:s0";
  if (::setxattr(target.root.c_str(), "security.selinux", some.c_str(), some.size() + 1, 0) != 0) {
    SKIP_TEST(std::string("attributes security.selinux, which the kernel refuses: ") + std::strerror(errno));
  }
  std::filesystem::create_directories(target.root + policy);
  std::filesystem::copy(policy, target.root + policy, std::filesystem::copy_options::recursive);
  target.put("/etc/selinux/config", "# comment\nSELINUX=enforcing\nSELINUXTYPE=default\n");
  target.put("/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
  target.put("/etc/group", "root:x:0:\n");
  target.put("/etc/shadow", "root:*:1::::::\n");
  target.put("/etc/login.defs", "USERGROUPS_ENAB yes\n");
  target.put("/etc/skel/.profile", "skeleton");
  target.put("/etc/hosts", "untouched");
  target.put("/home/x", "");
  const std::string config =
      R"("passwd": {"users": [{"name": "core", "sshAuthorizedKeys": ["key"], "passwordHash": "x"}]},
  "storage": {
    "directories": [{"path": "/var/log/deep/er"}],
    "files": [{"path": "/etc/with a blank"}, {"path": "/usr/bin/tool", "mode": 493, "contents": {"source": "data:,x"}},
              {"path": "/opt/new/lib/f", "contents": {"source": "data:,x"}}],
    "links": [{"path": "/etc/link", "target": "with a blank"}]},
  "systemd": {"units": [{"name": "a.service", "enabled": true, "contents": "[Service]\nExecStart=/a\n",
                         "dropins": [{"name": "x.conf", "contents": "y"}]}]})";
  REQUIRE(why(target.provision(config)) == "");
  const auto label = [&](const std::string& path) {
    std::array<char, 128> value{};
    const ssize_t size = ::lgetxattr((target.root + path).c_str(), "security.selinux", value.data(), value.size());
    return size < 0 ? std::string("none") : std::string(value.data());
  };
  // As the policy has them, read by a person.
  const std::vector<std::pair<std::string, std::string>> wanted{
      {"/etc/shadow", "system_u:object_r:shadow_t:s0"},
      {"/etc/passwd", "system_u:object_r:etc_t:s0"},
      {"/etc/with a blank", "system_u:object_r:etc_t:s0"},
      {"/etc/link", "system_u:object_r:etc_t:s0"},
      {"/etc/.ignition-result.json", "system_u:object_r:etc_t:s0"},
      {"/etc/systemd/system/a.service", "system_u:object_r:systemd_unit_t:s0"},
      {"/etc/systemd/system/a.service.d/x.conf", "system_u:object_r:systemd_unit_t:s0"},
      {"/var/log/deep/er", "system_u:object_r:var_log_t:s0"},
      {"/usr/bin", "system_u:object_r:bin_t:s0"},
      {"/usr/bin/tool", "system_u:object_r:bin_t:s0"},
      {"/opt/new/lib/f", "system_u:object_r:lib_t:s0"},
      {"/home/core", "unconfined_u:object_r:user_home_dir_t:s0"},
      {"/home/core/.profile", "unconfined_u:object_r:user_home_t:s0"},
      {"/home/core/.ssh/authorized_keys.d/ignition", "unconfined_u:object_r:ssh_home_t:s0"},
      {"/etc/hosts", "none"},
      {"/home", "none"},
  };
  for (const auto& one : wanted) {
    CAPTURE(one.first);
    CHECK(label(one.first) == one.second);
  }
  const auto changes = [&] {
    std::string times;
    for (const auto& [path, expected] : wanted) {
      struct stat status {};
      REQUIRE(::lstat((target.root + path).c_str(), &status) == 0);
      times += path + " " + std::to_string(status.st_ctim.tv_sec) + "." + std::to_string(status.st_ctim.tv_nsec) + "\n";
    }
    return times;
  };
  const std::string once = changes();
  REQUIRE(why(target.provision(config)) == "");
  CHECK(target.steps == 0);
  CHECK(changes() == once);
  // Nor would setfiles itself change any of what was made.
  const std::string contexts = target.root + policy + "/file_contexts";
  for (const char* made : {"/home/core", "/etc/systemd", "/opt", "/usr", "/var/log", "/etc/shadow"}) {
    CHECK(must_run("setfiles", {"-n", "-v", "-F", "-r", target.root, contexts, target.root + made}) == "");
  }
}

// --- Archives

namespace {

std::string archive_config(const std::string& more = {}) {
  return R"("provision": {"archives": [{"name": "a", "path": "/opt/a", "contents": {"source": "http://x/a"})" + more +
         "}]}";
}

// A tree as a release has it, with names that need each of the ways to write long ones.
std::string release() {
  const std::string top = new_folder();
  const std::string deep = "tool-1/" + std::string(60, 'd') + "/" + std::string(60, 'e');
  std::filesystem::create_directories(top + "/" + deep);
  std::filesystem::create_directories(top + "/tool-1/empty");
  write_file(top + "/" + deep + "/" + std::string(120, 'f'), "deep");
  write_file(top + "/tool-1/tool", std::string(200'000, 't'));
  write_file(top + "/tool-1/na\xc3\xafve name", "");
  REQUIRE(::chmod((top + "/tool-1/tool").c_str(), 0751) == 0);
  REQUIRE(::chmod((top + "/tool-1/empty").c_str(), 0710) == 0);
  REQUIRE(::link((top + "/tool-1/tool").c_str(), (top + "/tool-1/same").c_str()) == 0);
  REQUIRE(::symlink("tool", (top + "/tool-1/link").c_str()) == 0);
  REQUIRE(::symlink(std::string(130, 'x').c_str(), (top + "/tool-1/far").c_str()) == 0);
  return top;
}

// Kind, mode, links, size and content of all that is below a folder.
std::string content_of(const std::string& folder) {
  std::string text = must_run("find", {folder, "-mindepth", "1", "-printf", "%P %y %m %n %s %l\n"});
  text += must_run("find", {folder, "-type", "f", "-exec", "sha256sum", "{}", "+"});
  for (std::size_t at = text.find(folder); at != std::string::npos; at = text.find(folder)) {
    text.erase(at, folder.size());
  }
  std::vector<std::string> lines;
  for (const auto line : split(text, '\n')) {
    lines.emplace_back(line);
  }
  std::sort(lines.begin(), lines.end());
  return join(lines, "\n");
}

}  // namespace

TEST_CASE("an archive is unpacked as tar itself does, in each of its formats") {
  NEED_PRIVATE_FOLDER();
  NEED_PROGRAM("tar");
  NEED_PROGRAM("find");
  const std::string top = release();
  for (const std::string format : {"ustar", "gnu", "pax"}) {
    for (const std::string packing : {"", "--gzip", "--zstd"}) {
      if (packing == "--zstd" && !have_program("zstd")) {
        continue;
      }
      CAPTURE(format + packing);
      Target target;
      const std::string archive = new_folder() + "/a.tar";
      // ustar has no room for the name that is longer than a hundred characters by itself.
      std::vector<std::string> arguments{"--format=" + format, "-C", top, "-cf", archive, "tool-1"};
      if (!packing.empty()) {
        arguments.insert(arguments.begin(), packing);
      }
      if (format == "ustar") {
        arguments.insert(arguments.begin(), {"--exclude=ffff*", "--exclude=far"});
      }
      must_run("tar", arguments);
      target.fetcher.pages["http://x/a"] = read_bytes(archive, 0, std::filesystem::file_size(archive));
      REQUIRE(why(target.provision(archive_config(R"(, "stripComponents": 1)"))) == "");
      const std::string peer = new_folder();
      must_run("tar", {"-C", peer, "--strip-components=1", "-xf", archive});
      CHECK(content_of(target.root + "/opt/a") == content_of(peer));
      CHECK(tree_of(target.root).find(".provision-") == std::string::npos);
    }
  }
}

TEST_CASE("what is there just so is not touched, what is not is in the way, and then nothing is written") {
  NEED_PRIVATE_FOLDER();
  Target target;
  target.put("/opt/a/other", "other");
  target.fetcher.pages["http://x/a"] = tar_of({{'0', "d/f", "f"}, {'1', "d/h", {}, "d/f"}, {'2', "l", {}, "d/f"}});
  REQUIRE(why(target.provision(archive_config(R"(, "user": {"id": 7})"))) == "");
  CHECK(target.text("/opt/a/d/f") == "f");
  CHECK(target.linux.target.look("/opt/a/d").value()->owner == host::Owner{7, 0});
  CHECK(target.linux.target.look("/opt/a/l").value()->owner == host::Owner{7, 0});
  const std::string before = tree_of(target.root);
  REQUIRE(why(target.provision(archive_config(R"(, "user": {"id": 7})"))) == "");
  std::string after = tree_of(target.root);
  // The result file is of each provisioning.
  const auto without_result = [](const std::string& tree) {
    std::string text;
    for (const auto line : split(tree, '\n')) {
      text += line.find(".ignition-result.json") == std::string_view::npos ? std::string(line) + "\n" : "";
    }
    return text;
  };
  CHECK(without_result(after) == without_result(before));
  target.fetcher.pages["http://x/a"] = tar_of({{'0', "new", "n"}, {'0', "other", "O"}});
  const std::string refused = why(target.provision(archive_config()));
  CHECK(refused.find("/opt/a/other is there and is not as in the archive, and overwrite is not set") !=
        std::string::npos);
  CHECK_FALSE(target.linux.target.look("/opt/a/new").value());
  REQUIRE(why(target.provision(archive_config(R"(, "overwrite": true)"))) == "");
  CHECK(target.text("/opt/a/other") == "O");
  CHECK(target.text("/opt/a/d/f") == "f");
}

TEST_CASE("no link of the target leads an archive elsewhere") {
  NEED_PRIVATE_FOLDER();
  Target target;
  target.put("/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
  target.link("/opt/a/sub", "/etc");
  target.fetcher.pages["http://x/a"] = tar_of({{'0', "sub/passwd", "mine"}});
  CHECK(why(target.provision(archive_config())).find("/opt/a/sub is there and is not as in the archive") !=
        std::string::npos);
  REQUIRE(why(target.provision(archive_config(R"(, "overwrite": true)"))) == "");
  CHECK(target.text("/etc/passwd") == "root:x:0:0::/root:/bin/sh\n");
  CHECK(target.text("/opt/a/sub/passwd") == "mine");
  target.fetcher.pages["http://x/a"] = tar_of({{'0', "f", "f"}, {'0', "sub", "a file"}});
  CHECK(why(target.provision(archive_config(R"(, "overwrite": true)")))
            .find("/opt/a/sub is a directory, and is none in the archive") != std::string::npos);
  CHECK_FALSE(target.linux.target.look("/opt/a/f").value());
  target.fetcher.pages["http://x/a"] = "no archive";
  CHECK(why(target.provision(archive_config())).find("the bytes are no tar archive") != std::string::npos);
}

TEST_SUITE_END();
