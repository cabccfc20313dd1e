// SPDX-License-Identifier: Apache-2.0
// The config: what the user wants. Records of the Ignition spec 3.x; the field tables stand in storage.cpp, systemd.cpp
// and config.cpp. All scalars are optional: absent is not the same as zero.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fields/engine.hpp"

namespace provision::spec {

using fields::Located;
using fields::NotYet;

// Spec 3.0 "storage.disks.partitions". Absent or 0 `start_mib`: the start of the largest free block; absent or 0
// `size_mib`: to the end of the free block.
struct Partition {
  Located place;
  std::int64_t number = 0;
  std::optional<std::string> label;
  std::optional<std::int64_t> start_mib;
  std::optional<std::int64_t> size_mib;
  std::optional<std::string> type_guid;
  std::optional<std::string> guid;
  std::optional<bool> wipe_partition_entry;
  std::optional<bool> should_exist;
  std::optional<bool> resize;
  bool operator==(const Partition&) const = default;
};

struct Disk {
  Located place;
  std::string device;
  std::optional<bool> wipe_table;
  std::vector<Partition> partitions;
  bool operator==(const Disk&) const = default;
};

// No `format`: the entry does nothing. `format` "none" leaves the device blank.
struct Filesystem {
  Located place;
  std::string device;
  std::optional<std::string> format;
  std::optional<std::string> path;
  std::optional<std::string> label;
  std::optional<std::string> uuid;
  std::optional<bool> wipe_filesystem;
  std::vector<std::string> options;
  std::vector<std::string> mount_options;
  bool operator==(const Filesystem&) const = default;
};

struct Verification {
  Located place;
  std::optional<std::string> hash;
  bool operator==(const Verification&) const = default;
};

// Where bytes come from. No `source`: nothing is said; an empty one is empty content.
struct Resource {
  Located place;
  std::optional<std::string> source;
  std::optional<std::string> compression;
  NotYet http_headers;
  Verification verification;
  bool operator==(const Resource&) const = default;
};

struct NodeOwner {
  Located place;
  std::optional<std::int64_t> id;
  std::optional<std::string> name;
  bool operator==(const NodeOwner&) const = default;
};

// `mode` is decimal in JSON: 420 is 0644.
struct File {
  Located place;
  std::string path;
  std::optional<bool> overwrite;
  NodeOwner user;
  NodeOwner group;
  Resource contents;
  NotYet append;
  std::optional<std::int64_t> mode;
  bool operator==(const File&) const = default;
};

struct Storage {
  Located place;
  std::vector<Disk> disks;
  NotYet raid;
  NotYet luks;
  std::vector<Filesystem> filesystems;
  std::vector<File> files;
  NotYet directories;
  NotYet links;
  bool operator==(const Storage&) const = default;
};

// `enabled` and `mask` have three states: yes, no, and left alone.
struct Unit {
  Located place;
  std::string name;
  std::optional<bool> enabled;
  std::optional<bool> mask;
  std::optional<std::string> contents;
  NotYet dropins;
  bool operator==(const Unit&) const = default;
};

struct Systemd {
  Located place;
  std::vector<Unit> units;
  bool operator==(const Systemd&) const = default;
};

struct Ignition {
  Located place;
  std::string version;
  NotYet config;
  NotYet timeouts;
  NotYet security;
  NotYet proxy;
  bool operator==(const Ignition&) const = default;
};

struct Config {
  Located place;
  Ignition ignition;
  NotYet kernel_arguments;
  NotYet passwd;
  Storage storage;
  Systemd systemd;
  bool operator==(const Config&) const = default;
};

}  // namespace provision::spec

PROVISION_DECLARE_RECORD(provision::spec::Partition);
PROVISION_DECLARE_RECORD(provision::spec::Disk);
PROVISION_DECLARE_RECORD(provision::spec::Filesystem);
PROVISION_DECLARE_RECORD(provision::spec::Verification);
PROVISION_DECLARE_RECORD(provision::spec::Resource);
PROVISION_DECLARE_RECORD(provision::spec::NodeOwner);
PROVISION_DECLARE_RECORD(provision::spec::File);
PROVISION_DECLARE_RECORD(provision::spec::Storage);
PROVISION_DECLARE_RECORD(provision::spec::Unit);
PROVISION_DECLARE_RECORD(provision::spec::Systemd);
PROVISION_DECLARE_RECORD(provision::spec::Ignition);
PROVISION_DECLARE_RECORD(provision::spec::Config);
