"""A machine of image files for one case: its disks, what was on them before, and the two that provision it. Only for a
process that has mounts and process numbers of its own (unshare --mount --pid): all of it goes with that process.
"""

import fcntl
import hashlib
import json
import os
import shutil
import stat
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import service_bus

MIB = 1 << 20
DEVICES = Path("/run/devices")
SYSROOT = Path("/run/sysroot")
INCUMBENT = "/usr/lib/dracut/modules.d/30ignition/ignition"
LOOP_CTL_GET_FREE, LOOP_CONFIGURE, LOOP_CLR_FD = 0x4C82, 0x4C0A, 0x4C01
READ_ONLY, AUTOCLEAR, PARTSCAN = 1, 4, 8
# Beyond it a step has hung.
PATIENCE = 15


class CannotRun(Exception):
    pass


MOST_LOOPS = 64


def run(*argv: "str | Path", text: str = "", check: bool = True, env: "dict[str, str] | None" = None) -> str:
    done = subprocess.run([str(a) for a in argv], input=text, capture_output=True, text=True, errors="replace", check=False,
                          timeout=PATIENCE, env=env)
    if check and done.returncode != 0:
        raise CannotRun(f"{argv[0]} ended with {done.returncode}: {(done.stdout + done.stderr)[-500:]}")
    return done.stdout


def make_private_machine() -> None:
    """/run and /dev of our own: nothing of the real machine's devices is found by the names that a config uses."""
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    DEVICES.mkdir()
    SYSROOT.mkdir()
    run("mount", "-t", "devtmpfs", "devtmpfs", DEVICES)
    run("mount", "-t", "tmpfs", "tmpfs", "/dev")
    for entry in DEVICES.iterdir():
        if not entry.name.startswith(("vd", "sd", "nvme")):
            Path("/dev", entry.name).symlink_to(entry)
    # The kernel makes a loop device when one is wanted and none is free: its name is here before.
    for number in range(MOST_LOOPS):
        name = Path("/dev", f"loop{number}")
        if not name.is_symlink():
            name.symlink_to(DEVICES / name.name)


class Loop:
    """An image as a disk, until close() or the end of the process."""

    def __init__(self, image: Path, read_only: bool = False) -> None:
        flags = os.O_RDONLY if read_only else os.O_RDWR
        file = os.open(image, flags)
        control = os.open(DEVICES / "loop-control", os.O_RDONLY)
        # struct loop_config of linux/loop.h: fd, block_size, struct loop_info64 (flags at byte 52 of it), reserved.
        info = bytearray(232)
        struct.pack_into("<I", info, 52, AUTOCLEAR | PARTSCAN | (READ_ONLY if read_only else 0))
        config = struct.pack("<II", file, 512) + bytes(info) + bytes(64)
        for _ in range(200):
            self.node = DEVICES / f"loop{fcntl.ioctl(control, LOOP_CTL_GET_FREE)}"
            self.descriptor = os.open(self.node, flags)
            try:
                fcntl.ioctl(self.descriptor, LOOP_CONFIGURE, config)
                break
            except BlockingIOError:
                os.close(self.descriptor)
            except OSError as why:
                os.close(self.descriptor)
                if why.errno != 16:
                    raise
        else:
            raise CannotRun("no loop device is free")
        os.close(file)
        os.close(control)
        # Not every kernel has a parser for GPT.
        run("partx", "-u", "--nr", "1:128", self.node, check=False)

    def partitions(self) -> dict[int, Path]:
        found = {}
        for entry in Path("/sys/block", self.node.name).glob(self.node.name + "p*"):
            found[int((entry / "partition").read_text())] = DEVICES / entry.name
        return dict(sorted(found.items()))

    def close(self) -> None:
        os.close(self.descriptor)
        backing = Path("/sys/block", self.node.name, "loop")
        for _ in range(400):
            if not backing.exists():
                return
            time.sleep(0.005)
        raise CannotRun(f"{self.node} stays attached")


@dataclass
class Disk:
    image: Path
    # The config's name of it; "": the disk with the root, which no config names.
    name: str
    loop: "Loop | None" = None


