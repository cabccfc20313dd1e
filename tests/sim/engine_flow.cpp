#include "sim/engine_flow.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/path.hpp"
#include "base/text.hpp"
#include "host/forwarded_disks.hpp"
#include "sim/machines.hpp"
#include "stages/stage.hpp"
#include "support/archives.hpp"
#include "support/grub.hpp"

namespace provision::test {
namespace {

using namespace host::sim;

constexpr std::string_view stamp = "/run/provision/boot/ignition.firstboot";
constexpr std::string_view stamp_device = "/dev/disk/by-partlabel/BOOT";
constexpr std::string_view config_item = "opt/com.coreos/config";

constexpr std::string_view fresh_config = R"({
  "ignition": {"version": "3.4.0"},
  "storage": {
    "disks": [{"device": "/dev/vdb", "partitions": [
      {"label": "www", "number": 1, "sizeMiB": 256},
      {"label": "log", "number": 2, "sizeMiB": 128}
    ]}],
    "filesystems": [
      {"device": "/dev/disk/by-partlabel/www", "format": "ext4", "label": "www", "path": "/var/www"},
      {"device": "/dev/disk/by-partlabel/log", "format": "ext4", "label": "log", "path": "/var/www/log"}
    ],
    "directories": [
      {"path": "/etc/made", "mode": 448, "user": {"id": 5}},
      {"path": "/usr/bin", "mode": 493},
      {"path": "/etc/old", "overwrite": true, "mode": 457}
    ],
    "links": [
      {"path": "/etc/made/link", "target": "../motd", "user": {"id": 5}},
      {"path": "/etc/made/hard", "target": "/etc/motd", "hard": true}
    ],
    "files": [
      {"path": "/etc/issue", "append": [{"source": "data:,%20and"}, {"source": "data:,%20more"}]},
      {"path": "/etc/issue.net", "mode": 384, "group": {"id": 7}},
      {"path": "/etc/tree", "overwrite": true, "contents": {"source": "data:,leaf"}},
      {"path": "/etc/motd", "mode": 420, "contents": {"source": "data:,hello"}},
      {"path": "/etc/deep/down/secret", "mode": 384, "user": {"id": 5}, "contents": {"source": "data:,secret"}},
      {"path": "/var/www/index.html", "mode": 420, "contents": {"source": "data:,page"}},
      {"path": "/var/www/log/empty", "mode": 420, "contents": {"source": ""}}
    ]
  },
  "systemd": {"units": [
    {"name": "web.service", "enabled": true, "contents": "[Service]\nExecStart=/usr/bin/web\n"},
    {"name": "old.service", "mask": true},
    {"name": "masked.service", "mask": false, "dropins": [{"name": "a.conf", "contents": "[Unit]\nAfter=b.service\n"}]},
    {"name": "off.service", "enabled": false}
  ]}
})";

constexpr std::string_view accounts_config = R"({
  "ignition": {"version": "3.4.0"},
  "passwd": {
    "groups": [{"name": "ops", "gid": 1500, "passwordHash": "$6$ops"}, {"name": "adm", "gid": 40}],
    "users": [
      {"name": "core", "passwordHash": "$6$core", "groups": ["ops", "adm"], "sshAuthorizedKeys": ["key one", "key two"]},
      {"name": "svc", "system": true, "noCreateHome": true},
      {"name": "old", "gecos": "New", "homeDir": "/srv/old", "uid": 1700, "passwordHash": "$6$new"},
      {"name": "far", "homeDir": "/mnt/homes/far"},
      {"name": "gone", "shouldExist": false}
    ]
  },
  "storage": {
    "directories": [{"path": "/home/core", "mode": 448}, {"path": "/home/core/.ssh/more", "user": {"name": "core"}}],
    "files": [
      {"path": "/home/core/own", "mode": 420, "user": {"name": "core"}, "contents": {"source": "data:,own"}},
      {"path": "/home/core/.profile", "overwrite": true, "contents": {"source": "data:,mine"}},
      {"path": "/etc/subuid", "overwrite": true, "contents": {"source": "data:,containers:1:2"}}
    ]
  }
})";

constexpr std::string_view new_accounts_config = R"({
  "ignition": {"version": "3.4.0"},
  "passwd": {
    "groups": [{"name": "ops", "gid": 1500}],
    "users": [
      {"name": "core", "passwordHash": "$6$core", "groups": ["ops", "adm"], "sshAuthorizedKeys": ["key one", "key two"]},
      {"name": "svc", "system": true, "noCreateHome": true},
      {"name": "near", "homeDir": "/srv/homes/near"}
    ]
  },
  "storage": {"files": [
    {"path": "/home/core/own", "mode": 420, "user": {"name": "core"}, "contents": {"source": "data:,own"}},
    {"path": "/home/core/.profile", "overwrite": true, "contents": {"source": "data:,mine"}}
  ]}
})";

constexpr std::string_view replacing_config = R"({
  "ignition": {"version": "3.4.0"},
  "storage": {
    "disks": [
      {"device": "/dev/vdb", "partitions": [{"label": "new", "number": 3, "sizeMiB": 64}]},
      {"device": "/dev/vdc", "wipeTable": true, "partitions": [{"label": "whole"}]}
    ],
    "filesystems": [
      {"device": "/dev/disk/by-partlabel/old", "format": "ext4", "label": "fresh", "wipeFilesystem": true,
       "path": "/srv"},
      {"device": "/dev/disk/by-partlabel/new", "format": "ext4"},
      {"device": "/dev/disk/by-partlabel/whole", "format": "ext4", "wipeFilesystem": true}
    ],
    "files": [
      {"path": "/etc/hostname", "overwrite": true, "mode": 420, "contents": {"source": "data:,new"}},
      {"path": "/srv/file", "mode": 420, "contents": {"source": "data:,data"}},
      {"path": "/etc/fetched", "overwrite": true, "contents": {"source": "http://pages/a"}},
      {"path": "/etc/appended", "append": [{"source": "data:,%20and%20"}, {"source": "http://pages/b"}]}
    ]
  }
})";

// Each change that a table can see, and each kind of file system: on a disk that is mounted and has grown, on one whose
// partitions go, shrink, grow and are made anew, and on one with large sectors.
constexpr std::string_view changing_config = R"({
  "ignition": {"version": "3.4.0"},
  "storage": {
    "disks": [
      {"device": "/dev/vda", "partitions": [{"label": "var", "number": 9}]},
      {"device": "/dev/vdb", "partitions": [
        {"number": 1, "label": "keep", "resize": true, "sizeMiB": 400},
        {"number": 2, "shouldExist": false, "wipePartitionEntry": true},
        {"number": 3, "label": "anew", "startMiB": 515, "sizeMiB": 100, "wipePartitionEntry": true},
        {"number": 4, "label": "last", "resize": true, "sizeMiB": 0},
        {"number": 5, "label": "blank", "resize": true, "sizeMiB": 20},
        {"label": "esp", "sizeMiB": 64, "startMiB": 620}
      ]},
      {"device": "/dev/vdc", "partitions": [
        {"label": "swap", "number": 1, "sizeMiB": 64}, {"label": "xfs", "number": 2, "sizeMiB": 320},
        {"label": "none", "number": 3, "sizeMiB": 1}, {"label": "btrfs", "number": 4}
      ]}
    ],
    "filesystems": [
      {"device": "/dev/disk/by-partlabel/var", "format": "xfs", "path": "/var"},
      {"device": "/dev/disk/by-partlabel/keep", "format": "ext4", "label": "keep", "path": "/var/keep"},
      {"device": "/dev/disk/by-partlabel/anew", "format": "ext4", "wipeFilesystem": true},
      {"device": "/dev/disk/by-partlabel/esp", "format": "vfat", "label": "ESP", "path": "/boot/efi"},
      {"device": "/dev/disk/by-partlabel/swap", "format": "swap", "label": "s"},
      {"device": "/dev/disk/by-partlabel/xfs", "format": "xfs", "label": "x", "path": "/var/x"},
      {"device": "/dev/disk/by-partlabel/none", "format": "none"},
      {"device": "/dev/disk/by-partlabel/btrfs", "format": "btrfs", "options": ["--mixed"], "path": "/var/x/b"},
      {"device": "/dev/vdd", "format": "none", "wipeFilesystem": true}
    ],
    "files": [{"path": "/var/x/b/file", "contents": {"source": "data:,in"}},
              {"path": "/boot/efi/loader/entry", "contents": {"source": "data:,esp"}}]
  }
})";

// A mirror of two partitions, one of them where something was; another of two disks; and both in a third array.
constexpr std::string_view arrays_config = R"({
  "ignition": {"version": "3.4.0"},
  "storage": {
    "disks": [
      {"device": "/dev/vdb", "wipeTable": true, "partitions": [{"label": "m1", "number": 1}]},
      {"device": "/dev/vdc", "wipeTable": true,
       "partitions": [{"label": "m2", "number": 1, "sizeMiB": 512}, {"label": "log", "number": 2}]}
    ],
    "raid": [
      {"name": "all", "level": "stripe", "devices": ["/dev/md/left", "/dev/md/right"]},
      {"name": "left", "level": "mirror", "devices": ["/dev/disk/by-partlabel/m1", "/dev/disk/by-partlabel/m2"]},
      {"name": "right", "level": "raid1", "devices": ["/dev/vdd", "/dev/vde"], "options": ["--bitmap=internal"]}
    ],
    "filesystems": [
      {"device": "/dev/md/all", "format": "ext4", "label": "all", "wipeFilesystem": true, "path": "/srv"},
      {"device": "/dev/disk/by-partlabel/log", "format": "xfs", "wipeFilesystem": true, "path": "/srv/log"}
    ],
    "files": [
      {"path": "/srv/file", "mode": 420, "contents": {"source": "data:,data"}},
      {"path": "/srv/log/file", "mode": 420, "contents": {"source": "data:,log"}}
    ]
  }
})";

