"""A Tang server: Debian's own tangd (package tang-common), which answers one request at its standard input, behind a port on
loopback."""

from __future__ import annotations

import json
import socketserver
import subprocess
import threading
from pathlib import Path
from typing import Any

TANGD = Path("/usr/libexec/tangd")
KEYGEN = Path("/usr/libexec/tangd-keygen")


class Tang:
    """With keys of its own in the folder. Nobody is there before start()."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        subprocess.run([KEYGEN, folder], check=True, capture_output=True)
        self.server: socketserver.ThreadingTCPServer | None = None
        # What was asked for: "GET /adv/…".
        self.asked: list[str] = []

    def thumbprint(self) -> str:
        """Of the key that signs."""
        for path in sorted(self.folder.glob("*.jwk")):
            if "verify" in json.loads(path.read_text())["key_ops"]:
                done = subprocess.run(["jose", "jwk", "thp", "-i", path, "-a", "S256"], check=True, capture_output=True, text=True)
                return done.stdout.strip()
        raise AssertionError(f"no key that signs in {self.folder}")

    def advertisement(self) -> str:
        answer = self._answer(b"GET /adv HTTP/1.1\r\n\r\n")
        return answer.split(b"\r\n\r\n", 1)[1].decode()

    def start(self) -> int:
        """The port."""
        tang = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    line = self.rfile.readline()
                    if not line:
                        return
                    head += line
                length = 0
                for line in head.lower().split(b"\r\n"):
                    if line.startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                tang.asked.append(" ".join(head.decode(errors="replace").split()[:2]))
                self.wfile.write(tang._answer(head + self.rfile.read(length)))

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return int(self.server.server_address[1])

    def stop(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def _answer(self, request: bytes) -> bytes:
        done = subprocess.run([TANGD, self.folder], input=request, capture_output=True, check=False, timeout=30)
        return done.stdout

    def __enter__(self) -> Tang:
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()