@dataclass
class Machine:
    """Copies of the same images for each of the two."""

    folder: Path
    case: dict[str, Any]
    disks: list[Disk] = field(default_factory=list)

    def make(self, root: Path) -> None:
        """The disks as the case wants them found."""
        image = self.folder / "root.img"
        run("cp", "--sparse=always", root, image)
        self.disks.append(Disk(image, ""))
        self._fill_root(image)
        for name, disk in self.case.get("disks", {}).items():
            image = self.folder / (name.replace("/", "_") + ".img")
            with image.open("wb") as file:
                file.truncate(disk.get("sizeMiB", 64) * MIB)
            self.disks.append(Disk(image, name))
            self._prepare(image, disk)

    def copy(self, folder: Path) -> "Machine":
        folder.mkdir()
        made = Machine(folder, self.case)
        for disk in self.disks:
            run("cp", "--sparse=always", disk.image, folder / disk.image.name)
            made.disks.append(Disk(folder / disk.image.name, disk.name))
        return made

    def _fill_root(self, image: Path) -> None:
        entries = self.case.get("root", {})
        if not entries:
            return
        loop = Loop(image)
        run("mount", loop.node, SYSROOT)
        for path, entry in entries.items():
            put(SYSROOT / path.lstrip("/"), entry)
        run("umount", SYSROOT)
        loop.close()

    def _prepare(self, image: Path, disk: dict[str, Any]) -> None:
        if "sfdisk" in disk:
            run("sfdisk", "-q", "--no-reread", "--no-tell-kernel", image, text="\n".join(disk["sfdisk"]) + "\n")
        if not disk.get("run"):
            return
        # Commands on the partitions, by number; 0 is the disk.
        loop = Loop(image)
        nodes = {0: loop.node, **loop.partitions()}
        for number, argv in disk["run"]:
            run(*argv, nodes[number])
        loop.close()


def put(path: Path, entry: Any) -> None:
    """A file with a text, or {"link": target}, {"directory": mode}, {"text": …, "mode": …, "uid": …}."""
    entry = {"text": entry} if isinstance(entry, str) else entry
    path.parent.mkdir(parents=True, exist_ok=True)
    if "link" in entry:
        path.symlink_to(entry["link"])
    elif "directory" in entry:
        path.mkdir(exist_ok=True)
        path.chmod(entry["directory"])
    else:
        path.write_text(entry["text"])
        path.chmod(entry.get("mode", 0o644))
    if "uid" in entry:
        os.lchown(path, entry["uid"], entry.get("gid", entry["uid"]))


# --- The two


@dataclass(frozen=True)
class Outcome:
    succeeded: bool
    said: str
    seconds: float
    # Of the incumbent's own stages, without what was done around them here.
    stages_seconds: float = 0.0


def provision_ours(program: str, machine: Machine, config: Path) -> Outcome:
    start = time.monotonic()
    images: list[str] = []
    for disk in machine.disks:
        images += ["--image", f"{disk.image}:{disk.name or '/dev/the-root'}"]
    done = subprocess.run([program, "apply", *images, "--root-label", "ROOT", config], capture_output=True, text=True,
                          errors="replace", timeout=PATIENCE, check=False)
    return Outcome(done.returncode == 0, done.stdout + done.stderr, time.monotonic() - start)


SGDISK = """#!/bin/sh
# sgdisk has the kernel read the table again, and one without a parser for GPT forgets the partitions by that. Then udevd
# would make its links.
/usr/sbin/sgdisk "$@"
status=$?
case " $* " in *" --pretend "*) exit $status ;; esac
for disk; do :; done
partx -u --nr 1:128 "$disk" >/dev/null 2>&1
/run/shims/udevadm
exit $status
"""

