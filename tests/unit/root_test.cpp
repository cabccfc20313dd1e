// The file systems whose files must be kept, as the kernel command line names them; and work side by side.
#include "stages/root.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "host/parallel.hpp"

using namespace provision;

namespace {

class CommandLine final : public host::Firmware {
 public:
  explicit CommandLine(std::string line) : line_(std::move(line)) {}
  Result<std::string> command_line() override { return line_; }
  Result<std::string> boot_id() override { return std::string(); }
  Result<host::Machine> machine() override { return host::Machine{}; }
  Result<std::string> confidential() override { return std::string(); }
  Result<std::optional<std::string>> fw_cfg(std::string_view /*name*/) override { return std::optional<std::string>{}; }
  Result<bool> measure(std::string_view /*event*/) override { return false; }

 private:
  std::string line_;
};

std::string kept(const std::string& line) {
  CommandLine firmware(line);
  auto name = stages::root_to_keep(firmware);
  return name ? *name : "error " + name.error().what;
}

std::string others(const std::string& line) {
  CommandLine firmware(line);
  auto names = stages::others_to_keep(firmware);
  return names ? join(*names, " ") : "error " + names.error().what;
}

}  // namespace

TEST_CASE("root: what is to be kept goes by root=, and only where the image asks for it") {
  CHECK(kept("root=LABEL=ROOT rw").empty());
  CHECK(kept("root=LABEL=ROOT provision.root=keep") == "LABEL=ROOT");
  CHECK(kept("provision.root=keep root=/dev/disk/by-label/ROOT") == "LABEL=ROOT");
  CHECK(kept("provision.root=keep root=/dev/disk/by-partlabel/root-a") == "PARTLABEL=root-a");
  CHECK(kept("provision.root=keep root=block:UUID=ab-cd") == "UUID=ab-cd");
  CHECK(kept("provision.root=keep root=/dev/vda3") == "/dev/vda3");
  CHECK(kept("root=LABEL=old provision.root=keep root=LABEL=new") == "LABEL=new");
}

TEST_CASE("root: what makes no sense on the kernel command line is refused") {
  CHECK(kept("root=LABEL=ROOT provision.root=yes").find("error provision.root=yes ") == 0);
  for (const std::string root : {"", "root=gpt-auto", "root=LABEL=", "root=nfs:server", "root=3"}) {
    CAPTURE(root);
    CHECK(kept("provision.root=keep " + root).find("needs the root file system's name") != std::string::npos);
  }
}

TEST_CASE("root: others are kept by their names, and those of what is to get their files") {
  CHECK(others("root=LABEL=ROOT provision.root=keep").empty());
  CHECK(others("provision.keep=LABEL=boot") == "LABEL=boot");
  CHECK(others("provision.keep=esp,LABEL=boot") == "esp LABEL=boot");
  CHECK(others("provision.keep=LABEL=EFI-SYSTEM:esp:PARTLABEL=b") == "LABEL=EFI-SYSTEM:esp:PARTLABEL=b");
  CHECK(others("provision.keep=/dev/disk/by-label/boot:/dev/disk/by-uuid/ab-cd") == "LABEL=boot:UUID=ab-cd");
  CHECK(others("provision.keep=/dev/disk/by-path/pci-0000:00:1f.2:LABEL=b") ==
        "/dev/disk/by-path/pci-0000:00:1f.2:LABEL=b");
  CHECK(others("provision.keep=/dev/vda1:esp") == "/dev/vda1:esp");
}

TEST_CASE("root: what names no file system that could be kept is refused, and not taken for a part of a name") {
  for (const std::string entry : {"boot", "LABEL=", "LABEL=a,", "esp,LABLE=boot", "LABEL=a:", "LABEL=a:b", "esp:ESP",
                                  "LABEL=a,,esp", "PARTTYPE=x"}) {
    CAPTURE(entry);
    CHECK(others("provision.keep=" + entry).find("error provision.keep= on the kernel command line has ") == 0);
  }
}

TEST_CASE("parallel: each index once, by as many as there are workers") {
  for (const unsigned workers : {0U, 1U, 3U, 64U}) {
    CAPTURE(workers);
    std::vector<std::atomic<int>> done(17);
    host::for_each_index(done.size(), workers, [&](std::size_t index) { ++done[index]; });
    for (const auto& times : done) {
      CHECK(times == 1);
    }
  }
  std::vector<std::size_t> order;
  host::for_each_index(4, 1, [&](std::size_t index) { order.push_back(index); });
  CHECK(order == std::vector<std::size_t>{0, 1, 2, 3});
  host::for_each_index(0, 4, [&](std::size_t /*index*/) { order.clear(); });
  CHECK(order.size() == 4);
}
