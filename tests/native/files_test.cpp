// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>

#include "host/linux/descriptor.hpp"
#include "host/linux/files.hpp"
#include "support/skip.hpp"
#include "surroundings.hpp"

using namespace provision;
using namespace provision::test;
using host::NodeKind;

namespace {

std::size_t entries(const std::string& folder) {
  const std::filesystem::directory_iterator all(folder);
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::string text(host::LinuxFiles& files, std::string_view path) {
  const auto content = files.read(path, 1 << 20);
  return content ? *content : "error: " + to_string(content.error());
}

}  // namespace

TEST_SUITE_BEGIN("native files");

TEST_CASE(
    "what is mounted is copied by its own top, where that is allowed, and a directory takes another's attributes") {
  NEED_PRIVATE_FOLDER();
  const std::string root = new_folder();
  std::filesystem::create_directories(root + "/old");
  std::filesystem::create_directories(root + "/kept");
  REQUIRE(::mount("old", (root + "/old").c_str(), "tmpfs", 0, "size=4m,mode=0710") == 0);
  REQUIRE(::chown((root + "/old").c_str(), 3, 4) == 0);
  REQUIRE(::setxattr((root + "/old").c_str(), "trusted.note", "kept", 4, 0) == 0);
  host::LinuxFiles files(root);
  REQUIRE(why(files.replace("/old/tool", "tool", 04755, {0, 7})) == "");
  REQUIRE(why(files.make_link("/old/same", {"/old/tool", true, {}, host::Over::file})) == "");
  const auto refused = files.copy_tree("/old", "/kept/copy", host::TreeTop::plain);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::conflict);
  CHECK(entries(root + "/kept") == 0);
  REQUIRE(why(files.copy_tree("/old", "/kept/copy", host::TreeTop::may_be_mounted)) == "");
  CHECK(files.look("/kept/copy").value()->mode == 0710);
  CHECK(*files.look("/kept/copy/tool").value() == host::Node{NodeKind::regular, 04755, {0, 7}, 4, ""});
  CHECK(files.is_same("/kept/copy/tool", "/kept/copy/same").value());
  REQUIRE(why(files.make_directory("/kept/new", 0700, {0, 0})) == "");
  REQUIRE(why(files.copy_attributes("/kept/copy", "/kept/new")) == "");
  CHECK(files.look("/kept/new").value()->mode == 0710);
  CHECK(files.look("/kept/new").value()->owner == host::Owner{3, 4});
  std::string note(4, ' ');
  CHECK(::getxattr((root + "/kept/new").c_str(), "trusted.note", note.data(), note.size()) == 4);
  CHECK(note == "kept");
  // Something that is mounted further in is nobody's to copy.
  std::filesystem::create_directories(root + "/old/inner");
  REQUIRE(::mount("inner", (root + "/old/inner").c_str(), "tmpfs", 0, "size=1m") == 0);
  const auto inner = files.copy_tree("/old", "/kept/other", host::TreeTop::may_be_mounted);
  REQUIRE_FALSE(inner);
  CHECK(inner.error().code == Code::conflict);
  CHECK_FALSE(files.look("/kept/other").value());
  REQUIRE(::umount((root + "/old/inner").c_str()) == 0);
  REQUIRE(::umount((root + "/old").c_str()) == 0);
}

