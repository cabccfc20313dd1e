"""A network of the machine's own, in a namespace of clouds.netns: our end of its wire, with dnsmasq as its router, DHCP, DNS and TFTP server."""

from __future__ import annotations

import subprocess
from pathlib import Path

DEVICE = "guest0"
V4 = "10.77.0.1"
V6 = "fd00:77::1"
# A card at the other end of the wire.
CARD = ["-netdev", f"tap,id=net0,ifname={DEVICE},script=no,downscript=no", "-device", "virtio-net-pci,netdev=net0"]


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Lan:
    """`families`: 4, 6 or both. Until serve() nobody answers on the wire."""

    def __init__(self, folder: Path, *families: int) -> None:
        self.log_path = folder / "dnsmasq.log"
        self.families = families
        self._server: subprocess.Popen[bytes] | None = None
        _ip("tuntap", "add", "dev", DEVICE, "mode", "tap")
        # Without a carrier, as before QEMU is there, no address of IPv6 would become usable.
        _ip("link", "set", DEVICE, "up")
        for family, address in ((4, f"{V4}/24"), (6, f"{V6}/64")):
            if family in families:
                _ip("address", "add", address, "dev", DEVICE, *(["nodad"] if family == 6 else []))

    def serve(self, *more: str) -> None:
        """Starts dnsmasq. `more` are options of its own."""
        options = ["--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--pid-file", "--leasefile-ro", "--no-resolv", "--no-hosts",
                   f"--interface={DEVICE}", "--except-interface=lo", "--bind-dynamic", "--log-facility=-", "--log-dhcp"]
        if 4 in self.families:
            options += ["--dhcp-range=10.77.0.10,10.77.0.20,1h"]
        if 6 in self.families:
            options += ["--enable-ra", "--dhcp-range=fd00:77::,ra-only,64"]
        with self.log_path.open("wb") as log:
            # It dies with the namespace of processes.
            self._server = subprocess.Popen(["dnsmasq", *options, *more], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def log(self) -> str:
        """What dnsmasq was asked and has answered."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def __enter__(self) -> Lan:
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.kill()
            self._server.wait()
        _ip("link", "delete", DEVICE)
