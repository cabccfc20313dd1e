// SPDX-License-Identifier: Apache-2.0
#include "plan/operation.hpp"

#include <algorithm>
#include <array>

#include "fields/engine_impl.hpp"

namespace provision::plan {
namespace {

// In the order of the variant's alternatives.
constexpr std::array<std::string_view, std::variant_size_v<Operation>> kinds{"write-table",
                                                                             "make-filesystem",
                                                                             "mount",
                                                                             "put-file",
                                                                             "put-unit",
                                                                             "put-directory",
                                                                             "put-link",
                                                                             "remove-link",
                                                                             "put-result",
                                                                             "relabel",
                                                                             "write-accounts",
                                                                             "make-home",
                                                                             "make-array",
                                                                             "make-volume",
                                                                             "put-volume-key",
                                                                             "bind-volume",
                                                                             "save-root",
                                                                             "restore-root",
                                                                             "grow-filesystem",
                                                                             "make-subvolume",
                                                                             "make-volume-group",
                                                                             "make-logical-volume",
                                                                             "enroll-volume",
                                                                             "unpack-archive",
                                                                             "save-loader",
                                                                             "put-loader"};

}  // namespace

Result<Observation> observe(host::Host& host, const Operation& operation) {
  return std::visit([&](const auto& it) { return observe(host, it); }, operation);
}

Result<void> apply(Work& work, const Operation& operation) {
  return std::visit([&](const auto& it) { return apply(work, it); }, operation);
}

void predict(model::Inventory& inventory, const Operation& operation) {
  std::visit([&](const auto& it) { predict(inventory, it); }, operation);
}

std::string describe(const Operation& operation) {
  return std::visit([](const auto& it) { return describe(it); }, operation);
}

Traits traits(const Operation& operation) {
  return std::visit([](const auto& it) { return traits(it); }, operation);
}

bool fetches(const PutFile& operation) {
  return operation.contents.remote ||
         std::any_of(operation.append.begin(), operation.append.end(), [](const Contents& c) { return c.remote; });
}

Operation noted(Operation operation, const Digest& digest) {
  if (auto* file = std::get_if<PutFile>(&operation); file != nullptr && file->whole.empty()) {
    file->whole = digest;
  } else if (auto* result = std::get_if<PutResult>(&operation); result != nullptr) {
    result->whole = digest;
  }
  return operation;
}

std::string_view kind_of(const Operation& operation) { return kinds.at(operation.index()); }

}  // namespace provision::plan