TEST_CASE("a file is put with content, owner and mode, and seen so") {
  NEED_PRIVATE_FOLDER();
  const std::string root = new_folder();
  host::LinuxFiles files(root);
  REQUIRE(why(files.make_directory("/etc", 0750, {5, 6})) == "");
  CHECK(*files.look("/etc").value() == host::Node{NodeKind::directory, 0750, {5, 6}, 0, ""});
  REQUIRE(why(files.replace("/etc/tool", "#!/bin/sh\n", 06755, {1000, 1001})) == "");
  CHECK(*files.look("/etc/tool").value() == host::Node{NodeKind::regular, 06755, {1000, 1001}, 10, ""});
  CHECK(text(files, "/etc/tool") == "#!/bin/sh\n");
  CHECK(files.digest("/etc/tool", HashFunction::sha512).value() == digest_of(HashFunction::sha512, "#!/bin/sh\n"));
  REQUIRE(why(files.replace("/etc/tool", "", 0600, {0, 0})) == "");
  CHECK(*files.look("/etc/tool").value() == host::Node{NodeKind::regular, 0600, {0, 0}, 0, ""});
  REQUIRE(why(files.make_directory("/etc", 0711, {0, 0})) == "");
  CHECK(files.look("/etc").value()->mode == 0711);
  REQUIRE(why(files.make_link("/etc/link", {"../tool", false, {}, host::Over::file})) == "");
  CHECK(files.look("/etc/link").value()->target == "../tool");
  REQUIRE(why(files.make_link("/etc/tool", {std::string(3000, 'x'), false, {}, host::Over::file})) == "");
  CHECK(files.look("/etc/tool").value()->target.size() == 3000);
  CHECK(entries(root + "/etc") == 2);
  REQUIRE(why(files.remove("/etc/tool")) == "");
  REQUIRE(why(files.remove("/etc/tool")) == "");
  REQUIRE(why(files.remove("/no/such/thing")) == "");
  CHECK(!files.look("/etc/tool").value());
  REQUIRE(why(files.sync("/etc/link")) == "");
  REQUIRE(why(files.sync("/")) == "");
  CHECK(files.look("/").value()->kind == NodeKind::directory);
}

TEST_CASE("no link leads out of the root") {
  NEED_PRIVATE_FOLDER();
  const std::string outside = new_folder();
  const std::string root = new_folder();
  host::LinuxFiles files(root);
  REQUIRE(why(files.make_directory("/inside", 0755, {0, 0})) == "");
  // Absolute, upwards, and over two levels, each step of which is harmless by itself.
  REQUIRE(::symlink(outside.c_str(), (root + "/absolute").c_str()) == 0);
  REQUIRE(::symlink(("../../../.." + outside).c_str(), (root + "/upwards").c_str()) == 0);
  REQUIRE(::symlink("/second", (root + "/first").c_str()) == 0);
  REQUIRE(::symlink("/inside/../../../inside", (root + "/second").c_str()) == 0);
  REQUIRE(::symlink("/proc/self/root", (root + "/magic").c_str()) == 0);
  for (const char* path : {"/absolute/f", "/upwards/f", "/magic/f", "/magic/tmp/f"}) {
    CAPTURE(path);
    CHECK(!files.replace(path, "x", 0644, {0, 0}));
    CHECK(!files.look(path).value());
  }
  CHECK(entries(outside) == 0);
  // The same names do lead somewhere once they exist inside.
  REQUIRE(why(files.replace("/first/f", "two levels", 0644, {0, 0})) == "");
  CHECK(text(files, "/inside/f") == "two levels");
  std::filesystem::create_directories(root + outside);
  REQUIRE(why(files.replace("/absolute/f", "stays", 0644, {0, 0})) == "");
  REQUIRE(why(files.make_directory("/upwards/d", 0755, {0, 0})) == "");
  CHECK(entries(outside) == 0);
  CHECK(entries(root + outside) == 2);
}

TEST_CASE("the last component is never followed") {
  NEED_PRIVATE_FOLDER();
  const std::string root = new_folder();
  host::LinuxFiles files(root);
  REQUIRE(why(files.replace("/victim", "old", 0644, {0, 0})) == "");
  REQUIRE(why(files.make_link("/link", {"victim", false, {}, host::Over::file})) == "");
  CHECK(!files.read("/link", 100));
  CHECK(!files.digest("/link", HashFunction::sha256));
  CHECK(!files.append("/link", "x"));
  CHECK(!files.make_directory("/link", 0700, {0, 0}));
  REQUIRE(why(files.replace("/link", "new", 0644, {0, 0})) == "");
  CHECK(files.look("/link").value()->kind == NodeKind::regular);
  CHECK(text(files, "/victim") == "old");
}

TEST_CASE("a loop of links on the way is an error, a file on the way is nothing") {
  NEED_PRIVATE_FOLDER();
  const std::string root = new_folder();
  host::LinuxFiles files(root);
  REQUIRE(why(files.make_link("/a", {"b", false, {}, host::Over::file})) == "");
  REQUIRE(why(files.make_link("/b", {"a", false, {}, host::Over::file})) == "");
  const auto loop = files.look("/a/x");
  REQUIRE(!loop);
  CHECK(loop.error().system_error == ELOOP);
  REQUIRE(why(files.replace("/file", "", 0644, {0, 0})) == "");
  CHECK(!files.look("/file/x").value());
  CHECK(!files.look("/none/x").value());
  CHECK(files.look("relative").error().code == Code::internal);
  CHECK(files.look("/not/../clean").error().code == Code::internal);
}