// One on a new partition, one with a key made by chance on a mirror, one that stays with what is in it, and one that is
// made anew over one of the same key.
constexpr std::string_view volumes_config = R"({
  "ignition": {"version": "3.4.0"},
  "storage": {
    "disks": [{"device": "/dev/vdb", "partitions": [{"label": "data", "number": 3, "sizeMiB": 256}]}],
    "raid": [{"name": "mirror", "level": "raid1", "devices": ["/dev/vdc", "/dev/vdd"]}],
    "luks": [
      {"name": "data", "device": "/dev/disk/by-partlabel/data", "label": "data", "discard": true,
       "keyFile": {"source": "data:,data%20key"}, "options": ["--pbkdf", "pbkdf2"]},
      {"name": "made", "device": "/dev/md/mirror", "uuid": "20000000-0000-4000-8000-000000000001",
       "openOptions": ["--perf-no_read_workqueue"]},
      {"name": "kept", "device": "/dev/vdb1", "label": "kept", "discard": true, "keyFile": {"source": "data:,kept%20key"}},
      {"name": "anew", "device": "/dev/vdb2", "wipeVolume": true, "keyFile": {"source": "http://pages/a"}}
    ],
    "filesystems": [
      {"device": "/dev/mapper/data", "format": "ext4", "label": "data", "path": "/srv/data"},
      {"device": "/dev/mapper/made", "format": "xfs", "label": "made", "path": "/srv/made"},
      {"device": "/dev/mapper/kept", "format": "ext4", "label": "inside", "path": "/srv/kept"},
      {"device": "/dev/mapper/anew", "format": "ext4", "path": "/srv/anew"}
    ],
    "files": [
      {"path": "/srv/data/file", "mode": 420, "contents": {"source": "data:,data"}},
      {"path": "/srv/made/file", "mode": 420, "contents": {"source": "data:,made"}},
      {"path": "/srv/kept/file", "mode": 420, "contents": {"source": "data:,kept"}},
      {"path": "/srv/anew/file", "mode": 420, "contents": {"source": "data:,anew"}}
    ]
  }
})";

constexpr std::string_view groups_config = R"({
  "ignition": {"version": "3.6.0+provision.1"},
  "provision": {"volumeGroups": [
    {"name": "vg0", "devices": ["/dev/vdc", "/dev/vdd"], "wipeVolumeGroup": true, "logicalVolumes": [
      {"name": "data", "sizeMiB": 64}, {"name": "thin", "type": "thin", "pool": "pool", "sizeMiB": 100},
      {"name": "pool", "type": "thin-pool", "sizeMiB": 64}]},
    {"name": "vg1", "devices": ["/dev/disk/by-partlabel/pv"], "logicalVolumes": [{"name": "below"}]}]},
  "storage": {
    "disks": [{"device": "/dev/vdb", "partitions": [{"label": "pv", "number": 1, "sizeMiB": 256}]}],
    "luks": [{"name": "safe", "device": "/dev/vg1/below", "keyFile": {"source": "data:,safe%20key"},
              "wipeVolume": true}],
    "filesystems": [
      {"device": "/dev/vg0/data", "format": "ext4", "label": "data", "wipeFilesystem": true, "path": "/srv/data"},
      {"device": "/dev/vg0/thin", "format": "xfs", "label": "thin", "wipeFilesystem": true, "path": "/srv/thin"},
      {"device": "/dev/mapper/safe", "format": "ext4", "label": "safe", "wipeFilesystem": true, "path": "/srv/safe"}
    ],
    "files": [
      {"path": "/srv/data/file", "mode": 420, "contents": {"source": "data:,data"}},
      {"path": "/srv/thin/file", "mode": 420, "contents": {"source": "data:,thin"}},
      {"path": "/srv/safe/file", "mode": 420, "contents": {"source": "data:,safe"}}
    ]
  }
})";

constexpr std::string_view given_up_config = R"({
  "ignition": {"version": "3.6.0+provision.1"},
  "provision": {"volumeGroups": [
    {"name": "vg0", "devices": ["/dev/disk/by-partlabel/pv"], "logicalVolumes": [{"name": "data", "sizeMiB": 64}]}]},
  "storage": {
    "disks": [
      {"device": "/dev/vdb", "wipeTable": true, "partitions": [
        {"label": "m1", "number": 1, "sizeMiB": 256}, {"label": "vault", "number": 2, "sizeMiB": 256}]},
      {"device": "/dev/vdc", "wipeTable": true, "partitions": [
        {"label": "m2", "number": 1, "sizeMiB": 256}, {"label": "pv", "number": 2, "sizeMiB": 256}]}
    ],
    "raid": [{"name": "mirror", "level": "raid1", "devices": ["/dev/disk/by-partlabel/m1", "/dev/disk/by-partlabel/m2"]}],
    "luks": [{"name": "vault", "device": "/dev/disk/by-partlabel/vault", "wipeVolume": true,
              "keyFile": {"source": "data:,given%20key"}, "clevis": {"custom": {"pin": "tpm2", "config": "{}"}}}],
    "filesystems": [
      {"device": "/dev/md/mirror", "format": "ext4", "label": "mirror", "wipeFilesystem": true, "path": "/srv/mirror"},
      {"device": "/dev/vg0/data", "format": "ext4", "label": "data", "wipeFilesystem": true, "path": "/srv/data"},
      {"device": "/dev/mapper/vault", "format": "xfs", "label": "vault", "wipeFilesystem": true, "path": "/srv/vault"}
    ],
    "files": [
      {"path": "/srv/mirror/file", "mode": 420, "contents": {"source": "data:,mirror"}},
      {"path": "/srv/data/file", "mode": 420, "contents": {"source": "data:,data"}},
      {"path": "/srv/vault/file", "mode": 420, "contents": {"source": "data:,vault"}}
    ]
  }
})";

// One whose key is made by chance, for Tang servers, and one with a key of the config's, for a pin of its own.
constexpr std::string_view bound_config = R"({
  "ignition": {"version": "3.4.0"},
  "storage": {
    "luks": [
      {"name": "drawn", "device": "/dev/vdb",
       "clevis": {"tang": [{"url": "http://tang", "thumbprint": "known"}], "tpm2": true, "threshold": 2}},
      {"name": "given", "device": "/dev/vdc", "keyFile": {"source": "data:,given%20key"},
       "clevis": {"custom": {"pin": "tpm2", "config": "{}"}}}
    ],
    "filesystems": [{"device": "/dev/mapper/drawn", "format": "ext4", "path": "/srv/drawn"}],
    "files": [{"path": "/srv/drawn/file", "mode": 420, "contents": {"source": "data:,drawn"}}]
  }
})";

// One whose key is made by chance, with a TPM that wants a PIN and a recovery key; and one that is there, with a key of
// the config's, for which a TPM is enrolled.
constexpr std::string_view enrolled_config = R"({
  "ignition": {"version": "3.6.0+provision.1"},
  "provision": {
    "enrollments": [
      {"volume": "drawn", "tpm2": {"pcrs": [7], "pin": {"source": "data:,8243"}},
       "recoveryKey": {"path": "/etc/luks/drawn.recovery"}},
      {"volume": "given", "tpm2": {"pcrs": [4, 7]}}
    ]
  },
  "storage": {
    "luks": [
      {"name": "drawn", "device": "/dev/vdb"},
      {"name": "given", "device": "/dev/vdc", "keyFile": {"source": "data:,given%20key"}}
    ],
    "filesystems": [{"device": "/dev/mapper/drawn", "format": "ext4", "path": "/srv/drawn"}],
    "files": [{"path": "/srv/drawn/file", "mode": 420, "contents": {"source": "data:,drawn"}}]
  }
})";

// One that is made, and one that is there; the options for a cipher, as Butane adds them, do not count.
constexpr std::string_view cex_config = R"({
  "ignition": {"version": "3.5.0"},
  "storage": {
    "luks": [
      {"name": "safe", "device": "/dev/vdb", "cex": {"enabled": true}, "label": "safe",
       "options": ["--cipher", "aes-cbc-essiv:sha256"]},
      {"name": "kept", "device": "/dev/vdc", "cex": {"enabled": true}}
    ],
    "filesystems": [{"device": "/dev/mapper/safe", "format": "ext4", "path": "/srv/safe", "wipeFilesystem": true}],
    "files": [{"path": "/srv/safe/file", "mode": 420, "contents": {"source": "data:,safe"}}]
  }
})";

// The root goes from its partition to a mirror of that and of another disk's; a new file system there keeps its files.
constexpr std::string_view root_config = R"({
  "ignition": {"version": "3.4.0"},
  "storage": {
    "disks": [
      {"device": "/dev/vda", "partitions": [{"label": "a", "number": 2, "sizeMiB": 512, "wipePartitionEntry": true}]},
      {"device": "/dev/vdb", "wipeTable": true,
       "partitions": [{"label": "b", "number": 1, "sizeMiB": 512}, {"label": "var", "number": 2}]}
    ],
    "raid": [{"name": "root", "level": "raid1", "devices": ["/dev/disk/by-partlabel/a", "/dev/disk/by-partlabel/b"]}],
    "filesystems": [
      {"device": "/dev/md/root", "format": "ext4", "label": "root", "wipeFilesystem": true},
      {"device": "/dev/disk/by-partlabel/var", "format": "xfs", "wipeFilesystem": true, "path": "/var"}
    ],
    "files": [
      {"path": "/etc/motd", "mode": 420, "contents": {"source": "data:,hello"}},
      {"path": "/var/file", "mode": 420, "contents": {"source": "data:,data"}}
    ]
  }
})";

// The same place, another format; nothing but memory has room.
constexpr std::string_view reformatted_root_config = R"({
  "ignition": {"version": "3.4.0"},
  "storage": {
    "filesystems": [
      {"device": "/dev/disk/by-partlabel/ROOT", "format": "xfs", "label": "root", "wipeFilesystem": true}
    ],
    "files": [{"path": "/etc/motd", "mode": 420, "contents": {"source": "data:,hello"}}]
  }
})";

