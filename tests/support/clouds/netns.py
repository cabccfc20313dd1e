"""A network of one's own: the running program starts anew in namespaces that die with it, and has a device `cloud0`."""

import os
import subprocess
import sys

DEVICE = "cloud0"
_OUTSIDE = "CLOUDS_OUTSIDE"  # the network namespace that the program was started in


def _namespace() -> str:
    return os.readlink("/proc/self/ns/net")


def inside() -> bool:
    return os.environ.get(_OUTSIDE, _namespace()) != _namespace()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def enter() -> None:
    """Returns in the namespaces: network, mounts (with an empty /run) and processes, all killed when the caller's parent dies."""
    if not inside():
        os.environ[_OUTSIDE] = _namespace()
        arguments = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        sys.stdout.flush()
        os.execvp(arguments[0], [*arguments, sys.executable, *sys.argv])
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    # The one that is there shows the network devices of outside.
    subprocess.run(["mount", "-t", "sysfs", "sysfs", "/sys"], check=True)
    _ip("link", "set", "lo", "up")
    try:
        _ip("link", "add", DEVICE, "type", "dummy")
    except subprocess.CalledProcessError:
        _ip("link", "add", DEVICE, "type", "bridge")  # for our end just the same, where the kernel has no dummy
    _ip("link", "set", DEVICE, "up")


def add(address: str) -> None:
    """The address is this machine's own from now on, and there is a route to it."""
    v6 = ":" in address
    width = 64 if address.startswith("fe80:") else 128 if v6 else 32
    _ip("address", "add", f"{address}/{width}", "dev", DEVICE, *(["nodad"] if v6 else []))


def remove_all() -> None:
    _ip("address", "flush", "dev", DEVICE)


def name_hosts(names: dict[str, str]) -> None:
    """These names are known by /etc/hosts, in this namespace only."""
    lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in names.items())]
    with open("/run/hosts", "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
    subprocess.run(["mount", "--bind", "/run/hosts", "/etc/hosts"], check=True)
