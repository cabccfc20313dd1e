"""What a cloud may do to a first boot, as a table: per platform, the cells and what a provider must make of each."""

import base64
import gzip
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from . import netns
from .mocks import Aws, Azure, Gcp, OpenStack, WireServer
from .server import Faults, Listener, Request, Service

Outcome = Literal["config", "none", "failed"]

LINK_LOCAL = "169.254.169.254"
TIMED_OUT = 124


@dataclass(frozen=True)
class Platform:
    service: type[Any]
    data: str  # what the path of the user data contains
    v6: str = ""  # the address of IPv6, if there is one


PLATFORMS = {
    "aws": Platform(Aws, "/user-data", "fd00:ec2::254"),
    "gcp": Platform(Gcp, "/attributes/user-data", "fd20:ce::254"),
    "azure": Platform(Azure, "/userData"),
    "openstack": Platform(OpenStack, "/user_data", "fe80::a9fe:a9fe"),
}


@dataclass(frozen=True)
class Cell:
    """`outcome`: the config, a definite "there is none", or a failure, which waiting for a good answer in vain is too."""

    outcome: Outcome
    payload: Literal["raw", "none", "base64", "gzip", "gzip cut", "gzip bomb", "zstd", "zstd cut", "zstd bomb"] = "raw"
    family: Literal["all", "ipv6"] = "all"
    late: float = 0  # seconds until there are addresses
    refuses: bool = False  # there is an address, and nobody listens
    faults: Faults = Faults()
    switches: Mapping[str, Any] = field(default_factory=dict)  # of the mock itself


TOO_BIG = 64 << 20
BOMB = 17 << 20  # bytes, of which a few KiB travel


def _cells(platform: str) -> dict[str, Cell]:
    data = PLATFORMS[platform].data

    def fault(outcome: Outcome, on: str = data, **what: Any) -> Cell:
        return Cell(outcome, faults=Faults(on=on, **what))

    cells = {
        "config": Cell("config"),
        "none": Cell("none", payload="none"),
        "late network": Cell("config", late=3),
        "5xx then good": fault("config", status=503, times=3),
        "429 then good": fault("config", status=429, times=2),
        "404": fault("none", status=404),
        "403": fault("failed", status=403),
        "401": fault("failed", status=401),
        "5xx for ever": fault("failed", status=500),
        "garbage": fault("failed", garbage=True),
        "captive HTML": fault("failed", on="", html=True),
        "base64": Cell("failed", payload="base64"),
        "gzip": Cell("config", payload="gzip"),
        "gzip cut": Cell("failed", payload="gzip cut"),
        "gzip bomb": Cell("failed", payload="gzip bomb"),
        "zstd": Cell("config", payload="zstd"),
        "zstd cut": Cell("failed", payload="zstd cut"),
        "zstd bomb": Cell("failed", payload="zstd bomb"),
        "too big": fault("failed", too_big=TOO_BIG),
        "dead for ever": fault("failed", on="", dead=True),
        "refuses": Cell("failed", refuses=True),
        "slow": fault("config", delay=2, pause=0.002),
    }
    if PLATFORMS[platform].v6:
        cells["IPv6 only"] = Cell("config", family="ipv6")
    return cells | _OWN[platform]


_OWN: dict[str, dict[str, Cell]] = {
    "aws": {
        "disabled": Cell("none", switches={"disabled": True}),
        "no v2": Cell("config", switches={"v2": "absent"}),
        "no v2, 405": Cell("config", faults=Faults(on="/api/token", status=405), switches={"v2": "optional"}),
        "v2 optional": Cell("config", switches={"v2": "optional"}),
        "token 5xx then good": Cell("config", faults=Faults(on="/api/token", status=503, times=3)),
        "401 once": Cell("config", faults=Faults(on="/user-data", status=401, times=1)),
    },
    "gcp": {"base64 with its encoding": Cell("config", payload="base64", switches={"encoding": "base64"})},
    # Azure answers base64 anyway, and its 404 says "not yet". Its "none" is for a machine without a provisioning DVD.
    "azure": {
        "base64": Cell("config"),
        "404": Cell("failed", faults=Faults(on="/userData", status=404)),
        "404 then good": Cell("config", faults=Faults(on="/userData", status=404, times=2)),
        "410 then good": Cell("config", faults=Faults(on="/userData", status=410, times=2)),
    },
    "openstack": {},
}
CELLS: dict[str, dict[str, Cell]] = {platform: _cells(platform) for platform in PLATFORMS}

CONFIG = b'{"ignition": {"version": "3.3.0"}, "storage": {"files": [{"path": "/etc/marker", "contents": {"source": "data:,it-is-me"}}]}}\n'
MARKER = "it-is-me"


def _zstd(content: bytes) -> bytes:
    return subprocess.run(["zstd", "-q", "-c"], input=content, capture_output=True, check=True).stdout


def _encode(config: bytes, payload: str) -> bytes | None:
    if payload == "none":
        return None
    coding, _, what = payload.partition(" ")
    pack = {"gzip": lambda content: gzip.compress(content, mtime=0), "zstd": _zstd, "base64": base64.b64encode}.get(coding, bytes)
    # Spaces, more than a provider takes, round a config that would do.
    packed = pack(b" " * BOMB + config if what == "bomb" else config)
    return packed[:-7] if what == "cut" else packed


class Cloud:
    """A platform in one of its cells (by name, or one of your own), for as long as the `with` lasts; in the namespaces of netns.enter().

    `requests` are those to the metadata service, `reports` those that Azure's WireServer has accepted."""

    def __init__(self, platform: str, cell: str | Cell = "config", config: bytes = CONFIG) -> None:
        if not netns.inside():
            raise RuntimeError("a cloud needs a network of its own: call netns.enter() first")
        self.platform = PLATFORMS[platform]
        self.cell = CELLS[platform][cell] if isinstance(cell, str) else cell
        self.service: Service = self.platform.service(_encode(config, self.cell.payload), self.cell.faults, **self.cell.switches)
        self.wire = WireServer() if platform == "azure" else None
        self._listeners: list[Listener] = []
        self._late = threading.Timer(self.cell.late, self._open)

    @property
    def requests(self) -> list[Request]:
        return self.service.requests

    @property
    def reports(self) -> list[Any]:
        return self.wire.reports if self.wire else []

    def _addresses(self) -> list[tuple[str, Service]]:
        found: list[tuple[str, Service]] = []
        if self.cell.family != "ipv6":
            found.append((LINK_LOCAL, self.service))
        if self.platform.v6:
            found.append((self.platform.v6, self.service))
        if self.wire:
            found.append((WireServer.ADDRESS, self.wire))
        return found

    def _open(self) -> None:
        for address, service in self._addresses():
            netns.add(address)
            if not (self.cell.refuses and service is self.service):
                self._listeners.append(Listener(address, netns.DEVICE, service))

    def __enter__(self) -> "Cloud":
        if self.cell.late:
            self._late.start()
        else:
            self._open()
        return self

    def __exit__(self, *_: object) -> None:
        self._late.cancel()
        if self.cell.late:
            self._late.join()
        for listener in self._listeners:
            listener.close()
        netns.remove_all()

    def run(self, command: Sequence[str], timeout: float = 60, env: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
        """Runs a client here, its two outputs as one text. One that takes longer is killed and has the status TIMED_OUT."""
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", env=env) as client:
            try:
                said, _ = client.communicate(timeout=timeout)
                return subprocess.CompletedProcess(command, client.returncode, said)
            except subprocess.TimeoutExpired:
                client.kill()
                said, _ = client.communicate()
                return subprocess.CompletedProcess(command, TIMED_OUT, said)