// Two new EFI system partitions get the files of the old one, and a new boot partition those of the old one; a new file
// system of another disk keeps them meanwhile.
constexpr std::string_view kept_config = R"({
  "ignition": {"version": "3.4.0"},
  "storage": {
    "disks": [
      {"device": "/dev/vdb", "wipeTable": true, "partitions": [
        {"label": "esp-1", "number": 1, "sizeMiB": 64, "typeGuid": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"}]},
      {"device": "/dev/vdc", "wipeTable": true, "partitions": [
        {"label": "esp-2", "number": 1, "sizeMiB": 64, "typeGuid": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"},
        {"label": "boot", "number": 2, "sizeMiB": 64}]},
      {"device": "/dev/vdd", "wipeTable": true, "partitions": [{"label": "data"}]}
    ],
    "filesystems": [
      {"device": "/dev/disk/by-partlabel/esp-1", "format": "vfat", "label": "esp-1", "wipeFilesystem": true},
      {"device": "/dev/disk/by-partlabel/esp-2", "format": "vfat", "label": "esp-2", "wipeFilesystem": true},
      {"device": "/dev/disk/by-partlabel/boot", "format": "xfs", "label": "old-boot", "wipeFilesystem": true},
      {"device": "/dev/disk/by-partlabel/data", "format": "ext4", "wipeFilesystem": true}
    ]
  }
})";

// One in the place of the old one; nothing but memory has room.
constexpr std::string_view kept_in_memory_config = R"({
  "ignition": {"version": "3.4.0"},
  "storage": {
    "disks": [{"device": "/dev/vdb", "wipeTable": true, "partitions": [
      {"label": "esp", "number": 1, "sizeMiB": 64, "typeGuid": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"}]}],
    "filesystems": [
      {"device": "/dev/disk/by-partlabel/esp", "format": "vfat", "label": "esp", "wipeFilesystem": true}
    ]
  }
})";

// The file system that has the stamp and the journal is made anew where it is, and a file is put into the target then.
constexpr std::string_view moved_journal_config = R"({
  "ignition": {"version": "3.4.0"},
  "storage": {
    "disks": [{"device": "/dev/vdb", "partitions": [{"label": "data", "number": 1, "sizeMiB": 64}]}],
    "filesystems": [
      {"device": "/dev/disk/by-partlabel/BOOT", "format": "ext4", "label": "boot", "wipeFilesystem": true},
      {"device": "/dev/disk/by-partlabel/data", "format": "ext4", "path": "/var", "wipeFilesystem": true}
    ],
    "files": [{"path": "/etc/motd", "mode": 420, "contents": {"source": "data:,hello"}}]
  }
})";

// The boot loader goes to another place of its disk, and to another disk.
constexpr std::string_view loaders_config = R"({
  "ignition": {"version": "3.4.0"},
  "storage": {
    "disks": [
      {"device": "/dev/vdb", "wipeTable": true, "partitions": [
        {"label": "one", "number": 1, "sizeMiB": 8},
        {"label": "bios-1", "number": 2, "sizeMiB": 1, "typeGuid": "21686148-6449-6E6F-744E-656564454649"}]},
      {"device": "/dev/vdc", "wipeTable": true, "partitions": [
        {"label": "bios-2", "number": 1, "sizeMiB": 2, "typeGuid": "21686148-6449-6E6F-744E-656564454649"},
        {"label": "prep", "number": 2, "sizeMiB": 4, "typeGuid": "9E1A2D38-C612-4316-AA26-8B49521E5A8B"},
        {"label": "two", "number": 3, "sizeMiB": 8}]}
    ],
    "filesystems": [
      {"device": "/dev/disk/by-partlabel/one", "format": "ext4", "wipeFilesystem": true},
      {"device": "/dev/disk/by-partlabel/two", "format": "ext4", "wipeFilesystem": true}
    ]
  }
})";

// Nothing tells the new file system from the old one but what is in it.
constexpr std::string_view same_root_config = R"({
  "ignition": {"version": "3.4.0"},
  "storage": {
    "filesystems": [
      {"device": "/dev/disk/by-partlabel/ROOT", "format": "ext4", "label": "root", "uuid": "UUID", "wipeFilesystem": true}
    ],
    "files": [{"path": "/etc/motd", "mode": 420, "contents": {"source": "data:,hello"}}]
  }
})";

// Its last file never comes as it is described.
constexpr std::string_view failing_config = R"({
  "ignition": {"version": "3.4.0"},
  "storage": {
    "disks": [{"device": "/dev/vdb", "partitions": [
      {"label": "www", "number": 1, "sizeMiB": 256, "guid": "10000000-0000-4000-8000-000000000001"},
      {"label": "log", "number": 2, "sizeMiB": 128, "guid": "10000000-0000-4000-8000-000000000002"}
    ]}],
    "filesystems": [
      {"device": "/dev/disk/by-partlabel/www", "format": "ext4", "label": "www", "path": "/var/www",
       "uuid": "10000000-0000-4000-8000-000000000003"},
      {"device": "/dev/disk/by-partlabel/log", "format": "ext4", "label": "log", "path": "/var/www/log",
       "uuid": "10000000-0000-4000-8000-000000000004"},
      {"device": "/dev/disk/by-partlabel/data", "format": "ext4", "label": "data",
       "uuid": "10000000-0000-4000-8000-000000000005"}
    ],
    "links": [{"path": "/etc/made/link", "target": "../motd"}],
    "files": [
      {"path": "/etc/motd", "mode": 420, "contents": {"source": "data:,hello"}},
      {"path": "/etc/tree", "overwrite": true, "contents": {"source": "data:,leaf"}},
      {"path": "/var/www/index.html", "mode": 420, "contents": {"source": "data:,page"}},
      {"path": "/var/www/log/old", "mode": 420, "contents": {"source": "data:,old"}},
      {"path": "/var/www/zz", "contents": {"source": "http://pages/a", "verification": {"hash": "sha256-HASH"}}}
    ]
  },
  "systemd": {"units": [
    {"name": "old.service", "mask": true},
    {"name": "web.service", "enabled": true, "contents": "[Service]\nExecStart=/usr/bin/web\n"}
  ]}
})";

// Two disks, by what they are: one with a table, and one that is an encrypted volume as a whole. On a third one a
// partition becomes larger, and the file system on it.
constexpr std::string_view selecting_config = R"({
  "ignition": {"version": "3.6.0+provision.1"},
  "provision": {"diskSelectors": [
    {"name": "data", "transport": "usb", "minSizeMiB": 1024},
    {"name": "vault", "serial": "vault-disk"}
  ], "growFilesystems": [{"device": "/dev/disk/by-partlabel/old"}]},
  "storage": {
    "disks": [{"device": "/dev/disk/by-selector/data", "partitions": [
      {"label": "www", "number": 1, "sizeMiB": 256},
      {"label": "log", "number": 2, "sizeMiB": 128}
    ]}, {"device": "/dev/vdd", "partitions": [{"label": "old", "number": 2, "sizeMiB": 400, "resize": true}]}],
    "luks": [{"name": "vault", "device": "/dev/disk/by-selector/vault",
              "uuid": "20000000-0000-4000-8000-000000000001", "keyFile": {"source": "data:,key"}}],
    "filesystems": [
      {"device": "/dev/disk/by-selector/data-part1", "format": "ext4", "label": "www", "path": "/var/www"},
      {"device": "/dev/disk/by-partlabel/log", "format": "ext4", "label": "log"},
      {"device": "/dev/mapper/vault", "format": "ext4", "uuid": "20000000-0000-4000-8000-000000000002"},
      {"device": "/dev/disk/by-partlabel/old", "format": "xfs"}
    ],
    "files": [{"path": "/var/www/index.html", "mode": 420, "contents": {"source": "data:,page"}}]
  }
})";

// A new Btrfs whose subvolumes are mounted one in the other, and one of before that keeps what it has, gets another,
// and another default.
constexpr std::string_view subvolumes_config = R"({
  "ignition": {"version": "3.6.0+provision.1"},
  "provision": {"subvolumes": [
    {"device": "/dev/disk/by-partlabel/pool", "name": "@/log", "path": "/var/log", "noCopyOnWrite": true, "mode": 448},
    {"device": "/dev/disk/by-partlabel/pool", "name": "@", "path": "/var", "default": true},
    {"device": "/dev/disk/by-partlabel/pool", "name": "spare", "user": {"id": 5}, "group": {"id": 6}},
    {"device": "/dev/vdc", "name": "kept", "path": "/srv/kept", "default": true},
    {"device": "/dev/vdc", "name": "more", "path": "/srv/more"}
  ]},
  "storage": {
    "disks": [{"device": "/dev/vdb", "partitions": [{"label": "pool", "number": 1, "sizeMiB": 512}]}],
    "filesystems": [
      {"device": "/dev/disk/by-partlabel/pool", "format": "btrfs", "label": "pool", "path": "/mnt"},
      {"device": "/dev/vdc", "format": "btrfs"}
    ],
    "files": [
      {"path": "/var/file", "mode": 420, "contents": {"source": "data:,var"}},
      {"path": "/var/log/file", "mode": 420, "contents": {"source": "data:,log"}},
      {"path": "/srv/kept/new", "mode": 420, "contents": {"source": "data:,new"}},
      {"path": "/srv/more/file", "mode": 420, "contents": {"source": "data:,more"}}
    ]
  }
})";

// ETC is an archive.
constexpr std::string_view archives_config = R"({
  "ignition": {"version": "3.6.0+provision.1"},
  "provision": {"archives": [
    {"name": "tools", "path": "/opt/tools", "stripComponents": 1, "user": {"id": 5}, "group": {"id": 6},
     "contents": {"source": "http://pages/archive"}},
    {"name": "etc", "path": "/etc/app", "overwrite": true, "contents": {"source": "data:;base64,ETC"}}
  ]},
  "storage": {"files": [
    {"path": "/opt/tools/bin/own", "mode": 420, "contents": {"source": "data:,own"}}
  ]}
})";

std::string fetched_archive() {
  return tar_of({{'0', "tools-1/bin/tool", "the tool", {}, 0755},
                 {'1', "tools-1/bin/alias", {}, "tools-1/bin/tool"},
                 {'2', "tools-1/current", {}, "bin/tool", 0777},
                 {'5', "tools-1/empty", {}, {}, 0700}});
}

std::string given_archive() {
  return tar_of({{'0', "old", "new"}, {'0', "link", "no link"}, {'0', "kept", "kept"}, {'2', "was-file", {}, "old"}});
}

// Every path of the one above, and each thing in another way; what it has made where nothing was is in nobody's way.
constexpr std::string_view other_config = R"({
  "ignition": {"version": "3.4.0"},
  "storage": {
    "disks": [{"device": "/dev/vdb", "partitions": [
      {"label": "srv", "number": 2, "sizeMiB": 64},
      {"label": "log", "number": 3, "sizeMiB": 320}
    ]}],
    "filesystems": [
      {"device": "/dev/disk/by-partlabel/srv", "format": "xfs", "label": "srv", "path": "/var/www"},
      {"device": "/dev/disk/by-partlabel/log", "format": "ext4", "label": "log", "path": "/var/www/log"},
      {"device": "/dev/disk/by-partlabel/data", "format": "ext4", "label": "data"}
    ],
    "links": [{"path": "/etc/made/link", "target": "/etc/issue"}],
    "files": [
      {"path": "/etc/motd", "mode": 384, "contents": {"source": "data:,other"}},
      {"path": "/etc/tree", "overwrite": true, "contents": {"source": "data:,other"}},
      {"path": "/var/www/new", "mode": 420, "contents": {"source": "data:,new"}}
    ]
  },
  "systemd": {"units": [
    {"name": "old.service", "contents": "[Service]\nExecStart=/usr/bin/old\n"},
    {"name": "web.service", "enabled": false, "contents": "[Service]\nExecStart=/usr/bin/other\n"}
  ]}
})";

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result(text);
  return result.replace(result.find(from), from.size(), to);
}