UDEVADM = """#!/bin/sh
# What udevd would do: links to the partitions and by what is in them.
for kind in by-partlabel by-partuuid by-label by-uuid; do
  rm -rf /dev/disk/$kind
  mkdir -p /dev/disk/$kind
done
link() {
  [ -z "$2" ] || ln -sfn "$3" "/dev/disk/$1/$2"
}
links_of() {
  eval "$(blkid -p -o udev "$1" | sed -n -E "s/^(ID_PART_ENTRY_NAME|ID_PART_ENTRY_UUID|ID_FS_LABEL_ENC|ID_FS_UUID_ENC)=(.*)/\\1='\\2'/p")"
  link by-partlabel "$ID_PART_ENTRY_NAME" "$1"
  link by-partuuid "$ID_PART_ENTRY_UUID" "$1"
  link by-label "$ID_FS_LABEL_ENC" "$1"
  link by-uuid "$ID_FS_UUID_ENC" "$1"
  unset ID_PART_ENTRY_NAME ID_PART_ENTRY_UUID ID_FS_LABEL_ENC ID_FS_UUID_ENC
}
while read -r node name infix; do
  links_of "$node"
  rm -f "$name$infix"[0-9]*
  for partition in /sys/block/"${node##*/}"/"${node##*/}"p*; do
    [ -e "$partition" ] || continue
    ln -sfn "/run/devices/${partition##*/}" "$name$infix$(cat "$partition/partition")"
    links_of "/run/devices/${partition##*/}"
  done
done </run/shims/disks
exit 0
"""


def start_surroundings() -> None:
    """What the incumbent needs beside itself, once a machine."""
    shims = Path("/run/shims")
    shims.mkdir()
    for name, script in (("sgdisk", SGDISK), ("udevadm", UDEVADM), ("setfiles", "#!/bin/sh\nexit 0\n")):
        (shims / name).write_text(script)
        (shims / name).chmod(0o755)
    Path("/run/cmdline").write_text("\n")
    service_bus.serve(patience=3)


def provision_theirs(machine: Machine, config: Path) -> Outcome:
    start = time.monotonic()
    listed = []
    for disk in machine.disks:
        disk.loop = Loop(disk.image)
        if disk.name:
            Path(disk.name).parent.mkdir(parents=True, exist_ok=True)
            Path(disk.name).symlink_to(disk.loop.node)
            by_link = disk.name.startswith("/dev/disk/")
            listed.append(f"{disk.loop.node} {disk.name} {'-part' if by_link else 'p' if disk.name[-1].isdigit() else ''}")
    Path("/run/shims/disks").write_text("\n".join(listed) + "\n")
    run("/run/shims/udevadm")
    env = {"PATH": "/run/shims:/usr/sbin:/usr/bin:/sbin:/bin", "IGNITION_CONFIG_FILE": str(config),
           "IGNITION_KERNEL_CMDLINE_PATH": "/run/cmdline"}
    said, succeeded, inside = "", True, 0.0
    for stage in ("fetch", "disks", "mount", "files"):
        if stage == "mount":
            run("mount", machine.disks[0].loop.node, SYSROOT)
            # It will not do without, and asks setfiles, which is a shim here.
            put(SYSROOT / "etc/selinux/config", "SELINUXTYPE=none\n")
        stage_start = time.monotonic()
        done = subprocess.run(["timeout", "-s", "ABRT", str(PATIENCE), INCUMBENT, "-platform=file", f"-stage={stage}", f"-root={SYSROOT}", "-config-cache=/run/cache.json",
                               "-log-to-stdout", "-fetch-timeout=10s"], capture_output=True, text=True, errors="replace",
                              env=env, timeout=2 * PATIENCE, check=False)
        inside += time.monotonic() - stage_start
        said += done.stdout + done.stderr
        succeeded = done.returncode == 0
        if not succeeded:
            break
    shutil.rmtree(SYSROOT / "etc/selinux", ignore_errors=True)
    run("umount", "-R", SYSROOT, check=False)
    for disk in machine.disks:
        if disk.loop is not None:
            disk.loop.close()
    return Outcome(succeeded, said, time.monotonic() - start, inside)


# --- What is there


@contextmanager
def mounted(node: Path, kind: str) -> Iterator[Path]:
    options = {"ext4": "ro,noload", "xfs": "ro,norecovery,nouuid"}.get(kind, "ro")
    run("mount", "-t", kind, "-o", options, node, SYSROOT)
    try:
        yield SYSROOT
    finally:
        run("umount", SYSROOT)


