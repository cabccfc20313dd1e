// SPDX-License-Identifier: Apache-2.0
// The config: what the user wants. All records of the Ignition spec 3.0 to 3.7-experimental, once: a version is a
// filter over the field tables, which stand beside the checks in this room's .cpp files. All scalars are optional, but
// for the keys: absent is not the same as zero.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fields/engine.hpp"

namespace provision::spec {

using fields::Located;

// --- resources.cpp

// No `value`: in a merge it removes the parent's header of that name.
struct HttpHeader {
  Located place;
  std::string name;
  std::optional<std::string> value;
  bool operator==(const HttpHeader&) const = default;
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
  std::vector<HttpHeader> http_headers;
  Verification verification;
  bool operator==(const Resource&) const = default;
};

// Where a config or a certificate comes from. It is listed by its source, and its fields came later than a
// resource's.
struct Reference : Resource {
  bool operator==(const Reference&) const = default;
};

// --- ignition.cpp

struct ConfigSources {
  Located place;
  std::vector<Reference> merge;
  Reference replace;
  bool operator==(const ConfigSources&) const = default;
};

// In seconds; 0: no limit.
struct Timeouts {
  Located place;
  std::optional<std::int64_t> http_response_headers;
  std::optional<std::int64_t> http_total;
  bool operator==(const Timeouts&) const = default;
};

struct Tls {
  Located place;
  std::vector<Reference> certificate_authorities;
  bool operator==(const Tls&) const = default;
};

struct Security {
  Located place;
  Tls tls;
  bool operator==(const Security&) const = default;
};

struct Proxy {
  Located place;
  std::optional<std::string> http_proxy;
  std::optional<std::string> https_proxy;
  std::vector<std::string> no_proxy;
  bool operator==(const Proxy&) const = default;
};

struct Ignition {
  Located place;
  std::string version;
  ConfigSources config;
  Timeouts timeouts;
  Security security;
  Proxy proxy;
  bool operator==(const Ignition&) const = default;
};

// The two lists share one namespace.
struct KernelArguments {
  Located place;
  std::vector<std::string> should_exist;
  std::vector<std::string> should_not_exist;
  bool operator==(const KernelArguments&) const = default;
};

// --- passwd.cpp

struct User {
  Located place;
  std::string name;
  std::optional<std::string> password_hash;
  std::vector<std::string> ssh_authorized_keys;
  std::optional<std::int64_t> uid;
  std::optional<std::string> gecos;
  std::optional<std::string> home_dir;
  std::optional<bool> no_create_home;
  std::optional<std::string> primary_group;
  std::vector<std::string> groups;
  std::optional<bool> no_user_group;
  std::optional<bool> no_log_init;
  std::optional<std::string> shell;
  std::optional<bool> should_exist;
  std::optional<bool> system;
  bool operator==(const User&) const = default;
};

struct Group {
  Located place;
  std::string name;
  std::optional<std::int64_t> gid;
  std::optional<std::string> password_hash;
  std::optional<bool> should_exist;
  std::optional<bool> system;
  bool operator==(const Group&) const = default;
};

struct Passwd {
  Located place;
  std::vector<User> users;
  std::vector<Group> groups;
  bool operator==(const Passwd&) const = default;
};

// --- storage_disks.cpp

// Absent or 0 `start_mib`: the start of the largest free block; absent or 0 `size_mib`: to the end of the free
// block.
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

struct Raid {
  Located place;
  std::string name;
  std::optional<std::string> level;
  std::vector<std::string> devices;
  std::optional<std::int64_t> spares;
  std::vector<std::string> options;
  bool operator==(const Raid&) const = default;
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

// Directories that the host of a virtual machine shares: `device` is their tag, and nothing is made or wiped.
inline constexpr std::string_view virtiofs = "virtiofs";
inline bool is_virtiofs(const Filesystem& filesystem) { return filesystem.format == virtiofs; }

// --- luks.cpp

struct Tang {
  Located place;
  std::string url;
  std::optional<std::string> thumbprint;
  std::optional<std::string> advertisement;
  bool operator==(const Tang&) const = default;
};

struct ClevisCustom {
  Located place;
  std::optional<std::string> pin;
  std::optional<std::string> config;
  std::optional<bool> needs_network;
  bool operator==(const ClevisCustom&) const = default;
};

struct Clevis {
  Located place;
  std::vector<Tang> tang;
  std::optional<bool> tpm2;
  std::optional<std::int64_t> threshold;
  ClevisCustom custom;
  bool operator==(const Clevis&) const = default;
};

struct Cex {
  Located place;
  std::optional<bool> enabled;
  bool operator==(const Cex&) const = default;
};

// No `key_file`: a random key is made.
struct Luks {
  Located place;
  std::string name;
  std::optional<std::string> device;
  Resource key_file;
  std::optional<std::string> label;
  std::optional<std::string> uuid;
  std::vector<std::string> options;
  std::optional<bool> wipe_volume;
  Clevis clevis;
  std::optional<bool> discard;
  std::vector<std::string> open_options;
  Cex cex;
  bool operator==(const Luks&) const = default;
};

// --- storage_nodes.cpp

struct NodeOwner {
  Located place;
  std::optional<std::int64_t> id;
  std::optional<std::string> name;
  bool operator==(const NodeOwner&) const = default;
};

// What files, directories and links have in common.
struct Node {
  Located place;
  std::string path;
  std::optional<bool> overwrite;
  NodeOwner user;
  NodeOwner group;
  bool operator==(const Node&) const = default;
};

// `mode` is decimal in JSON: 420 is 0644.
struct File : Node {
  Resource contents;
  std::vector<Resource> append;
  std::optional<std::int64_t> mode;
  bool operator==(const File&) const = default;
};

struct Directory : Node {
  std::optional<std::int64_t> mode;
  bool operator==(const Directory&) const = default;
};

struct Link : Node {
  std::optional<std::string> target;
  std::optional<bool> hard;
  bool operator==(const Link&) const = default;
};

// --- storage.cpp

struct Storage {
  Located place;
  std::vector<Disk> disks;
  std::vector<Raid> raid;
  std::vector<Luks> luks;
  std::vector<Filesystem> filesystems;
  std::vector<File> files;
  std::vector<Directory> directories;
  std::vector<Link> links;
  bool operator==(const Storage&) const = default;
};

// --- systemd.cpp

struct Dropin {
  Located place;
  std::string name;
  std::optional<std::string> contents;
  bool operator==(const Dropin&) const = default;
};

// `enabled` and `mask` have three states: yes, no, and left alone.
struct Unit {
  Located place;
  std::string name;
  std::optional<bool> enabled;
  std::optional<bool> mask;
  std::optional<std::string> contents;
  std::vector<Dropin> dropins;
  bool operator==(const Unit&) const = default;
};

struct Systemd {
  Located place;
  std::vector<Unit> units;
  bool operator==(const Systemd&) const = default;
};

// --- extension_images.cpp

// The image of a system or configuration extension (systemd-sysext(8)). Once a config is read there are none: see
// spec/extension_images.hpp.
struct ExtensionImage {
  Located place;
  std::string name;
  // Where the image is kept, if not where systemd looks for it.
  std::optional<std::string> path;
  Resource contents;
  bool operator==(const ExtensionImage&) const = default;
};

// --- parent_directories.cpp

// The owner of the directories that are made on the way from `path`, itself one of them, to what the config puts below
// it. Once a config is read there are none: see spec/parent_directories.hpp.
struct ParentDirectory {
  Located place;
  std::string path;
  NodeOwner user;
  NodeOwner group;
  std::optional<std::int64_t> mode;
  bool operator==(const ParentDirectory&) const = default;
};

// --- archives.cpp

// An archive (tar, tar.gz, tar.zst) and the directory, at `path`, that it is unpacked into.
struct Archive : Node {
  std::string name;
  Resource contents;
  // How many parts of each name in the archive are left out, from its beginning; absent: none.
  std::optional<std::int64_t> strip_components;
  bool operator==(const Archive&) const = default;
};

// --- subvolumes.cpp

// A subvolume of a Btrfs of the config.
struct Subvolume {
  Located place;
  // As the file system's own entry has it.
  std::string device;
  // Its path in the top level of the file system: "home", "@/var".
  std::string name;
  // Where it is mounted while files are written; absent: it is only made.
  std::optional<std::string> path;
  std::vector<std::string> mount_options;
  std::optional<bool> is_default;
  std::optional<bool> no_copy_on_write;
  // By their ids: names are not known when disks are made.
  NodeOwner user;
  NodeOwner group;
  std::optional<std::int64_t> mode;
  bool operator==(const Subvolume&) const = default;
};

// --- selectors.cpp

// Names one whole disk by what is true of it: all that is given must hold.
struct DiskSelector {
  Located place;
  std::string name;
  std::optional<std::string> serial;
  std::optional<std::string> wwn;
  std::optional<std::string> model;
  std::optional<std::string> transport;
  std::optional<std::int64_t> min_size_mib;
  std::optional<std::int64_t> max_size_mib;
  bool operator==(const DiskSelector&) const = default;
};

// --- growth.cpp

// A file system of the config that takes all of its device.
struct GrownFilesystem {
  Located place;
  std::string device;
  bool operator==(const GrownFilesystem&) const = default;
};

// --- volume_groups.cpp

// A logical volume of LVM. No `size_mib`, or 0: all that is left. `type` is a segment type of lvmreport(7).
struct LogicalVolume {
  Located place;
  std::string name;
  std::optional<std::int64_t> size_mib;
  std::optional<std::string> type;
  std::optional<std::int64_t> stripes;
  std::optional<std::int64_t> mirrors;
  // Of a thin volume: the name of its pool, a thin-pool of the same group.
  std::optional<std::string> pool;
  std::vector<std::string> options;
  bool operator==(const LogicalVolume&) const = default;
};

struct VolumeGroup {
  Located place;
  std::string name;
  std::vector<std::string> devices;
  std::optional<bool> wipe_volume_group;
  std::vector<LogicalVolume> logical_volumes;
  bool operator==(const VolumeGroup&) const = default;
};

// --- enrollments.cpp

// The PCRs of the TPM whose values open the volume, and a PIN that has to be given besides.
struct EnrolledTpm2 {
  Located place;
  std::vector<std::int64_t> pcrs;
  Resource pin;
  bool operator==(const EnrolledTpm2&) const = default;
};

// `path`: where it is put in the target.
struct EnrolledRecoveryKey {
  Located place;
  std::optional<std::string> path;
  bool operator==(const EnrolledRecoveryKey&) const = default;
};

// Read so that it can be refused.
struct EnrolledFido2 {
  Located place;
  std::optional<std::string> device;
  bool operator==(const EnrolledFido2&) const = default;
};

// What opens an encrypted volume besides its key, as systemd-cryptenroll(1) has it. `volume` is the name of one of
// storage.luks.
struct Enrollment {
  Located place;
  std::string volume;
  EnrolledTpm2 tpm2;
  EnrolledRecoveryKey recovery_key;
  EnrolledFido2 fido2;
  bool operator==(const Enrollment&) const = default;
};

// --- config.cpp

// What only this engine has: a config that uses it says so in its version ("3.6.0+provision.1").
struct Extensions {
  Located place;
  // What becomes of a first boot that another config, or another machine, has begun and not ended: "resume" or
  // "start-over". Absent: it stops.
  std::optional<std::string> unfinished;
  std::vector<ExtensionImage> system_extensions;
  std::vector<ExtensionImage> configuration_extensions;
  std::vector<DiskSelector> disk_selectors;
  std::vector<ParentDirectory> parent_directories;
  std::vector<GrownFilesystem> grown_filesystems;
  std::vector<Subvolume> subvolumes;
  std::vector<VolumeGroup> volume_groups;
  std::vector<Enrollment> enrollments;
  std::vector<Archive> archives;
  bool operator==(const Extensions&) const = default;
};

struct Config {
  Located place;
  Ignition ignition;
  KernelArguments kernel_arguments;
  Passwd passwd;
  Storage storage;
  Systemd systemd;
  Extensions provision;
  bool operator==(const Config&) const = default;
};

// What tells a record from others in a list: a merge joins those of one key, and one document has each key once.
inline std::string key_of(const HttpHeader& record) { return record.name; }
inline std::string key_of(const User& record) { return record.name; }
inline std::string key_of(const Group& record) { return record.name; }
inline std::string key_of(const Raid& record) { return record.name; }
inline std::string key_of(const Luks& record) { return record.name; }
inline std::string key_of(const Dropin& record) { return record.name; }
inline std::string key_of(const Unit& record) { return record.name; }
inline std::string key_of(const ExtensionImage& record) { return record.name; }
inline std::string key_of(const Disk& record) { return record.device; }
inline std::string key_of(const Filesystem& record) { return record.device; }
inline std::string key_of(const GrownFilesystem& record) { return record.device; }
inline std::string key_of(const DiskSelector& record) { return record.name; }
inline std::string key_of(const ParentDirectory& record) { return record.path; }
inline std::string key_of(const Subvolume& record) { return record.name + " of " + record.device; }
inline std::string key_of(const VolumeGroup& record) { return record.name; }
inline std::string key_of(const LogicalVolume& record) { return record.name; }
inline std::string key_of(const Enrollment& record) { return record.volume; }
inline std::string key_of(const Archive& record) { return record.name; }
inline std::string key_of(const Tang& record) { return record.url; }
inline std::string key_of(const Node& record) { return record.path; }
inline std::string key_of(const Reference& record) { return record.source.value_or(""); }
inline bool key_is_secret(const Reference& /*record*/) { return true; }
// "number:1" or "label:root".
std::string key_of(const Partition& partition);

bool deletes(const HttpHeader& child);
void displace(Storage& parent, const Storage& child);
void displace(KernelArguments& parent, const KernelArguments& child);
void merge_notes(const Resource& parent, const Resource& child, fields::Checker& checker);
void merge_notes(const Filesystem& parent, const Filesystem& child, fields::Checker& checker);

}  // namespace provision::spec

PROVISION_DECLARE_RECORD(provision::spec::HttpHeader);
PROVISION_DECLARE_RECORD(provision::spec::Verification);
PROVISION_DECLARE_RECORD(provision::spec::Resource);
PROVISION_DECLARE_RECORD(provision::spec::Reference);
PROVISION_DECLARE_RECORD(provision::spec::ConfigSources);
PROVISION_DECLARE_RECORD(provision::spec::Timeouts);
PROVISION_DECLARE_RECORD(provision::spec::Tls);
PROVISION_DECLARE_RECORD(provision::spec::Security);
PROVISION_DECLARE_RECORD(provision::spec::Proxy);
PROVISION_DECLARE_RECORD(provision::spec::Ignition);
PROVISION_DECLARE_RECORD(provision::spec::KernelArguments);
PROVISION_DECLARE_RECORD(provision::spec::User);
PROVISION_DECLARE_RECORD(provision::spec::Group);
PROVISION_DECLARE_RECORD(provision::spec::Passwd);
PROVISION_DECLARE_RECORD(provision::spec::Partition);
PROVISION_DECLARE_RECORD(provision::spec::Disk);
PROVISION_DECLARE_RECORD(provision::spec::Raid);
PROVISION_DECLARE_RECORD(provision::spec::Filesystem);
PROVISION_DECLARE_RECORD(provision::spec::Tang);
PROVISION_DECLARE_RECORD(provision::spec::ClevisCustom);
PROVISION_DECLARE_RECORD(provision::spec::Clevis);
PROVISION_DECLARE_RECORD(provision::spec::Cex);
PROVISION_DECLARE_RECORD(provision::spec::Luks);
PROVISION_DECLARE_RECORD(provision::spec::NodeOwner);
PROVISION_DECLARE_RECORD(provision::spec::File);
PROVISION_DECLARE_RECORD(provision::spec::Directory);
PROVISION_DECLARE_RECORD(provision::spec::Link);
PROVISION_DECLARE_RECORD(provision::spec::Storage);
PROVISION_DECLARE_RECORD(provision::spec::Dropin);
PROVISION_DECLARE_RECORD(provision::spec::Unit);
PROVISION_DECLARE_RECORD(provision::spec::Systemd);
PROVISION_DECLARE_RECORD(provision::spec::ExtensionImage);
PROVISION_DECLARE_RECORD(provision::spec::ParentDirectory);
PROVISION_DECLARE_RECORD(provision::spec::Subvolume);
PROVISION_DECLARE_RECORD(provision::spec::DiskSelector);
PROVISION_DECLARE_RECORD(provision::spec::GrownFilesystem);
PROVISION_DECLARE_RECORD(provision::spec::LogicalVolume);
PROVISION_DECLARE_RECORD(provision::spec::VolumeGroup);
PROVISION_DECLARE_RECORD(provision::spec::EnrolledTpm2);
PROVISION_DECLARE_RECORD(provision::spec::EnrolledRecoveryKey);
PROVISION_DECLARE_RECORD(provision::spec::EnrolledFido2);
PROVISION_DECLARE_RECORD(provision::spec::Enrollment);
PROVISION_DECLARE_RECORD(provision::spec::Archive);
PROVISION_DECLARE_RECORD(provision::spec::Extensions);
PROVISION_DECLARE_RECORD(provision::spec::Config);