// Serves the two pages of the config above.
class Pages final : public host::Fetcher {
 public:
  Result<void> configure(const host::FetchSettings& /*settings*/) override { return {}; }
  host::Ticket start(const host::FetchRequest& request, host::Sink& sink) override {
    const std::string page = request.url.starts_with("http://tang/") ? R"({"payload": "keys"})"
                             : request.url == "http://pages/a"       ? "page a"
                             : request.url == "http://pages/archive" ? fetched_archive()
                                                                     : "page b";
    waiting_.emplace(++last_, Waiting{page, request.expected, &sink});
    return last_;
  }
  Result<host::Fetched> wait(host::Ticket ticket) override {
    const Waiting asked = waiting_.at(ticket);
    waiting_.erase(ticket);
    TRY(asked.sink->write(asked.page));
    const Digest digest = Digest::sha256(asked.page);
    if (asked.expected && *asked.expected != digest) {
      return Error(Code::bad_contents, "what came has another hash");
    }
    return host::Fetched{asked.page.size(), digest};
  }
  void cancel(host::Ticket ticket) override { waiting_.erase(ticket); }
  std::vector<host::FetchProgress> progress() override { return {}; }

 private:
  struct Waiting {
    std::string page;
    std::optional<Digest> expected;
    host::Sink* sink;
  };
  host::Ticket last_ = 0;
  std::map<host::Ticket, Waiting> waiting_;
};

// Disks whose serial number is what anybody may write: their disk GUID.
class DisksByGuid final : public host::ForwardedDisks {
 public:
  using ForwardedDisks::ForwardedDisks;

  Result<host::DiskFacts> facts(const host::DeviceRef& disk) override {
    host::DiskFacts facts = TRY(ForwardedDisks::facts(disk));
    const host::Table table = TRY(read_table(disk));
    facts.serial = table.disk_guid.text();
    return facts;
  }
};

class Silence final : public run::Listener {
 public:
  void on(const run::Event& /*event*/) override {}
};

Result<void> boot(SimHost& machine, const EngineSwitches& switches) {
  const host::Host all = machine.host();
  Pages pages;
  DisksByGuid by_guid(all.disks);
  host::Disks& disks = switches.disks_by_guid ? static_cast<host::Disks&>(by_guid) : all.disks;
  host::Host host{all.target, all.target_path, all.state, all.own,      disks,    all.crypt,
                  all.mounts, all.processes,   all.clock, all.firmware, all.http, pages};
  Silence silence;
  stages::Context context{host, silence, "qemu", std::string(stamp), std::chrono::seconds(1), {}};
  context.options.workers = 0;
  context.options.seed = machine.plan().seed;
  context.options.check_after_apply = switches.check_after_apply;
  // As the generator has it: where the journal is in memory, nothing is asked of it.
  context.first_boot = {switches.forgets ? "" : std::string(stamp_device), "/run/provision/boot/provision", true,
                        switches.stamp_is_ours, nullptr};
  context.options.journal_in_memory = switches.forgets;
  for (const auto& stage : stages::stages()) {
    TRY_WHILE(stages::run_stage(context, stage), "running the stage " + std::string(stage.name));
    if (stage.name == "disks") {
      machine.mount_late();
    }
  }
  return {};
}

Flow flow_of(std::string name, MachineSpec machine, std::string_view config, EngineSwitches switches) {
  Flow flow;
  flow.name = std::move(name);
  flow.machine = std::move(machine);
  flow.machine.fw_cfg.emplace(config_item, config);
  flow.first_boot = [switches](SimHost& on) { return boot(on, switches); };
  flow.is_complete = [](SimHost& on) {
    const auto node = on.host().own.look(stamp);
    return node && !*node;
  };
  // The result file and the report tell the boot and the date.
  flow.ignored = {"/dev/vda1:/provision", "/dev/vda2:/etc/.ignition-result.json",
                  "/dev/vda2:/var/lib/provision/report.json", "/dev/vda9:/lib/provision/report.json"};
  flow.declared = {"/run/provision/",
                   "/run/provision",
                   "/run/ignition",
                   "/run/ignition/neednet",
                   "/sysroot/etc/.ignition-result.json",
                   "/sysroot/var/lib",
                   "/sysroot/var/lib/provision",
                   "/sysroot/var/lib/provision/"};
  return flow;
}

void declare(Flow& flow, std::initializer_list<std::string> targets) {
  flow.declared.insert(flow.declared.end(), targets);
}

DiskSpec used_disk() {
  DiskSpec disk = blank_disk("/dev/vdb", "used-disk");
  disk.disk_guid = uuid("used disk");
  const Tree data = tree({{"/precious", regular("data")}});
  disk.partitions = {partition(1, 1, 256, "keep", file_system("ext4", "keep", uuid("keep").text(), data)),
                     partition(2, 257, 256, "old", file_system("xfs", "old", uuid("old").text(), data))};
  return disk;
}

}  // namespace

Flow fresh_disk_flow(EngineSwitches switches) {
  MachineSpec machine = two_disk_machine();
  machine.disks[1].appears_after = std::chrono::milliseconds(300);
  Tree& root = machine.disks[0].partitions[1].content->files;
  for (const auto& [path, entry] : tree({{"/etc/issue", regular("issue", 0640, {1, 2})},
                                         {"/etc/issue.net", regular("net")},
                                         {"/etc/old/below/file", regular("old")},
                                         {"/etc/tree/below/file", regular("old")},
                                         {"/etc/systemd/system/masked.service", symlink("/dev/null")},
                                         {"/etc/systemd/system/multi-user.target.wants/off.service",
                                          symlink("/usr/lib/systemd/system/off.service")}})) {
    root.insert_or_assign(path, entry);
  }
  Flow flow = flow_of("fresh", std::move(machine), fresh_config, switches);
  declare(flow, {"/dev/vdb",
                 "/dev/vdb1",
                 "/dev/vdb2",
                 "/sysroot/var/www",
                 "/sysroot/var/www/",
                 "/sysroot/etc/motd",
                 "/sysroot/etc/deep",
                 "/sysroot/etc/deep/",
                 "/sysroot/etc/systemd/system/web.service",
                 "/sysroot/etc/systemd/system/old.service",
                 "/sysroot/etc/systemd/system-preset",
                 "/sysroot/etc/made",
                 "/sysroot/etc/made/",
                 "/sysroot/etc/old",
                 "/sysroot/etc/issue",
                 "/sysroot/etc/issue.net",
                 "/sysroot/etc/tree",
                 "/sysroot/etc/systemd/system/masked.service",
                 "/sysroot/etc/systemd/system/masked.service.d",
                 "/sysroot/etc/systemd/system/masked.service.d/",
                 "/sysroot/etc/systemd/system/multi-user.target.wants/off.service",
                 "/sysroot/etc/systemd/system-preset/20-ignition.preset"});
  return flow;
}

Flow selected_flow() {
  MachineSpec machine = two_disk_machine();
  machine.disks[1].appears_after = std::chrono::milliseconds(300);
  machine.disks[1].transport = "usb";
  machine.disks.push_back(blank_disk("/dev/vdc", "vault-disk"));
  machine.disks.push_back(used_disk());
  machine.disks[3].node = "/dev/vdd";
  Flow flow = flow_of("selected", std::move(machine), selecting_config, {});
  declare(flow,
          {"/dev/vdb", "/dev/vdb1", "/dev/vdb2", "/dev/vdc", "/dev/dm-0", "/dev/vdd", "/dev/vdd2", "/sysroot/var/www",
           "/sysroot/var/www/", "/sysroot/etc/crypttab", "/sysroot/etc/luks", "/sysroot/etc/luks/"});
  return flow;
}

Flow forgetful_flow() {
  Flow flow = fresh_disk_flow({.forgets = true});
  flow.name = "forgetful";
  flow.machine.state_path = "/run/provision/volatile";
  return flow;
}

// What a distribution's unit does in the real root: it fails if the stamp is gone already.
Flow distro_flow() {
  Flow flow = flow_of("distro", two_disk_machine(), R"({"ignition": {"version": "3.4.0"}, "storage": {"files": [
    {"path": "/etc/appended", "append": [{"source": "data:,more"}]}
  ]}})",
                      {.stamp_is_ours = false});
  const auto provision = flow.first_boot;
  flow.first_boot = [provision](SimHost& on) -> Result<void> {
    TRY(provision(on));
    host::Files& own = on.host().own;
    if (!TRY(own.look(stamp))) {
      return Error(Code::internal, "the distribution finds no stamp to clear");
    }
    TRY(own.remove(stamp));
    return own.sync(path::parent(stamp));
  };
  declare(flow, {"/sysroot/etc/appended"});
  return flow;
}

Flow used_disks_flow(EngineSwitches switches) {
  MachineSpec machine = two_disk_machine();
  // Through tree(), which makes them durable.
  for (const auto& [path, entry] : tree({{"/etc/hostname", regular("old")},
                                         {"/etc/fetched", regular("old")},
                                         {"/etc/appended", regular("old", 0640, {3, 4})}})) {
    machine.disks[0].partitions[1].content->files.insert_or_assign(path, entry);
  }
  machine.disks[1] = used_disk();
  machine.disks.push_back(blank_disk("/dev/vdc", "third-disk"));
  machine.disks[2].other_table = "dos";
  Flow flow = flow_of("used", std::move(machine), replacing_config, switches);
  declare(flow, {"/dev/vdb", "/dev/vdb2", "/dev/vdb3", "/dev/vdc", "/dev/vdc1", "/sysroot/srv", "/sysroot/srv/",
                 "/sysroot/etc/hostname", "/sysroot/etc/fetched", "/sysroot/etc/appended", "/run/ignition",
                 "/run/ignition/neednet"});
  return flow;
}