def tree(top: Path) -> dict[str, dict[str, Any]]:
    """All below a directory, by path; hard links of one file have one number."""
    found: dict[str, dict[str, Any]] = {}
    numbers: dict[int, str] = {}
    for path in sorted([top, *top.rglob("*")]):
        name = "/" + str(path.relative_to(top)).removeprefix(".")
        if name.startswith("/lost+found"):
            continue
        status = path.lstat()
        entry: dict[str, Any] = {"kind": stat.filemode(status.st_mode)[0], "mode": oct(status.st_mode & 0o7777),
                                 "owner": f"{status.st_uid}:{status.st_gid}"}
        if names := os.listxattr(path, follow_symlinks=False):
            entry["attributes"] = {name: os.getxattr(path, name, follow_symlinks=False).hex() for name in sorted(names)}
        if stat.S_ISLNK(status.st_mode):
            entry["target"] = os.readlink(path)
        elif stat.S_ISREG(status.st_mode):
            data = path.read_bytes()
            entry["content"] = data.decode() if len(data) < 4096 and data.isascii() else hashlib.sha256(data).hexdigest()
            if status.st_nlink > 1:
                entry["linked with"] = numbers.setdefault(status.st_ino, name)
        found[name] = entry
    return found


def signature(node: Path) -> dict[str, str]:
    said = run("blkid", "-p", "-o", "export", node, check=False)
    pairs = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    return {key: pairs[key] for key in ("TYPE", "LABEL", "UUID") if key in pairs}


def table_of(image: Path) -> dict[str, Any]:
    said = run("sfdisk", "--json", image, check=False)
    table = json.loads(said)["partitiontable"] if said.strip() else {}
    partitions = {}
    for one in table.get("partitions", []):
        number = one.pop("node").removeprefix(str(image)).lstrip("p")
        partitions[number] = one
    return {"kind": table.get("label", ""), "id": table.get("id", ""), "partitions": partitions}


def state_of(machine: Machine, with_trees: bool = True) -> dict[str, Any]:
    """Everything that is compared, by names that are the same for both."""
    state: dict[str, Any] = {}
    for disk in machine.disks:
        name = disk.name or "root"
        loop = Loop(disk.image, read_only=True)
        if disk.name:
            state[f"{name} table"] = table_of(disk.image)
        for number, node in {0: loop.node, **loop.partitions()}.items():
            place = f"{name} {number}" if number else name
            found = signature(node)
            state[f"{place} content"] = found
            if with_trees and found.get("TYPE") in ("ext4", "xfs", "btrfs"):
                with mounted(node, found["TYPE"]) as top:
                    state.update({f"{place} {path}": entry for path, entry in tree(top).items()})
        loop.close()
    return state


def make_root(image: Path, mebibytes: int = 16) -> None:
    """The root file system that every case begins with: enough for the programs that manage accounts."""
    folder = image.parent / "root-tree"
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("etc/skel", "etc/default", "root", "home", "var", "usr/bin", "usr/lib", "proc", "sys", "dev", "run", "tmp"):
        (folder / name).mkdir(parents=True)
    (folder / "home/core").mkdir(mode=0o700)
    os.chown(folder / "home/core", 500, 500)
    (folder / "tmp").chmod(0o1777)
    (folder / "root").chmod(0o700)
    files = {
        "etc/passwd": "root:x:0:0:root:/root:/bin/bash\nbin:x:2:2:bin:/bin:/usr/sbin/nologin\ncore:x:500:500:CoreOS Admin:/home/core:/bin/bash\n",
        "etc/group": "root:x:0:\nbin:x:2:\nwheel:x:10:\nadm:x:4:\ncore:x:500:\nusers:x:100:\n",
        "etc/shadow": "root:*:19000:0:99999:7:::\nbin:*:19000:0:99999:7:::\ncore:*:19000:0:99999:7:::\n",
        "etc/gshadow": "root:*::\nbin:*::\nwheel:*::\nadm:*::\ncore:!::\nusers:*::\n",
        "etc/subuid": "", "etc/subgid": "",
        "etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\ngshadow: files\n",
        "etc/skel/.profile": "# profile\n",
        "etc/os-release": "ID=test\n",
        "etc/hostname": "before\n",
    }
    for name, content in files.items():
        (folder / name).write_text(content)
    for name in ("etc/login.defs", "etc/default/useradd"):
        shutil.copy("/" + name, folder / name)
    for name in ("etc/shadow", "etc/gshadow"):
        (folder / name).chmod(0o640)
        os.chown(folder / name, 0, 42)
    with image.open("wb") as file:
        file.truncate(mebibytes * MIB)
    run("mkfs.ext4", "-q", "-L", "ROOT", "-U", "11111111-2222-4333-8444-555555555555", "-d", folder, image)
    shutil.rmtree(folder)
