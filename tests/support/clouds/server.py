"""What all mocks share: a server on port 80 of an address, the record of requests, and the faults that any vendor may have."""

import http.server
import os
import socket
import socketserver
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

PORT = 80
_HTML = b"<!DOCTYPE html><html><title>Sign in</title><body>Please sign in to use this network.</body></html>\n"
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Request:
    method: str
    target: str  # as it was sent, with the query
    headers: dict[str, str]  # names in lower case
    body: bytes
    time: float  # of the monotonic clock
    address: str  # the one of ours that was asked

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return {k: v[-1] for k, v in parse_qs(urlsplit(self.target).query, keep_blank_values=True).items()}


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Faults:
    """What goes wrong, on the paths that contain `on`. Each counts for the first `times` such requests; -1: for all."""

    on: str = ""
    times: int = -1
    status: int = 0  # answers this code
    garbage: bool = False  # bytes that are not HTTP
    html: bool = False  # a sign-in page with 200, and none of the vendor's headers
    dead: bool = False  # accepts, reads, never answers
    too_big: int = 0  # a body of so many bytes, streamed without a length
    delay: float = 0  # seconds before the answer
    pause: float = 0  # seconds before each byte of the body


class Service:
    """One mock. A vendor's rules are in answer()."""

    faults: Faults

    def __init__(self, faults: Faults = Faults()) -> None:
        self.faults = faults
        self.requests: list[Request] = []
        self.streamed = 0  # bytes of too big bodies that clients took
        self._left = faults.times
        self._lock = threading.Lock()
        self.closing = threading.Event()

    def answer(self, request: Request) -> Reply:
        raise NotImplementedError

    def sign(self, reply: Reply) -> Reply:
        """Puts on what every answer of the vendor has, an error too."""
        return reply

    def take(self, request: Request) -> tuple[Reply, Faults]:
        """Records a request. The answer to it, and what is to go wrong with it."""
        with self._lock:
            self.requests.append(request)
            faults = self._due(request)
            return self.sign(Reply(faults.status, b"fault\n") if faults.status else self.answer(request)), faults

    def _due(self, request: Request) -> Faults:
        if self.faults.on not in request.target or self._left == 0:
            return Faults()
        self._left -= self._left > 0
        return self.faults


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Listener"

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {k.lower(): v for k, v in self.headers.items()}
        address = self.connection.getsockname()[0].partition("%")[0]
        service = self.server.service
        reply, faults = service.take(Request(self.command, self.path, headers, body, time.monotonic(), address))
        try:
            self._send(reply, faults, service)
        except OSError:
            self.close_connection = True  # the client has hung up

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = _handle

    def _send(self, reply: Reply, faults: Faults, service: Service) -> None:
        if service.closing.wait(None if faults.dead else faults.delay):
            self.close_connection = True
        elif faults.garbage:
            self.wfile.write(b"\x16\x03\x01" + os.urandom(509))
            self.close_connection = True
        elif faults.too_big:
            self._stream(reply, faults.too_big, service)
        else:
            self._plain(Reply(200, _HTML, "text/html") if faults.html else reply, faults.pause)

    def _plain(self, reply: Reply, pause: float) -> None:
        self.send_response(reply.status)
        for name, value in {"Content-Type": reply.content_type, **reply.headers, "Content-Length": str(len(reply.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        for part in [reply.body[i:i + 1] for i in range(len(reply.body))] if pause else [reply.body]:
            if pause and self.server.service.closing.wait(pause):
                return
            self.wfile.write(part)

    def _stream(self, reply: Reply, size: int, service: Service) -> None:
        self.send_response(200)
        for name, value in {"Content-Type": reply.content_type, **reply.headers, "Transfer-Encoding": "chunked"}.items():
            self.send_header(name, value)
        self.end_headers()
        for _ in range(size // _CHUNK):
            self.wfile.write(b"%x\r\n" % _CHUNK + b"A" * _CHUNK + b"\r\n")
            service.streamed += _CHUNK
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        pass


class Listener(http.server.ThreadingHTTPServer):
    """A service on port 80 of one address; a link-local one of IPv6 is at `device`."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: str, device: str, service: Service) -> None:
        self.service = service
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        scope = socket.if_nametoindex(device) if address.startswith("fe80:") else 0
        super().__init__((address, PORT, 0, scope) if ":" in address else (address, PORT), _Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def server_bind(self) -> None:
        # Not HTTPServer's: that asks DNS for a name.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "mock", PORT

    def handle_error(self, *_: object) -> None:
        pass  # a client that hangs up

    def close(self) -> None:
        self.service.closing.set()
        self.shutdown()
        self.server_close()
