"""The fields of the spec, version by version, written down from its description and not from our tables.

Each row: the first version that has them, where they are, their names. "[]" is an element of a list; "Res" stands for
what every resource has.
"""

RESOURCE = ("source", "compression", "httpHeaders[].name", "httpHeaders[].value", "verification.hash")
# References to configs and certificates had less at first.
REFERENCE_3_0 = ("source", "verification.hash")
REFERENCE_3_1 = ("compression", "httpHeaders[].name", "httpHeaders[].value")
CONTENTS_3_0 = ("source", "compression", "verification.hash")
CONTENTS_3_1 = ("httpHeaders[].name", "httpHeaders[].value")
REFERENCES = ("ignition.config.replace", "ignition.config.merge[]", "ignition.security.tls.certificateAuthorities[]")
CONTENTS = ("storage.files[].contents", "storage.files[].append[]")
NODE = ("path", "overwrite", "user.id", "user.name", "group.id", "group.name")

ROWS = [
    ("3.0", "ignition", ("version", "timeouts.httpResponseHeaders", "timeouts.httpTotal")),
    *(("3.0", where, REFERENCE_3_0) for where in REFERENCES),
    *(("3.1", where, REFERENCE_3_1) for where in REFERENCES),
    ("3.1", "ignition.proxy", ("httpProxy", "httpsProxy", "noProxy[]")),
    ("3.3", "kernelArguments", ("shouldExist[]", "shouldNotExist[]")),
    ("3.0", "passwd.users[]", ("name", "passwordHash", "gecos", "homeDir", "primaryGroup", "shell", "uid",
                               "sshAuthorizedKeys[]", "groups[]", "noCreateHome", "noUserGroup", "noLogInit", "system")),
    ("3.2", "passwd.users[]", ("shouldExist",)),
    ("3.0", "passwd.groups[]", ("name", "gid", "passwordHash", "system")),
    ("3.2", "passwd.groups[]", ("shouldExist",)),
    ("3.0", "storage.disks[]", ("device", "wipeTable")),
    ("3.0", "storage.disks[].partitions[]", ("number", "label", "guid", "typeGuid", "startMiB", "sizeMiB",
                                             "wipePartitionEntry", "shouldExist")),
    ("3.2", "storage.disks[].partitions[]", ("resize",)),
    ("3.0", "storage.raid[]", ("name", "level", "devices[]", "spares", "options[]")),
    ("3.2", "storage.luks[]", ("name", "device", "label", "uuid", "options[]", "wipeVolume")),
    ("3.2", "storage.luks[].keyFile", RESOURCE),
    ("3.2", "storage.luks[].clevis", ("tpm2", "threshold", "tang[].url", "tang[].thumbprint", "custom.pin",
                                      "custom.config", "custom.needsNetwork")),
    ("3.4", "storage.luks[]", ("clevis.tang[].advertisement", "discard", "openOptions[]")),
    ("3.5", "storage.luks[]", ("cex.enabled",)),
    ("3.0", "storage.filesystems[]", ("device", "format", "path", "label", "uuid", "wipeFilesystem", "options[]")),
    ("3.1", "storage.filesystems[]", ("mountOptions[]",)),
    ("3.0", "storage.files[]", NODE),
    ("3.0", "storage.directories[]", NODE),
    ("3.0", "storage.links[]", NODE),
    *(("3.0", where, CONTENTS_3_0) for where in CONTENTS),
    *(("3.1", where, CONTENTS_3_1) for where in CONTENTS),
    ("3.0", "storage", ("files[].mode", "directories[].mode", "links[].target", "links[].hard")),
    ("3.0", "systemd.units[]", ("name", "enabled", "mask", "contents", "dropins[].name", "dropins[].contents")),
]


def number(version: str) -> tuple[int, int]:
    """Of "3.7-experimental" or "3.7.0": (3, 7)."""
    major, minor = version.split("-")[0].split(".")[:2]
    return int(major), int(minor)


def paths(version: str) -> set[str]:
    """All leaves that a config of the version may have."""
    return {
        f"{where}.{name}" for since, where, names in ROWS for name in names if number(since) <= number(version)
    }