Flow corrected_flow() {
  Flow flow = used_disks_flow();
  flow.name = "corrected";
  flow.first_boot = [](SimHost& on) {
    on.set_fw_cfg(std::string(config_item), std::string(on.boot() == 1 ? fresh_config : replacing_config));
    return boot(on, {});
  };
  flow.is_expected = [](std::size_t boot, const Error& error) { return boot == 1 && error.code == Code::conflict; };
  return flow;
}

Flow started_over_flow() {
  MachineSpec machine = two_disk_machine();
  for (const auto& [path, entry] : tree({{"/etc/tree/below/file", regular("old")}})) {
    machine.disks[0].partitions[1].content->files.insert_or_assign(path, entry);
  }
  // A table that neither config makes: what the first one's file system is worth only the journal tells.
  machine.disks.push_back(used_disk());
  machine.disks[2].node = "/dev/vdc";
  machine.disks[2].facts.serial = "third-disk";
  machine.disks[2].partitions.push_back(partition(3, 520, 100, "data", {}));
  machine.disks[2].partitions.back().content.reset();
  machine.command_line = "quiet provision.unfinished=start-over";
  Flow flow = flow_of("started-over", std::move(machine), failing_config, {});
  const std::string first = replaced(failing_config, "HASH", Digest::sha256("another page").hex());
  flow.first_boot = [first](SimHost& on) {
    on.set_fw_cfg(std::string(config_item), on.boot() == 1 ? first : std::string(other_config));
    return boot(on, {});
  };
  flow.is_expected = [](std::size_t boot, const Error& error) { return boot == 1 && error.code == Code::bad_contents; };
  flow.needs_the_journal = true;
  // Of a directory that the first config was overwriting when the power went: the file is there, and so nobody of the
  // other config comes by to find what is left (docs/exactly-once.md).
  flow.left_open = {"/dev/vda2:/etc/.provision-"};
  declare(flow,
          {"/dev/vdb", "/dev/vdb1", "/dev/vdb2", "/dev/vdb3", "/dev/vdc3", "/sysroot/var/www", "/sysroot/var/www/",
           "/sysroot/etc/made", "/sysroot/etc/made/", "/sysroot/etc/motd", "/sysroot/etc/tree",
           "/sysroot/etc/systemd/system/old.service", "/sysroot/etc/systemd/system/web.service",
           "/sysroot/etc/systemd/system-preset", "/sysroot/etc/systemd/system-preset/20-ignition.preset"});
  return flow;
}

Flow corrected_late_flow() {
  Flow flow = started_over_flow();
  flow.name = "corrected-late";
  // Derived from the config by which the table was made, the first or the second; no config can give it.
  flow.left_open.emplace_back("/dev/vdb: table gpt ");
  flow.machine.command_line.clear();
  const std::string first = replaced(failing_config, "HASH", Digest::sha256("another page").hex());
  const std::string second =
      replaced(replaced(replaced(failing_config, "HASH", Digest::sha256("page a").hex()), "3.4.0", "3.6.0+provision.1"),
               R"("storage")", R"("provision": {"unfinished": "resume"}, "storage")");
  flow.first_boot = [first, second](SimHost& on) {
    on.set_fw_cfg(std::string(config_item), on.boot() == 1 ? first : second);
    return boot(on, {});
  };
  return flow;
}

Flow changed_disks_flow() {
  MachineSpec machine = two_disk_machine();
  machine.disks[0].disk_guid = *Uuid::parse("00000000-0000-0000-0000-000000000001");
  machine.disks[0].grown = true;
  machine.disks[1] = used_disk();
  const Tree data = tree({{"/data", regular("data")}});
  machine.disks[1].partitions.push_back(
      partition(3, 520, 100, "moves", file_system("ext4", "moves", uuid("moves").text(), data)));
  machine.disks[1].partitions.push_back(
      partition(4, 700, 50, "last", file_system("btrfs", "last", uuid("last").text(), data)));
  machine.disks[1].partitions.push_back(partition(5, 800, 100, "blank", {}));
  machine.disks[1].partitions.back().content.reset();
  machine.disks.push_back(blank_disk("/dev/vdc", "third-disk"));
  machine.disks[2].facts.sector_size = 4096;
  machine.disks[2].facts.sectors /= 4;
  machine.disks[2].appears_after = std::chrono::milliseconds(200);
  machine.disks.push_back(blank_disk("/dev/vdd", "fourth-disk"));
  machine.disks[3].content = foreign("crypto_LUKS", "", uuid("luks").text());
  Flow flow = flow_of("changed", std::move(machine), changing_config, {});
  declare(flow, {"/dev/vda", "/dev/vda9", "/dev/vdb", "/dev/vdb2", "/dev/vdb3", "/dev/vdc", "/dev/vdc1", "/dev/vdc2",
                 "/dev/vdc4", "/dev/vdd", "/sysroot/var", "/sysroot/var/", "/sysroot/boot", "/sysroot/boot/"});
  return flow;
}

namespace {

Flow accounts_flow_of(const std::string& name, std::string_view config, EngineSwitches switches) {
  MachineSpec machine = two_disk_machine();
  // A file system of its own, to which a home moves.
  machine.disks[1].disk_guid = uuid("homes disk");
  machine.disks[1].partitions = {
      partition(1, 1, 256, "homes", file_system("ext4", "homes", uuid("homes").text(), tree()))};
  machine.mounts.push_back({"/dev/disk/by-partlabel/homes", "/sysroot/mnt", "ext4", "rw"});
  Tree& root = machine.disks[0].partitions[1].content->files;
  const std::map<std::string, Entry> entries{
      {"/etc/passwd", regular("root:x:0:0:root:/root:/bin/sh\nold:x:1000:1000:O:/home/old:/bin/sh\n"
                              "gone:x:1001:1001::/home/gone:/bin/sh\nfar:x:1002:1000::/home/far:/bin/sh\n")},
      {"/etc/group", regular("root:x:0:\nadm:x:4:old,gone\nold:x:1000:\ngone:x:1001:\n")},
      {"/etc/shadow", regular("root:*:1::::::\nold:$6$old:1::::::\ngone:*:1::::::\nfar:*:1::::::\n", 0640, {0, 42})},
      {"/etc/gshadow", regular("root:*::\nadm:*::old,gone\nold:!::\ngone:!::\n", 0640, {0, 42})},
      {"/etc/subuid", regular("old:100000:65536\ngone:165536:65536\n")},
      {"/etc/subgid", regular("old:100000:65536\ngone:165536:65536\n")},
      {"/etc/login.defs", regular("USERGROUPS_ENAB yes\nPASS_MAX_DAYS 99999\nHOME_MODE 0750\n")},
      {"/etc/skel/.profile", regular("profile")},
      {"/etc/skel/link", symlink("/outside")},
      {"/etc/skel/d/deep", regular("deep", 0600)},
      {"/home/old/mine", regular("mine", 0644, {1000, 1000})},
      {"/home/gone/d/theirs", regular("theirs", 0644, {1001, 1001})},
      {"/home/far/d/deep", regular("deep", 0600, {1002, 1000})},
      {"/home/far/d/link", symlink("deep", {1002, 1000})},
      {"/mnt", directory()},
      {"/srv", directory()}};
  for (const auto& [path, entry] : tree(entries)) {
    root.insert_or_assign(path, entry);
  }
  root["/home/old"] = directory(0755, {1000, 1000});
  root["/home/far"] = directory(0700, {1002, 1000});
  root["/home/gone"] = directory(0755, {1001, 1001});
  Flow flow = flow_of(name, std::move(machine), config, switches);
  declare(flow, {"/sysroot/etc/.pwd.lock", "/sysroot/etc/passwd", "/sysroot/etc/shadow", "/sysroot/etc/group",
                 "/sysroot/etc/gshadow", "/sysroot/etc/subuid", "/sysroot/etc/subgid", "/sysroot/home/core",
                 "/sysroot/home/core/", "/sysroot/home/old", "/sysroot/srv/old", "/sysroot/srv/old/",
                 "/sysroot/home/far", "/sysroot/home/far/", "/sysroot/mnt/homes", "/sysroot/mnt/homes/",
                 "/sysroot/home/gone", "/sysroot/home/gone/"});
  // Taken for the lock; whether it was made says nothing.
  flow.ignored.emplace_back("/dev/vda2:/etc/.pwd.lock");
  return flow;
}

}  // namespace

Flow accounts_flow() { return accounts_flow_of("accounts", accounts_config, {}); }

Flow forgetful_accounts_flow() {
  Flow flow = accounts_flow_of("forgetful-accounts", new_accounts_config, {.forgets = true});
  declare(flow, {"/sysroot/home", "/sysroot/home/.provision-home-core", "/sysroot/home/.provision-home-core/",
                 "/sysroot/srv/homes", "/sysroot/srv/homes/"});
  flow.machine.state_path = "/run/provision/volatile";
  return flow;
}

Flow arrays_flow(EngineSwitches switches) {
  MachineSpec machine = two_disk_machine();
  for (const auto* node : {"/dev/vdc", "/dev/vdd", "/dev/vde"}) {
    machine.disks.push_back(blank_disk(node, std::string(node).substr(5)));
  }
  machine.disks[2].appears_after = std::chrono::milliseconds(200);
  // Of an array that somebody had: its content shows through a new one.
  machine.disks[1] = used_disk();
  Flow flow = flow_of("arrays", std::move(machine), arrays_config, switches);
  declare(flow, {"/dev/vdb", "/dev/vdb1", "/dev/vdc", "/dev/vdc1", "/dev/vdc2", "/dev/vdd", "/dev/vde", "/dev/md127",
                 "/dev/md126", "/dev/md125", "/sysroot/srv", "/sysroot/srv/"});
  return flow;
}

Flow archives_flow(EngineSwitches switches) {
  MachineSpec machine = two_disk_machine();
  for (const auto& [path, entry] : tree({{"/etc/app/old", regular("old", 0600)},
                                         {"/etc/app/link", symlink("/etc/motd")},
                                         {"/etc/app/kept", regular("kept")},
                                         {"/etc/app/was-file", regular("file")},
                                         {"/etc/app/other", regular("other")}})) {
    machine.disks[0].partitions[1].content->files.insert_or_assign(path, entry);
  }
  const std::string config = replaced(archives_config, "ETC", base64(given_archive()));
  Flow flow = flow_of("archives", std::move(machine), config, switches);
  declare(flow, {"/sysroot/opt", "/sysroot/opt/", "/sysroot/etc/app", "/sysroot/etc/app/"});
  return flow;
}