TEST_CASE("a directory in the way is a conflict and stays") {
  NEED_PRIVATE_FOLDER();
  const std::string root = new_folder();
  host::LinuxFiles files(root);
  REQUIRE(why(files.make_directory("/d", 0755, {0, 0})) == "");
  CHECK(files.replace("/d", "x", 0644, {0, 0}).error().code == Code::conflict);
  CHECK(files.make_link("/d", {"x", false, {}, host::Over::file}).error().code == Code::conflict);
  CHECK(files.remove("/d").error().code == Code::conflict);
  CHECK(files.append("/d", "x").error().code == Code::conflict);
  REQUIRE(why(files.replace("/f", "x", 0644, {0, 0})) == "");
  CHECK(files.make_directory("/f", 0755, {0, 0}).error().code == Code::conflict);
  CHECK(entries(root) == 2);
}

TEST_CASE("when the disk is full the old file stays and nothing is left behind") {
  NEED_PRIVATE_FOLDER();
  const std::string root = new_folder();
  REQUIRE(::mount("tmpfs", root.c_str(), "tmpfs", 0, "size=128k") == 0);
  host::LinuxFiles files(root);
  REQUIRE(why(files.replace("/f", "old", 0640, {1, 2})) == "");
  // What an earlier run left when the power went.
  write_file(root + "/.provision-0123456789abcdef", "torn");
  const auto full = files.replace("/f", std::string(1 << 20, 'x'), 0644, {0, 0});
  REQUIRE(!full);
  CHECK(full.error().system_error == ENOSPC);
  CHECK(text(files, "/f") == "old");
  CHECK(*files.look("/f").value() == host::Node{NodeKind::regular, 0640, {1, 2}, 3, ""});
  CHECK(entries(root) == 2);
  REQUIRE(why(files.append("/log", "one\n")) == "");
  const auto torn = files.append("/log", std::string(1 << 20, 'y'));
  REQUIRE(!torn);
  CHECK(torn.error().system_error == ENOSPC);
  CHECK(text(files, "/log") == "one\n");
  REQUIRE(why(files.append("/log", "two\n")) == "");
  CHECK(text(files, "/log") == "one\ntwo\n");
  CHECK(files.look("/log").value()->mode == 0600);
  REQUIRE(::umount(root.c_str()) == 0);
}

TEST_CASE("a pipe or a device is neither read nor appended to, and nothing waits") {
  NEED_PRIVATE_FOLDER();
  const std::string root = new_folder();
  host::LinuxFiles files(root);
  REQUIRE(::mkfifo((root + "/fifo").c_str(), 0600) == 0);
  CHECK(files.look("/fifo").value()->kind == NodeKind::other);
  CHECK(!files.read("/fifo", 100));
  CHECK(!files.digest("/fifo", HashFunction::sha256));
  CHECK(!files.append("/fifo", "x"));
  CHECK(!host::LinuxFiles("/").read("/dev/zero", 100));
  REQUIRE(why(files.replace("/fifo", "x", 0600, {0, 0})) == "");
  CHECK(text(files, "/fifo") == "x");
}

TEST_CASE("reading stops at the limit, and takes files of the kernel") {
  NEED_PRIVATE_FOLDER();
  const std::string root = new_folder();
  host::LinuxFiles files(root);
  REQUIRE(why(files.replace("/f", std::string(200000, 'z'), 0600, {0, 0})) == "");
  CHECK(files.read("/f", 200000)->size() == 200000);
  CHECK(!files.read("/f", 199999));
  CHECK(!host::LinuxFiles("/").read("/proc/self/status", 1 << 16)->empty());
}