namespace provision::fields {

using namespace plan;

template <>
struct Table<Contents> {
  static constexpr auto rows = std::tuple{
      field("from", &Contents::from, "The config path of the bytes."),
      field("text", &Contents::text, "Text made by the planner."),
      field("size", &Contents::size, "How many.", {.unit = "bytes"}),
      field("digest", &Contents::digest, "Their digest, where it is known."),
      field("remote", &Contents::remote, "Whether they are fetched."),
  };
};

template <>
struct Table<WriteTable> {
  static constexpr auto rows = std::tuple{
      field("disk", &WriteTable::disk, "The disk.", {.required = true}),
      field("sectorSize", &WriteTable::sector_size, "Its logical sector size.", {.unit = "bytes"}),
      field("table", &WriteTable::table, "The table it shall have.", {.required = true}),
  };
};

template <>
struct Table<MakeFilesystem> {
  static constexpr auto rows = std::tuple{
      field("device", &MakeFilesystem::device, "The device.", {.required = true}),
      field("format", &MakeFilesystem::format, "The kind of file system.", {.required = true}),
      field("label", &MakeFilesystem::label, "Its label."),
      field("uuid", &MakeFilesystem::id, "Its UUID, or serial."),
      field("options", &MakeFilesystem::options, "Further arguments of the mkfs program."),
  };
};

template <>
struct Table<Mount> {
  static constexpr auto rows = std::tuple{
      field("device", &Mount::device, "The device.", {.required = true}),
      field("path", &Mount::path, "Where, inside the target.", {.required = true}),
      field("format", &Mount::format, "The kind of file system."),
      field("options", &Mount::options, "Mount options."),
      field("subvolume", &Mount::subvolume, "Of a Btrfs: which subvolume; empty: the default one."),
  };
};

template <>
struct Table<MakeSubvolume> {
  static constexpr auto rows = std::tuple{
      field("device", &MakeSubvolume::device, "The device of the file system.", {.required = true}),
      field("name", &MakeSubvolume::name, "Its path in the top level.", {.required = true}),
      field("mode", &MakeSubvolume::mode, "The permission bits, decimal."),
      field("uid", &MakeSubvolume::uid, "The owner."),
      field("gid", &MakeSubvolume::gid, "The group."),
      field("noCopyOnWrite", &MakeSubvolume::no_copy_on_write, "Whether files in it are written in place."),
      field("default", &MakeSubvolume::is_default, "Whether it becomes the default one."),
      field("there", &MakeSubvolume::there, "Whether it is there already."),
  };
};

template <>
struct Table<PutFile> {
  static constexpr auto rows = std::tuple{
      field("path", &PutFile::path, "The path inside the target.", {.required = true}),
      field("contents", &PutFile::contents, "What it begins with."),
      field("append", &PutFile::append, "What follows."),
      field("keeps", &PutFile::keeps, "The digest of the content that stays as the beginning."),
      field("whole", &PutFile::whole, "The digest of the whole, where it is known."),
      field("mode", &PutFile::mode, "The permission bits, decimal."),
      field("uid", &PutFile::uid, "The owner."),
      field("gid", &PutFile::gid, "The group."),
      field("overTree", &PutFile::over_tree, "Whether a directory may be in its place."),
      field("privateBelow", &PutFile::private_below, "Missing directories from this one on become the owner's."),
  };
};

template <>
struct Table<UnpackArchive> {
  static constexpr auto rows = std::tuple{
      field("name", &UnpackArchive::name, "The archive's name.", {.required = true}),
      field("path", &UnpackArchive::path, "The directory inside the target.", {.required = true}),
      field("contents", &UnpackArchive::contents, "The archive."),
      field("strip", &UnpackArchive::strip, "How many parts of each name in it are left out."),
      field("uid", &UnpackArchive::uid, "The owner."),
      field("gid", &UnpackArchive::gid, "The group."),
      field("overwrite", &UnpackArchive::overwrite, "Whether files and links that are there may be replaced."),
  };
};

template <>
struct Table<PutUnit> {
  static constexpr auto rows = std::tuple{
      field("name", &PutUnit::name, "The unit's name.", {.required = true}),
      field("dropin", &PutUnit::dropin, "The drop-in's name; empty: the unit itself."),
      field("contents", &PutUnit::contents, "What it holds."),
      field("masked", &PutUnit::masked, "Whether it is a link to /dev/null instead."),
  };
};

template <>
struct Table<PutDirectory> {
  static constexpr auto rows = std::tuple{
      field("path", &PutDirectory::path, "The path inside the target.", {.required = true}),
      field("mode", &PutDirectory::mode, "The permission bits, decimal."),
      field("uid", &PutDirectory::uid, "The owner."),
      field("gid", &PutDirectory::gid, "The group."),
      field("anew", &PutDirectory::anew, "Whether it takes the place of whatever is there."),
  };
};

template <>
struct Table<PutLink> {
  static constexpr auto rows = std::tuple{
      field("path", &PutLink::path, "The path inside the target.", {.required = true}),
      field("target", &PutLink::target, "Where it leads.", {.required = true}),
      field("hard", &PutLink::hard, "Whether it is a hard link."),
      field("uid", &PutLink::uid, "The owner."),
      field("gid", &PutLink::gid, "The group."),
      field("overTree", &PutLink::over_tree, "Whether a directory may be in its place."),
  };
};

template <>
struct Table<RemoveLink> {
  static constexpr auto rows = std::tuple{
      field("path", &RemoveLink::path, "The path inside the target.", {.required = true}),
      field("target", &RemoveLink::target, "Where it leads."),
  };
};

template <>
struct Table<PutResult> {
  static constexpr auto rows = std::tuple{
      field("configProvided", &PutResult::config_provided, "Whether there was a config."),
      field("before", &PutResult::before, "The digest of what is there."),
      field("whole", &PutResult::whole, "The digest of the whole, where it is known."),
  };
};

template <>
struct Table<Relabel> {
  static constexpr auto rows = std::tuple{
      field("policy", &Relabel::policy, "The policy's name.", {.required = true}),
      field("paths", &Relabel::paths, "What is labelled."),
  };
};

template <>
struct Table<IdRange> {
  static constexpr auto rows = std::tuple{
      field("start", &IdRange::start, "The first."),
      field("count", &IdRange::count, "How many."),
  };
};

template <>
struct Table<AccountGroup> {
  static constexpr auto rows = std::tuple{
      field("name", &AccountGroup::name, "The group.", {.required = true}),
      field("absent", &AccountGroup::absent, "Whether its lines are removed."),
      field("made", &AccountGroup::made, "Whether it is new."),
      field("gid", &AccountGroup::gid, "Its number."),
      field("password", &AccountGroup::password, "Its password field, by reference."),
      field("add", &AccountGroup::add, "Members that it gets."),
      field("remove", &AccountGroup::remove, "Members that it loses."),
  };
};

template <>
struct Table<AccountUser> {
  static constexpr auto rows = std::tuple{
      field("name", &AccountUser::name, "The user.", {.required = true}),
      field("absent", &AccountUser::absent, "Whether its lines are removed."),
      field("made", &AccountUser::made, "Whether it is new."),
      field("uid", &AccountUser::uid, "Its number."),
      field("gid", &AccountUser::gid, "Its primary group."),
      field("gecos", &AccountUser::gecos, "Its full name and the like."),
      field("home", &AccountUser::home, "Its home directory."),
      field("shell", &AccountUser::shell, "Its login shell."),
      field("password", &AccountUser::password, "Its password field, by reference."),
      field("changed", &AccountUser::changed, "The day of the password."),
      field("minDays", &AccountUser::min_days, "Days before the password may change."),
      field("maxDays", &AccountUser::max_days, "Days after which it must change."),
      field("warnDays", &AccountUser::warn_days, "Days of warning before."),
      field("inactive", &AccountUser::inactive, "Days of grace after."),
      field("expire", &AccountUser::expire, "The day on which the account ends."),
      field("subUids", &AccountUser::sub_uids, "Its range in /etc/subuid."),
      field("subGids", &AccountUser::sub_gids, "Its range in /etc/subgid."),
      field("resetLogs", &AccountUser::reset_logs, "Whether lastlog and faillog forget its uid."),
  };
};

template <>
struct Table<WriteAccounts> {
  static constexpr auto rows = std::tuple{
      field("groups", &WriteAccounts::groups, "Groups."),
      field("users", &WriteAccounts::users, "Users."),
  };
};

template <>
struct Table<MakeHome> {
  static constexpr auto rows = std::tuple{
      field("user", &MakeHome::user, "The user.", {.required = true}),
      field("path", &MakeHome::path, "The directory."),
      field("uid", &MakeHome::uid, "Its owner."),
      field("gid", &MakeHome::gid, "Its group."),
      field("mode", &MakeHome::mode, "The permission bits, decimal."),
      field("made", &MakeHome::made, "Whether it is made."),
      field("skel", &MakeHome::skel, "Where its first contents are copied from."),
      field("movedFrom", &MakeHome::moved_from, "Where it was before."),
      field("oldUid", &MakeHome::old_uid, "The owner that it had before."),
      field("oldGid", &MakeHome::old_gid, "The group that it had before."),
      field("claimed", &MakeHome::claimed, "Directories for mount points that become the owner's."),
      field("mail", &MakeHome::mail, "The mail spool."),
      field("mailGid", &MakeHome::mail_gid, "Its group."),
      field("mailMode", &MakeHome::mail_mode, "Its permission bits, decimal."),
      field("absent", &MakeHome::absent, "Whether all this is removed."),
  };
};

template <>
struct Table<MakeArray> {
  static constexpr auto rows = std::tuple{
      field("name", &MakeArray::name, "The array's name.", {.required = true}),
      field("path", &MakeArray::path, "Its device.", {.required = true}),
      field("level", &MakeArray::level, "Its level.", {.required = true}),
      field("members", &MakeArray::members, "Its devices, the spares last."),
      field("spares", &MakeArray::spares, "How many of them are spares."),
      field("uuid", &MakeArray::uuid, "Its UUID."),
      field("there", &MakeArray::there, "Whether it is there already, and only set up."),
      field("options", &MakeArray::options, "Further arguments of mdadm."),
  };
};

template <>
struct Table<MakeVolume> {
  static constexpr auto rows = std::tuple{
      field("name", &MakeVolume::name, "The volume's name.", {.required = true}),
      field("device", &MakeVolume::device, "Its device.", {.required = true}),
      field("uuid", &MakeVolume::uuid, "Its UUID.", {.required = true}),
      field("label", &MakeVolume::label, "Its label."),
      field("key", &MakeVolume::key, "The config path of its key; empty: one is made."),
      field("discard", &MakeVolume::discard, "Whether each opening lets discards through."),
      field("there", &MakeVolume::there, "Whether it is there already, and only opened."),
      field("bound", &MakeVolume::bound, "Whether Clevis opens it, or is going to."),
      field("enrolled", &MakeVolume::enrolled, "The config path of what is enrolled, where a TPM opens it."),
      field("cex", &MakeVolume::cex, "Whether CryptoExpress cards protect its volume key."),
      field("domains", &MakeVolume::domains, "The domains of cards that make that."),
      field("options", &MakeVolume::options, "Further arguments of cryptsetup luksFormat."),
      field("openOptions", &MakeVolume::open_options, "Further arguments of cryptsetup luksOpen."),
  };
};

template <>
struct Table<PutVolumeKey> {
  static constexpr auto rows = std::tuple{
      field("volume", &PutVolumeKey::volume, "The volume that the key opens.", {.required = true}),
      field("path", &PutVolumeKey::path, "The path inside the target.", {.required = true}),
      field("recovery", &PutVolumeKey::recovery, "Whether it is the recovery key."),
      field("part", &PutVolumeKey::part, "Which part of the volume's secure key it is; empty: none."),
  };
};

template <>
struct Table<BindVolume> {
  static constexpr auto rows = std::tuple{
      field("name", &BindVolume::name, "The volume's name.", {.required = true}),
      field("device", &BindVolume::device, "Its device.", {.required = true}),
      field("uuid", &BindVolume::uuid, "Its UUID.", {.required = true}),
      field("volume", &BindVolume::volume, "The config path of the volume, which has the pins.", {.required = true}),
      field("to", &BindVolume::to, "The pins, for a person."),
  };
};

template <>
struct Table<EnrollVolume> {
  static constexpr auto rows = std::tuple{
      field("name", &EnrollVolume::name, "The volume's name.", {.required = true}),
      field("device", &EnrollVolume::device, "Its device.", {.required = true}),
      field("uuid", &EnrollVolume::uuid, "Its UUID.", {.required = true}),
      field("enrollment", &EnrollVolume::enrollment, "The config path of what is enrolled.", {.required = true}),
      field("made", &EnrollVolume::made, "Whether this first boot makes the volume."),
      field("what", &EnrollVolume::what, "What is enrolled, for a person."),
      field("tpm2", &EnrollVolume::tpm2, "Whether a TPM is."),
      field("recovery", &EnrollVolume::recovery, "Whether a recovery key is."),
  };
};

template <>
struct Table<SaveRoot> {
  static constexpr auto rows = std::tuple{
      field("root", &SaveRoot::root, "By which name the boot finds the root file system.", {.required = true}),
      field("device", &SaveRoot::device, "Where it is.", {.required = true}),
      field("format", &SaveRoot::format, "Its format.", {.required = true}),
      field("id", &SaveRoot::id, "Its UUID."),
      field("keeper", &SaveRoot::keeper, "Whose file system keeps the copy; none: memory does."),
      field("keeperFormat", &SaveRoot::keeper_format, "The format of that."),
      field("to", &SaveRoot::to, "Where the root file system is going to be.", {.required = true}),
      field("toFormat", &SaveRoot::to_format, "The format that it is going to have.", {.required = true}),
      field("toId", &SaveRoot::to_id, "The UUID that it is going to have."),
      field("kept", &SaveRoot::kept, "Which one it is of those that are kept besides the root; none: the root."),
      field("plain", &SaveRoot::plain, "Whether it must hold nothing but what a FAT can."),
      field("room", &SaveRoot::room,
            "The size of the smallest file system that gets the files; 0: it is not asked for.", {.unit = "bytes"}),
      field("journal", &SaveRoot::journal, "Where the journal is in it, which memory holds from then on."),
  };
};

template <>
struct Table<SaveLoader> {
  static constexpr auto rows = std::tuple{
      field("kept", &SaveLoader::kept, "By which its copy is known: the partition's GUID.", {.required = true}),
      field("device", &SaveLoader::device, "The partition.", {.required = true}),
      field("bytes", &SaveLoader::bytes, "Its size.", {.required = true, .unit = "bytes"}),
      field("loader", &SaveLoader::kind, "\"bios\", a BIOS boot partition, or \"prep\".", {.required = true}),
  };
};

template <>
struct Table<PutLoader> {
  static constexpr auto rows = std::tuple{
      field("kept", &PutLoader::kept, "By which the copy is known.", {.required = true}),
      field("device", &PutLoader::device, "The partition that gets it.", {.required = true}),
      field("bytes", &PutLoader::bytes, "The size of the copy.", {.required = true, .unit = "bytes"}),
      field("loader", &PutLoader::kind, "\"bios\", whose disk gets boot code too, or \"prep\".", {.required = true}),
      field("from", &PutLoader::from, "Where the old partition began, in units of 512 bytes."),
      field("to", &PutLoader::to, "Where this one begins, in units of 512 bytes."),
  };
};

template <>
struct Table<RestoreRoot> {
  static constexpr auto rows = std::tuple{
      field("root", &RestoreRoot::root, "By which name the boot finds the root file system.", {.required = true}),
      field("device", &RestoreRoot::device, "Where it is going to be.", {.required = true}),
      field("format", &RestoreRoot::format, "Its format.", {.required = true}),
      field("id", &RestoreRoot::id, "Its UUID."),
      field("keeper", &RestoreRoot::keeper, "Whose file system keeps the copy; none: memory does."),
      field("keeperFormat", &RestoreRoot::keeper_format, "The format of that."),
      field("kept", &RestoreRoot::kept, "Which one it is of those that are kept besides the root; none: the root."),
      field("stays", &RestoreRoot::stays, "Whether the copy stays, for another file system that gets it too."),
      field("journal", &RestoreRoot::journal, "Where the journal is in it from then on."),
  };
};

template <>
struct Table<GrowFilesystem> {
  static constexpr auto rows = std::tuple{
      field("device", &GrowFilesystem::device, "Its device.", {.required = true}),
      field("format", &GrowFilesystem::format, "The kind of file system.", {.required = true}),
      field("bytes", &GrowFilesystem::bytes, "The size that it gets; 0: it shows when the device is set up.",
            {.unit = "bytes"}),
  };
};

template <>
struct Table<MakeVolumeGroup> {
  static constexpr auto rows = std::tuple{
      field("name", &MakeVolumeGroup::name, "The group's name.", {.required = true}),
      field("members", &MakeVolumeGroup::members, "Its devices.", {.required = true}),
      field("physical", &MakeVolumeGroup::physical, "The UUIDs of the physical volumes.", {.required = true}),
  };
};

template <>
struct Table<MakeLogicalVolume> {
  static constexpr auto rows = std::tuple{
      field("group", &MakeLogicalVolume::group, "Its volume group.", {.required = true}),
      field("name", &MakeLogicalVolume::name, "Its name.", {.required = true}),
      field("type", &MakeLogicalVolume::type, "Its type.", {.required = true}),
      field("sizeMiB", &MakeLogicalVolume::size_mib, "Its size; 0: all that is left.", {.unit = "MiB"}),
      field("stripes", &MakeLogicalVolume::stripes, "Over how many devices its data is spread."),
      field("mirrors", &MakeLogicalVolume::mirrors, "How many copies it has beside the first."),
      field("pool", &MakeLogicalVolume::pool, "The pool that it is in."),
      field("there", &MakeLogicalVolume::there, "Whether it is there already, and only activated."),
      field("options", &MakeLogicalVolume::options, "Further arguments of lvcreate."),
  };
};

namespace {

// Reads the alternative number `I` or one after it, by its name.
template <std::size_t I = 0>
void read_kind(const std::string& kind, const Value& value, Operation& into, Reader& reader) {
  if constexpr (I < std::variant_size_v<Operation>) {
    if (plan::kinds[I] == kind) {
      using Alternative = std::variant_alternative_t<I, Operation>;
      Engine<Alternative>::read(value, into.emplace<I>(), reader);
      return;
    }
    read_kind<I + 1>(kind, value, into, reader);
  } else {
    reader.error(value.at, "\"" + kind + "\" is no operation that this version knows");
  }
}

}  // namespace

void Codec<Operation>::read(const Value& value, Operation& into, Reader& reader) {
  const Value* kind = value.find("kind");
  if (kind == nullptr || kind->kind != Value::Kind::string) {
    reader.error(value.at, "an operation needs its \"kind\"");
    return;
  }
  Value rest = value;
  std::erase_if(rest.members, [](const Member& member) { return member.key == "kind"; });
  read_kind(kind->string.str(), rest, into, reader);
}

Value Codec<Operation>::write(const Operation& value) {
  Value made = Value::object();
  made.add("kind", Value::of(std::string(kind_of(value))));
  Value fields = std::visit([](const auto& it) { return Engine<std::remove_cvref_t<decltype(it)>>::write(it); }, value);
  for (auto& member : fields.members) {
    made.members.push_back(std::move(member));
  }
  return made;
}

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::plan::Contents);
PROVISION_INSTANTIATE_RECORD(provision::plan::WriteTable);
PROVISION_INSTANTIATE_RECORD(provision::plan::MakeFilesystem);
PROVISION_INSTANTIATE_RECORD(provision::plan::Mount);
PROVISION_INSTANTIATE_RECORD(provision::plan::PutFile);
PROVISION_INSTANTIATE_RECORD(provision::plan::PutUnit);
PROVISION_INSTANTIATE_RECORD(provision::plan::PutDirectory);
PROVISION_INSTANTIATE_RECORD(provision::plan::PutLink);
PROVISION_INSTANTIATE_RECORD(provision::plan::RemoveLink);
PROVISION_INSTANTIATE_RECORD(provision::plan::PutResult);
PROVISION_INSTANTIATE_RECORD(provision::plan::Relabel);
PROVISION_INSTANTIATE_RECORD(provision::plan::IdRange);
PROVISION_INSTANTIATE_RECORD(provision::plan::AccountGroup);
PROVISION_INSTANTIATE_RECORD(provision::plan::AccountUser);
PROVISION_INSTANTIATE_RECORD(provision::plan::WriteAccounts);
PROVISION_INSTANTIATE_RECORD(provision::plan::MakeHome);
PROVISION_INSTANTIATE_RECORD(provision::plan::MakeArray);
PROVISION_INSTANTIATE_RECORD(provision::plan::MakeVolume);
PROVISION_INSTANTIATE_RECORD(provision::plan::PutVolumeKey);
PROVISION_INSTANTIATE_RECORD(provision::plan::BindVolume);
PROVISION_INSTANTIATE_RECORD(provision::plan::SaveRoot);
PROVISION_INSTANTIATE_RECORD(provision::plan::RestoreRoot);
PROVISION_INSTANTIATE_RECORD(provision::plan::SaveLoader);
PROVISION_INSTANTIATE_RECORD(provision::plan::PutLoader);
PROVISION_INSTANTIATE_RECORD(provision::plan::GrowFilesystem);
PROVISION_INSTANTIATE_RECORD(provision::plan::MakeSubvolume);
PROVISION_INSTANTIATE_RECORD(provision::plan::MakeVolumeGroup);
PROVISION_INSTANTIATE_RECORD(provision::plan::MakeLogicalVolume);
PROVISION_INSTANTIATE_RECORD(provision::plan::EnrollVolume);
PROVISION_INSTANTIATE_RECORD(provision::plan::UnpackArchive);