Flow forgetful_archives_flow() {
  Flow flow = archives_flow({.forgets = true});
  flow.name = "forgetful-archives";
  flow.machine.state_path = "/run/provision/volatile";
  return flow;
}

Flow groups_flow(EngineSwitches switches) {
  constexpr std::int64_t bytes = std::int64_t{64} << 20U;
  MachineSpec machine = two_disk_machine();
  machine.disks.push_back(blank_disk("/dev/vdc", "third-disk"));
  machine.disks.push_back(blank_disk("/dev/vdd", "fourth-disk"));
  VolumeGroupSpec old;
  old.name = "old";
  old.uuid = "old";
  old.devices = {{"/dev/vdc", "aaaaaa-0000-0000-0000-0000-0000-000001"},
                 {"/dev/vdd", "aaaaaa-0000-0000-0000-0000-0000-000002"}};
  old.logical = {{"was", "linear", bytes, 1, "", file_system("xfs", "was", uuid("was").text(), tree())}};
  machine.groups.push_back(std::move(old));
  Flow flow = flow_of("groups", std::move(machine), groups_config, switches);
  declare(flow, {"/dev/vdb", "/dev/vdb1", "/dev/vdc", "/dev/vdd", "/dev/dm-0", "/dev/dm-1", "/dev/dm-2", "/dev/dm-3",
                 "/dev/dm-4", "/sysroot/srv", "/sysroot/srv/", "/sysroot/etc/luks", "/sysroot/etc/luks/",
                 "/sysroot/etc/crypttab"});
  return flow;
}

Flow given_up_flow() {
  constexpr std::int64_t bytes = std::int64_t{64} << 20U;
  const Tree data = tree({{"/precious", regular("data")}});
  MachineSpec machine = two_disk_machine();
  machine.disks.push_back(blank_disk("/dev/vdc", "third-disk"));
  ArraySpec mirror;
  mirror.uuid = uuid("old mirror");
  mirror.name = "any:mirror";
  mirror.content = file_system("ext4", "mirror", uuid("in the mirror").text(), data);
  machine.disks[1].disk_guid = uuid("second disk");
  machine.disks[1].partitions = {partition(1, 1, 256, "m1", member_of(mirror)),
                                 partition(2, 257, 256, "vault", raw_bytes(""))};
  machine.disks[2].disk_guid = uuid("third disk");
  machine.disks[2].partitions = {partition(1, 1, 256, "m2", member_of(mirror)),
                                 partition(2, 257, 300, "pv", raw_bytes(""))};
  machine.arrays = {mirror};
  VolumeSpec vault;
  vault.device = "/dev/vdb2";
  vault.uuid = uuid("old vault").text();
  vault.key = "old key";
  vault.content = file_system("xfs", "vault", uuid("in the vault").text(), data);
  vault.bound = true;
  machine.volumes = {vault};
  VolumeGroupSpec group;
  group.name = "vg0";
  group.uuid = "old";
  group.devices = {{"/dev/vdc2", "aaaaaa-0000-0000-0000-0000-0000-000001"}};
  group.logical = {{"data", "linear", bytes, 1, "", file_system("ext4", "data", uuid("in the group").text(), data)}};
  machine.groups = {group};
  Flow flow = flow_of("given-up", std::move(machine), given_up_config, {});
  declare(flow, {"/dev/vdb", "/dev/vdb1", "/dev/vdb2", "/dev/vdc", "/dev/vdc1", "/dev/vdc2", "/dev/md127", "/dev/dm-0",
                 "/dev/dm-1", "/sysroot/srv", "/sysroot/srv/", "/sysroot/etc/crypttab"});
  return flow;
}

Flow forgetful_groups_flow() {
  Flow flow = groups_flow({.forgets = true});
  flow.name = "forgetful-groups";
  flow.machine.state_path = "/run/provision/volatile";
  return flow;
}

Flow forgetful_arrays_flow() {
  Flow flow = arrays_flow({.forgets = true});
  flow.name = "forgetful-arrays";
  flow.machine.state_path = "/run/provision/volatile";
  return flow;
}