TEST_CASE("a large file is not read again to know what was written, until somebody touches it") {
  NEED_PRIVATE_FOLDER();
  const std::string root = new_folder();
  host::LinuxFiles files(root);
  const Digest told = Digest::sha256("told");
  const auto put = [&](const std::string& path, std::size_t size) {
    const auto file = files.begin(path, host::Parent::exists).value();
    REQUIRE(why(file->write(std::string(size, 'z'))) == "");
    REQUIRE(why(file->commit({0644, {}, host::Over::file, false, told})) == "");
  };
  const auto known = [&](const std::string& path) { return files.digest(path, HashFunction::sha256).value() == told; };
  put("/small", 1000);
  CHECK(!known("/small"));
  put("/large", std::size_t{16} << 20U);
  CHECK(known("/large"));
  CHECK(files.digest("/large", HashFunction::sha512).value() != told);
  CHECK(!(host::LinuxFiles(root).digest("/large", HashFunction::sha256).value() == told));
  REQUIRE(why(files.append("/large", "x")) == "");
  CHECK(!known("/large"));
  put("/large", std::size_t{16} << 20U);
  CHECK(known("/large"));
  // In place, with the same size.
  const host::Descriptor open(::open((root + "/large").c_str(), O_WRONLY | O_CLOEXEC));
  REQUIRE(::pwrite(open.get(), "y", 1, 0) == 1);
  CHECK(!known("/large"));
  const auto another = files.begin("/large", host::Parent::exists).value();
  REQUIRE(why(another->write(std::string(std::size_t{16} << 20U, 'y'))) == "");
  REQUIRE(why(another->commit({})) == "");
  CHECK(!known("/large"));
}

TEST_CASE("the mode is exact under any umask") {
  NEED_PRIVATE_FOLDER();
  const std::string root = new_folder();
  host::LinuxFiles files(root);
  for (const mode_t mask : {mode_t{0}, mode_t{077}}) {
    const mode_t before = ::umask(mask);
    REQUIRE(why(files.replace("/f", "x", 0666, {0, 0})) == "");
    CHECK(files.look("/f").value()->mode == 0666);
    REQUIRE(why(files.make_directory("/d", 01777, {0, 0})) == "");
    CHECK(files.look("/d").value()->mode == 01777);
    ::umask(before);
  }
}

TEST_CASE("the state folder is made at the first change only, and its parent never") {
  NEED_PRIVATE_FOLDER();
  const std::string folder = new_folder();
  host::LinuxFiles state(folder + "/state", host::MissingRoot::make);
  CHECK(!state.look("/journal").value());
  REQUIRE(why(state.remove("/journal")) == "");
  CHECK(entries(folder) == 0);
  REQUIRE(why(state.append("/journal", "first\n")) == "");
  REQUIRE(why(state.sync("/journal")) == "");
  CHECK(host::LinuxFiles(folder).look("/state").value()->mode == 0700);
  CHECK(!host::LinuxFiles(folder + "/none").replace("/f", "x", 0600, {0, 0}));
  CHECK(!host::LinuxFiles(folder + "/none/state", host::MissingRoot::make).append("/f", "x"));
  CHECK(entries(folder) == 1);
}

TEST_CASE("which file system holds a path: links are followed inside the root, and what is missing counts as above") {
  NEED_PRIVATE_FOLDER();
  const std::string root = new_folder();
  host::LinuxFiles files(root);
  std::filesystem::create_directories(root + "/var");
  REQUIRE(::mount("none", (root + "/var").c_str(), "tmpfs", 0, "size=64k") == 0);
  std::filesystem::create_directories(root + "/var/home/x");
  write_file(root + "/var/home/file", "x");
  REQUIRE(::symlink("var/home", (root + "/home").c_str()) == 0);
  REQUIRE(::symlink("/home", (root + "/twice").c_str()) == 0);
  REQUIRE(::symlink("not/there", (root + "/dangling").c_str()) == 0);
  REQUIRE(::symlink("circle", (root + "/circle").c_str()) == 0);
  const auto of = [&](const char* path) { return files.file_system_of(path).value(); };
  const std::uint64_t above = of("/");
  const std::uint64_t var = of("/var");
  CHECK(above != var);
  for (const char* path : {"/home", "/twice", "/home/x", "/twice/x/not/there", "/home/file", "/home/file/below"}) {
    CAPTURE(path);
    CHECK(of(path) == var);
    CHECK(why(files.sync(path)) == "");
  }
  for (const char* path : {"/dangling", "/dangling/x", "/circle", "/circle/x", "/none", "/none/at/all"}) {
    CAPTURE(path);
    CHECK(of(path) == above);
    CHECK(why(files.sync(path)) == "");
  }
  REQUIRE(::umount((root + "/var").c_str()) == 0);
  CHECK_FALSE(host::LinuxFiles(root + "/none").file_system_of("/"));
}

TEST_SUITE_END();