namespace {

// The volumes' names, and where each lies when the machine is off.
const std::map<std::string, std::string>& volume_places() {
  static const std::map<std::string, std::string> places{
      {"data", "/dev/vdb3"}, {"made", "/dev/md/mirror"}, {"kept", "/dev/vdb1"}, {"anew", "/dev/vdb2"}};
  return places;
}

// No snapshot has a key: one may be made by chance.
std::vector<std::string> faults_of_volume(SimHost& machine, const std::string& name, const std::string& place,
                                          const std::vector<std::string_view>& crypttab) {
  constexpr std::size_t most = 9000;
  const auto header = machine.luks(place);
  if (!header) {
    return {"there is no volume " + name};
  }
  const std::string path = "/etc/luks/" + name;
  std::vector<std::string> wrong;
  host::Files& target = machine.host().target;
  const auto node = target.look(path);
  if (!node || !*node || (*node)->mode != 0600 || (*node)->kind != host::NodeKind::regular) {
    wrong.push_back(path + " is no private file");
  }
  if (target.read(path, most).value_or("") != header->keys.at(0)) {
    wrong.push_back(path + " is not the key of its volume");
  }
  const std::string line = name + " UUID=" + header->header.uuid + " " + path + " luks,x-initrd.attach";
  if (std::count(crypttab.begin(), crypttab.end(), line) != 1) {
    wrong.push_back("/etc/crypttab has not just once: " + line);
  }
  return wrong;
}

std::vector<std::string> faults_of_volumes(SimHost& machine) {
  constexpr std::size_t most = 9000;
  const host::Host host = machine.host();
  std::vector<std::string> wrong;
  const std::string crypttab = host.target.read("/etc/crypttab", most).value_or("");
  const auto lines = split(crypttab, '\n');
  if (static_cast<std::size_t>(std::count(crypttab.begin(), crypttab.end(), '\n')) != volume_places().size()) {
    wrong.push_back("/etc/crypttab has other lines too: " + crypttab);
  }
  for (const auto& [name, place] : volume_places()) {
    const auto more = faults_of_volume(machine, name, place, lines);
    wrong.insert(wrong.end(), more.begin(), more.end());
  }
  const auto keys = host.state.look("/keys");
  if (!keys || *keys) {
    wrong.emplace_back("keys are left beside the journal");
  }
  return wrong;
}

Flow volumes_flow_of(const std::string& name, const std::string& config, EngineSwitches switches) {
  MachineSpec machine = two_disk_machine();
  machine.disks[1] = used_disk();
  machine.disks.push_back(blank_disk("/dev/vdc", "third-disk"));
  machine.disks.push_back(blank_disk("/dev/vdd", "fourth-disk"));
  const Tree data = tree({{"/precious", regular("data")}});
  machine.volumes = {{"/dev/vdb1", uuid("kept").text(), "kept", true, 2, "kept key",
                      file_system("ext4", "inside", uuid("inside").text(), data), ""},
                     {"/dev/vdb2", uuid("anew").text(), "old", false, 2, "page a",
                      file_system("xfs", "inside", uuid("old inside").text(), data), ""}};
  Flow flow = flow_of(name, std::move(machine), config, switches);
  flow.faults_of = &faults_of_volumes;
  declare(flow, {"/dev/vdb", "/dev/vdb2", "/dev/vdb3", "/dev/vdc", "/dev/vdd", "/dev/md127", "/dev/dm-0", "/dev/dm-1",
                 "/dev/dm-2", "/dev/dm-3", "/sysroot/srv", "/sysroot/srv/", "/sysroot/etc/luks", "/sysroot/etc/luks/",
                 "/sysroot/etc/crypttab"});
  flow.ignored.emplace_back("/dev/vda2:/etc/luks/made");
  return flow;
}

// A slot and a token for each binding, the key slot of a user's own key, and none of a key that was drawn.
std::vector<std::string> faults_of_bound(SimHost& machine) {
  constexpr std::size_t most = 9000;
  std::vector<std::string> wrong;
  const auto drawn = machine.luks("/dev/vdb");
  const auto given = machine.luks("/dev/vdc");
  if (!drawn || !drawn->header.bound || drawn->keys.size() != 1) {
    wrong.emplace_back("the volume of a drawn key is not opened by its binding alone");
  }
  if (!given || !given->header.bound || given->keys.size() != 2) {
    wrong.emplace_back("the volume of a given key is not opened by that and its binding");
  }
  const host::Host host = machine.host();
  for (const std::string_view path : {"/etc/luks/drawn", "/etc/luks/given"}) {
    const auto node = host.target.look(path);
    if (!node || *node) {
      wrong.push_back("there is " + std::string(path));
    }
  }
  const std::string lines = "drawn UUID=" + (drawn ? drawn->header.uuid : "") + " none luks,_netdev,x-initrd.attach\n" +
                            "given UUID=" + (given ? given->header.uuid : "") + " none luks,x-initrd.attach\n";
  const std::string crypttab = host.target.read("/etc/crypttab", most).value_or("");
  if (crypttab != lines) {
    wrong.push_back("/etc/crypttab is another: " + crypttab);
  }
  const auto keys = host.state.look("/keys");
  if (!keys || *keys) {
    wrong.emplace_back("keys are left beside the journal");
  }
  return wrong;
}

// No snapshot has the recovery key, which is made by chance.
std::vector<std::string> faults_of_recovery_key(SimHost& machine) {
  const std::string path = "/etc/luks/drawn.recovery";
  constexpr std::size_t most = 9000;
  constexpr std::size_t size = 71;
  const auto drawn = machine.luks("/dev/vdb");
  const host::Host host = machine.host();
  const auto node = host.target.look(path);
  std::vector<std::string> wrong;
  if (!node || !*node || (*node)->mode != 0600 || (*node)->kind != host::NodeKind::regular) {
    wrong.push_back(path + " is no private file");
  }
  const std::string key = host.target.read(path, most).value_or("");
  const bool opens = drawn && std::any_of(drawn->keys.begin(), drawn->keys.end(),
                                          [&](const auto& slot) { return slot.second == key; });
  if (key.size() != size || !opens) {
    wrong.push_back(path + " is no recovery key of its volume");
  }
  return wrong;
}

// A slot for what is enrolled, one of a user's own key, and none of a key that was drawn, nor of what a cut has left.
std::vector<std::string> faults_of_enrolled(SimHost& machine) {
  constexpr std::size_t most = 9000;
  std::vector<std::string> wrong = faults_of_recovery_key(machine);
  const auto drawn = machine.luks("/dev/vdb");
  const auto given = machine.luks("/dev/vdc");
  if (!drawn || !drawn->header.tpm2 || !drawn->header.recovery || drawn->keys.size() != 2) {
    wrong.emplace_back("the volume of a drawn key is not opened by just the TPM and the recovery key");
  }
  if (!given || !given->header.tpm2 || given->keys.size() != 2) {
    wrong.emplace_back("the volume of a given key is not opened by just that and the TPM");
  }
  const host::Host host = machine.host();
  for (const std::string_view path : {"/etc/luks/drawn", "/etc/luks/given"}) {
    const auto node = host.target.look(path);
    if (!node || *node) {
      wrong.push_back("there is " + std::string(path));
    }
  }
  const std::string lines =
      "drawn UUID=" + (drawn ? drawn->header.uuid : "") + " none luks,tpm2-device=auto,tpm2-pin=yes,x-initrd.attach\n" +
      "given UUID=" + (given ? given->header.uuid : "") + " none luks,tpm2-device=auto,x-initrd.attach\n";
  const std::string crypttab = host.target.read("/etc/crypttab", most).value_or("");
  if (crypttab != lines) {
    wrong.push_back("/etc/crypttab is another: " + crypttab);
  }
  const auto keys = host.state.look("/keys");
  if (!keys || *keys) {
    wrong.emplace_back("keys are left beside the journal");
  }
  return wrong;
}

Flow enrolled_flow_of(const std::string& name, EngineSwitches switches) {
  MachineSpec machine = two_disk_machine();
  machine.disks.push_back(blank_disk("/dev/vdc", "third-disk"));
  machine.volumes = {{"/dev/vdc", uuid("given").text(), "", false, 2, "given key",
                      file_system("ext4", "inside", uuid("inside").text(), tree({{"/precious", regular("data")}})),
                      ""}};
  Flow flow = flow_of(name, std::move(machine), enrolled_config, switches);
  flow.faults_of = &faults_of_enrolled;
  declare(flow, {"/dev/vdb", "/dev/vdc", "/dev/dm-0", "/dev/dm-1", "drawn", "given", "/sysroot/srv", "/sysroot/srv/",
                 "/sysroot/etc/luks", "/sysroot/etc/luks/", "/sysroot/etc/crypttab"});
  flow.ignored.emplace_back("/dev/vda2:/etc/luks/drawn.recovery");
  return flow;
}

// What zkey has of a key: two files for root alone, of which the first is the volume key.
std::vector<std::string> faults_of_secure_key(SimHost& machine, const Luks& volume) {
  constexpr std::size_t most = 9000;
  host::Files& target = machine.host().target;
  std::vector<std::string> wrong;
  for (const std::string part : {"skey", "info"}) {
    const std::string path = "/etc/zkey/repository/ignition-luks-safe." + part;
    const auto node = target.look(path);
    if (!node || !*node || (*node)->mode != 0600 || (*node)->kind != host::NodeKind::regular) {
      wrong.push_back(path + " is no private file");
    }
  }
  if (volume.volume_key != target.read("/etc/zkey/repository/ignition-luks-safe.skey", most).value_or("")) {
    wrong.emplace_back("the secure key in the target is not the volume's");
  }
  const std::string info = target.read("/etc/zkey/repository/ignition-luks-safe.info", most).value_or("");
  if (info != "description=Secure Key for safe Volume\napqns=01.0004,02.0004\n") {
    wrong.push_back("what zkey knows of the secure key is another: " + info);
  }
  const auto directory = target.look("/etc/zkey/repository");
  if (!directory || !*directory || (*directory)->mode != 0700) {
    wrong.emplace_back("zkey's repository is not for root alone");
  }
  return wrong;
}

std::vector<std::string> faults_of_cex(SimHost& machine) {
  constexpr std::size_t most = 9000;
  const auto safe = machine.luks("/dev/vdb");
  const auto kept = machine.luks("/dev/vdc");
  if (!safe || !kept) {
    return {"there is a volume no more"};
  }
  std::vector<std::string> wrong = faults_of_secure_key(machine, *safe);
  std::string lines;
  for (const auto& [name, volume] : {std::pair("safe", *safe), std::pair("kept", *kept)}) {
    const bool good = volume.header.paes && volume.header.verified && volume.keys.size() == 1;
    if (!good || volume.keys.at(0) != "no secret") {
      wrong.push_back(std::string(name) + " is no verified volume of a secure key that just the image's key opens");
    }
    const std::string path = "/etc/luks/" + std::string(name);
    if (machine.host().target.read(path, most).value_or("") != "no secret") {
      wrong.push_back(path + " is not the key of its volume");
    }
    lines += std::string(name) + " UUID=" + volume.header.uuid + " " + path + " luks,x-initrd.attach\n";
  }
  const std::string crypttab = machine.host().target.read("/etc/crypttab", most).value_or("");
  if (crypttab != lines) {
    wrong.push_back("/etc/crypttab is another: " + crypttab);
  }
  const auto keys = machine.host().state.look("/keys");
  if (!keys || *keys) {
    wrong.emplace_back("keys are left beside the journal");
  }
  return wrong;
}

Flow cex_flow_of(const std::string& name, const std::string& config, EngineSwitches switches) {
  MachineSpec machine = two_disk_machine();
  machine.disks.push_back(blank_disk("/dev/vdc", "third-disk"));
  machine.cards = {{"01.0004", "cca"}, {"02.0004", "cca"}, {"02.0005", "-cca"}, {"03.0004", "ep11"}};
  machine.card_key = "no secret";
  machine.programs = {"zkey", "zkey-cryptsetup"};
  VolumeSpec kept{"/dev/vdc",
                  uuid("kept").text(),
                  "",
                  false,
                  2,
                  "no secret",
                  file_system("ext4", "inside", uuid("inside").text(), tree({{"/precious", regular("data")}})),
                  ""};
  kept.paes = true;
  kept.verified = true;
  machine.volumes = {std::move(kept)};
  Flow flow = flow_of(name, std::move(machine), config, switches);
  flow.faults_of = &faults_of_cex;
  declare(flow, {"/dev/vdb", "/dev/dm-0", "/dev/dm-1", "/etc/zkey", "/etc/zkey/", "/sysroot/srv", "/sysroot/srv/",
                 "/sysroot/etc/luks", "/sysroot/etc/luks/", "/sysroot/etc/zkey", "/sysroot/etc/zkey/",
                 "/sysroot/etc/crypttab"});
  flow.ignored.emplace_back("/dev/vda2:/etc/zkey/repository/ignition-luks-safe.skey");
  return flow;
}

Flow bound_flow_of(const std::string& name, EngineSwitches switches) {
  MachineSpec machine = two_disk_machine();
  machine.disks.push_back(blank_disk("/dev/vdc", "third-disk"));
  Flow flow = flow_of(name, std::move(machine), bound_config, switches);
  flow.faults_of = &faults_of_bound;
  declare(flow,
          {"/dev/vdb", "/dev/vdc", "/dev/dm-0", "/dev/dm-1", "/sysroot/srv", "/sysroot/srv/", "/sysroot/etc/crypttab"});
  return flow;
}

// Its root must be kept, and is mounted behind the stage `disks`, whatever type it has by then.
MachineSpec machine_with_kept_root(const std::string& type) {
  MachineSpec machine = two_disk_machine();
  machine.command_line = "root=LABEL=root provision.root=keep ignition.firstboot ignition.platform.id=qemu";
  machine.mounts[0] = {"/dev/disk/by-label/root", "/sysroot", type, "rw", true};
  Tree& root = machine.disks[0].partitions[1].content->files;
  for (const auto& [path, entry] : tree({{"/lost+found/piece", regular("lost")},
                                         {"/etc/shadow", regular("secret", 0600, {0, 42})},
                                         {"/bin", symlink("usr/bin")},
                                         {"/tmp", directory(01777)},
                                         {"/home/core/own", regular("own", 0640, {1000, 1000})}})) {
    root.insert_or_assign(path, entry);
  }
  root.at("/").node.mode = 0711;
  return machine;
}

bool has(std::string_view line, std::string_view part) { return line.find(part) != std::string_view::npos; }

bool is_disturbed(std::string_view line) { return has(line, " <- "); }

// The calls of each boot: "  12 boot 1 CALL", with "   <- FAULT" behind it.
std::vector<std::vector<std::string_view>> boots_of(const Run& run) {
  std::vector<std::vector<std::string_view>> boots;
  std::string_view boot;
  for (const auto line : split(run.trace, '\n')) {
    const std::size_t at = line.find(" boot ");
    if (at == std::string_view::npos) {
      continue;
    }
    const std::string_view now = line.substr(at, line.find(' ', at + 6) - at);
    if (boots.empty() || now != boot) {
      boots.emplace_back();
      boot = now;
    }
    boots.back().push_back(line);
  }
  return boots;
}

// A boot ended when the old boot partition was no more, and the journal was in memory: that it goes there, and that it
// is on a disk again, is told in a file, one after the other.
bool ended_while_moved(const Run& run) {
  const auto boots = boots_of(run);
  return std::any_of(boots.begin(), boots.end(), [](const auto& lines) {
    bool moved = false;
    bool gone = false;
    for (const auto line : lines) {
      if (has(line, "replace /run/provision/journal-moved")) {
        moved = !moved || is_disturbed(line);
      }
      gone = gone || (moved && has(line, " /dev/vda1") && (has(line, "wipe_signatures") || has(line, "run mkfs")));
    }
    return moved && gone;
  });
}

// A boot ended when the device of what memory keeps had begun to change, and it was not on record that the files are
// back.
bool ended_while_in_memory(const Run& run) {
  const auto boots = boots_of(run);
  return std::any_of(boots.begin(), boots.end(), [](const auto& lines) {
    bool changed = false;
    bool forgotten = false;
    bool failed = false;
    bool recorded = false;
    for (const auto line : lines) {
      changed = changed || has(line, "write_table") || has(line, "wipe_signatures") || has(line, "run mkfs");
      // What fails, or is not what it says, from here on is on record as failed.
      failed = failed || (is_disturbed(line) && changed && !recorded);
      forgotten = forgotten || has(line, "unmount tmpfs");
      recorded = recorded || (forgotten && !failed && has(line, "sync /run/provision/boot/provision/journal"));
    }
    return changed && !recorded;
  });
}

// Its second disk has an EFI system partition.
MachineSpec machine_with_esp() {
  MachineSpec machine = two_disk_machine();
  const Tree loader = tree({{"/EFI/BOOT/BOOTX64.EFI", regular("loader")}, {"/EFI/empty", directory()}});
  DiskSpec old = blank_disk("/dev/vdb", "used-disk");
  old.disk_guid = uuid("used disk");
  old.partitions = {partition(1, 1, 32, "EFI-SYSTEM", file_system("vfat", "EFI-SYSTEM", "1111-2222", loader))};
  old.partitions[0].entry.type = *Uuid::parse("c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
  machine.disks[1] = std::move(old);
  return machine;
}

}  // namespace

Flow root_flow(bool forgets) {
  MachineSpec machine = machine_with_kept_root("ext4");
  machine.disks[1].facts.sectors = 4096 * mib;
  Flow flow = flow_of(forgets ? "forgetful-mirror" : "root", std::move(machine), root_config, {.forgets = forgets});
  flow.ignored.insert(flow.ignored.end(),
                      {"/dev/md/root:/etc/.ignition-result.json", "/dev/vdb2:/lib/provision/report.json"});
  declare(flow, {"/dev/vda", "/dev/vdb", "/dev/vdb1", "/dev/vdb2", "/dev/vda2", "/dev/md127", "/sysroot/etc/motd",
                 "/sysroot/var", "/sysroot/var/"});
  if (forgets) {
    flow.machine.state_path = "/run/provision/volatile";
    flow.left_open = {"no device that the config names has them", "are nowhere to be found",
                      "which would be lost: wipe it (wipefs -a does)", "the first boot never completes"};
  }
  return flow;
}

Flow reformatted_root_flow(bool forgets) {
  Flow flow = flow_of(forgets ? "forgetful-root" : "reformatted-root", machine_with_kept_root("xfs"),
                      reformatted_root_config, {.forgets = forgets});
  if (forgets) {
    flow.machine.state_path = "/run/provision/volatile";
  }
  flow.left_open = {"are nowhere to be found", "no device that the config names has them",
                    "the first boot never completes"};
  if (!forgets) {
    flow.leaves_open = &ended_while_in_memory;
  }
  declare(flow, {"/dev/vda2", "/sysroot/etc/motd"});
  return flow;
}

Flow same_root_flow() {
  Flow flow = flow_of("same-root", machine_with_kept_root("ext4"),
                      replaced(same_root_config, "UUID\"", uuid("root").text() + "\""), {});
  flow.left_open = {"are nowhere to be found", "the first boot never completes"};
  flow.leaves_open = &ended_while_in_memory;
  declare(flow, {"/dev/vda2", "/sysroot/etc/motd"});
  return flow;
}

Flow kept_flow(bool forgets) {
  MachineSpec machine = machine_with_esp();
  machine.command_line += " provision.keep=esp,LABEL=old-boot";
  const Tree kernels = tree({{"/vmlinuz", regular("kernel", 0600, {0, 42})}, {"/current", symlink("vmlinuz")}});
  machine.disks[1].partitions.push_back(
      partition(2, 33, 32, "old-boot", file_system("ext4", "old-boot", uuid("old boot").text(), kernels)));
  machine.disks.push_back(blank_disk("/dev/vdc", "third-disk"));
  machine.disks.push_back(blank_disk("/dev/vdd", "fourth-disk"));
  Flow flow = flow_of(forgets ? "forgetful-kept" : "kept", std::move(machine), kept_config, {.forgets = forgets});
  declare(flow, {"/dev/vdb", "/dev/vdb1", "/dev/vdb2", "/dev/vdc", "/dev/vdc1", "/dev/vdc2", "/dev/vdd", "/dev/vdd1"});
  if (forgets) {
    flow.machine.state_path = "/run/provision/volatile";
    flow.left_open = {"no device that the config names has them", "are nowhere to be found",
                      "the first boot never completes"};
  }
  return flow;
}

Flow kept_in_memory_flow() {
  MachineSpec machine = machine_with_esp();
  machine.command_line += " provision.keep=esp";
  Flow flow = flow_of("kept-in-memory", std::move(machine), kept_in_memory_config, {});
  declare(flow, {"/dev/vdb", "/dev/vdb1"});
  flow.left_open = {"are nowhere to be found", "the first boot never completes"};
  flow.leaves_open = &ended_while_in_memory;
  return flow;
}

Flow moved_journal_flow(bool on_disk) {
  MachineSpec machine = two_disk_machine();
  machine.command_line += " provision.keep=LABEL=boot";
  Tree& files = machine.disks[0].partitions[0].content->files;
  for (const auto& [path, entry] : tree({{"/vmlinuz", regular("kernel", 0600, {0, 42})},
                                         {"/loader/current", symlink("../vmlinuz")},
                                         {"/provision/of-an-earlier-boot", regular("old")}})) {
    files.insert_or_assign(path, entry);
  }
  // Where the table of the old one's disk is not known, nobody knows what its files may take.
  const std::string named = replaced(moved_journal_config, R"("disks": [)", R"("disks": [{"device": "/dev/vda"}, )");
  const std::string another = replaced(
      named, R"("path": "/var", "wipeFilesystem": true})",
      R"("path": "/var", "wipeFilesystem": true}, {"device": "/dev/vdc", "format": "xfs", "label": "old-data", "wipeFilesystem": true})");
  const std::string config =
      on_disk ? replaced(another, R"("sizeMiB": 64)", R"("sizeMiB": 480)") : std::string(moved_journal_config);
  if (on_disk) {
    machine.command_line += ",LABEL=old-data";
    machine.disks.push_back(blank_disk("/dev/vdc", "third-disk"));
    machine.disks[2].facts.sectors = 64 * mib;
    machine.disks[2].content =
        file_system("ext4", "old-data", uuid("old data").text(), tree({{"/precious", regular("data")}}));
  }
  Flow flow = flow_of(on_disk ? "moved-journal-kept-on-disk" : "moved-journal", std::move(machine), config, {});
  // An empty file system has no stamp either.
  flow.is_complete = [](SimHost& on) {
    const host::Host host = on.host();
    const auto stamped = host.own.look(stamp);
    const auto journal = run::Journal::open(host.state);
    return stamped && !*stamped && journal && journal->complete();
  };
  flow.ignored.emplace_back("/dev/vdb1:/lib/provision/report.json");
  declare(flow,
          {"/dev/vda1", "/dev/vdb", "/dev/vdb1", "/dev/vdc", "/sysroot/var", "/sysroot/var/", "/sysroot/etc/motd"});
  // Until the new file system has them, the power takes the files and the journal.
  flow.left_open = {"are nowhere to be found", "no device that the config names has them",
                    "the first boot never completes"};
  flow.leaves_open = &ended_while_moved;
  // Also what a FAT has shown to all.
  flow.faults_of = [](SimHost& on) {
    const auto file = on.host().own.look("/run/provision/boot/provision/of-an-earlier-boot");
    const bool is_open = file && *file && ((*file)->mode & 077U) != 0;
    return is_open ? std::vector<std::string>{"what lies beside the journal is open to others"}
                   : std::vector<std::string>{};
  };
  return flow;
}

Flow loaders_flow() {
  MachineSpec machine = two_disk_machine();
  machine.command_line += " provision.keep=bios,prep";
  DiskSpec old = blank_disk("/dev/vdb", "used-disk");
  old.disk_guid = uuid("used disk");
  old.partitions = {partition(1, 1, 1, "BIOS-BOOT", raw_bytes(grub_partition(2048))),
                    partition(2, 2, 4, "PReP", raw_bytes("an ELF"))};
  old.partitions[0].entry.type = *Uuid::parse("21686148-6449-6e6f-744e-656564454649");
  old.partitions[1].entry.type = *Uuid::parse("9e1a2d38-c612-4316-aa26-8b49521e5a8b");
  old.bytes = grub_boot_code(2048);
  machine.disks[1] = std::move(old);
  machine.disks.push_back(blank_disk("/dev/vdc", "third-disk"));
  Flow flow = flow_of("loaders", std::move(machine), loaders_config, {});
  declare(flow, {"/dev/vdb", "/dev/vdb1", "/dev/vdb2", "/dev/vdc", "/dev/vdc1", "/dev/vdc2", "/dev/vdc3"});
  return flow;
}

Flow subvolumes_flow() {
  MachineSpec machine = two_disk_machine();
  machine.disks.push_back(blank_disk("/dev/vdc", "third-disk"));
  machine.disks[2].content =
      file_system("btrfs", "kept", uuid("kept").text(),
                  tree({{"/kept", subvolume(0700, {7, 8})}, {"/kept/precious", regular("data")}}));
  Flow flow = flow_of("subvolumes", std::move(machine), subvolumes_config, {});
  flow.ignored.emplace_back("/dev/vdb1:/@/lib/provision/report.json");
  declare(flow, {"/dev/vdb", "/dev/vdb1", "/dev/vdc", "/sysroot/var", "/sysroot/var/", "/sysroot/mnt", "/sysroot/srv",
                 "/sysroot/srv/"});
  return flow;
}

Flow bound_flow() { return bound_flow_of("bound", {}); }

Flow enrolled_flow() { return enrolled_flow_of("enrolled", {}); }

Flow cex_flow() { return cex_flow_of("cex", std::string(cex_config), {}); }

Flow forgetful_cex_flow() {
  const std::string wiped = replaced(cex_config, R"("label")", R"("wipeVolume": true, "label")");
  Flow flow = cex_flow_of("forgetful-cex", wiped, {.forgets = true});
  flow.machine.state_path = "/run/provision/volatile";
  return flow;
}

Flow volumes_flow() { return volumes_flow_of("volumes", std::string(volumes_config), {}); }

Flow forgetful_volumes_flow() {
  const std::string wiped = replaced(
      replaced(volumes_config, R"("label": "data", "discard")", R"("wipeVolume": true, "label": "data", "discard")"),
      R"("uuid")", R"("wipeVolume": true, "uuid")");
  Flow flow = volumes_flow_of("forgetful-volumes", wiped, {.forgets = true});
  flow.machine.state_path = "/run/provision/volatile";
  return flow;
}

Flow conflict_flow() {
  MachineSpec machine = two_disk_machine();
  machine.disks[1] = used_disk();
  return flow_of("conflict", std::move(machine), fresh_config, {});
}

}  // namespace provision::test
