"""A stand-in for the service manager that Debian's ignition asks to wait for devices: systemd's private D-Bus socket, as
far as that program speaks to it. StartUnit of a .device unit ends when the device's path exists; the manager's version is
252; anything else gets an empty answer. (D-Bus Specification 0.38; org.freedesktop.systemd1.)
"""

import itertools
import os
import re
import socket
import struct
import threading
import time

SOCKET = "/run/systemd/private"
MANAGER = "/org/freedesktop/systemd1"
NAME = "org.freedesktop.systemd1"
PATH, INTERFACE, MEMBER, REPLY_SERIAL, SENDER, SIGNATURE = 1, 2, 3, 5, 7, 8
METHOD_CALL, METHOD_RETURN, SIGNAL = 1, 2, 4
NO_REPLY_EXPECTED = 1


def aligned(data: bytes, to: int) -> bytes:
    return data + bytes(-len(data) % to)


def text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<I", len(data)) + data + b"\0"


def header_field(code: int, kind: str, value: "str | int") -> bytes:
    if kind == "u":
        data = struct.pack("<I", value)
    elif kind == "g":
        data = bytes([len(str(value))]) + str(value).encode() + b"\0"
    else:
        data = text(str(value))
    return bytes([code, 1]) + kind.encode() + b"\0" + data


def message(kind: int, serial: int, fields: list[bytes], body: bytes) -> bytes:
    packed = b""
    for field in fields:
        packed = aligned(packed, 8) + field
    start = struct.pack("<cBBBII", b"l", kind, NO_REPLY_EXPECTED, 1, len(body), serial)
    return aligned(start + struct.pack("<I", len(packed)) + packed, 8) + body


class Reader:
    """Values of a little-endian message; offsets count from its beginning, which is aligned."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def align(self, to: int) -> None:
        self.at += -self.at % to

    def u32(self) -> int:
        self.align(4)
        self.at += 4
        return int(struct.unpack_from("<I", self.data, self.at - 4)[0])

    def text(self) -> str:
        length = self.u32()
        self.at += length + 1
        return self.data[self.at - length - 1 : self.at - 1].decode()

    def signature(self) -> str:
        length = self.data[self.at]
        self.at += length + 2
        return self.data[self.at - length - 1 : self.at - 1].decode()


def device_path(unit: str) -> str:
    """Undoes systemd's escaping of paths in unit names (systemd.unit(5))."""
    bare = unit.removesuffix(".device").replace("-", "/")
    return "/" + re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), bare)


class Peer(threading.Thread):
    """One connection. A client has two: signals come on another one than answers."""

    everyone: "list[Peer]" = []
    jobs = itertools.count(1)

    def __init__(self, connection: socket.socket, patience: float) -> None:
        super().__init__(daemon=True)
        self.connection, self.patience = connection, patience
        self.stream = connection.makefile("rb")
        self.lock = threading.Lock()
        self.serial = 0

    def run(self) -> None:
        try:
            self.stream.read(1)
            while not self.answered_login(self.stream.readline().split()):
                pass
            self.everyone.append(self)
            while self.take_message():
                pass
        except (OSError, struct.error, IndexError):
            pass

    def answered_login(self, words: list[bytes]) -> bool:
        if words[:1] == [b"BEGIN"]:
            return True
        if words[:2] == [b"AUTH", b"EXTERNAL"]:
            self.connection.sendall(b"OK " + b"5" * 32 + b"\r\n")
        else:
            self.connection.sendall(b"REJECTED EXTERNAL\r\n" if words[:1] == [b"AUTH"] else b"ERROR\r\n")
        return not words

    def send(self, kind: int, fields: list[bytes], body: bytes) -> None:
        with self.lock:
            self.serial += 1
            self.connection.sendall(message(kind, self.serial, fields, body))

    def take_message(self) -> bool:
        start = self.stream.read(16)
        if len(start) < 16:
            return False
        body_size, serial, fields_size = struct.unpack("<III", start[4:16])
        fields = Reader(start + self.stream.read(fields_size + -fields_size % 8))
        body = Reader(self.stream.read(body_size))
        member = ""
        fields.at = 16
        while fields.at < 16 + fields_size:
            fields.align(8)
            code = fields.data[fields.at]
            fields.at += 1
            kind = fields.signature()
            value = fields.signature() if kind == "g" else fields.u32() if kind == "u" else fields.text()
            member = str(value) if code == MEMBER else member
        if start[1] == METHOD_CALL:
            self.answer(member, body, serial, bool(start[2] & NO_REPLY_EXPECTED))
        return True

    def answer(self, member: str, body: Reader, serial: int, silent: bool) -> None:
        signature, data, unit, job = "", b"", "", 0
        if member == "StartUnit":
            unit, job = body.text(), next(self.jobs)
            signature, data = "o", text(f"{MANAGER}/job/{job}")
        elif member == "Get":
            signature, data = "v", b"\1s\0\0" + text("252")
        if not silent:
            fields = [header_field(REPLY_SERIAL, "u", serial), header_field(SENDER, "s", NAME)]
            fields += [header_field(SIGNATURE, "g", signature)] if signature else []
            self.send(METHOD_RETURN, fields, data)
        if unit:
            threading.Thread(target=self.end_job, args=(unit, job), daemon=True).start()

    def end_job(self, unit: str, number: int) -> None:
        deadline = time.monotonic() + self.patience
        path = device_path(unit)
        while not os.path.exists(path) and time.monotonic() < deadline:
            time.sleep(0.005)
        result = "done" if os.path.exists(path) else "timeout"
        body = struct.pack("<I", number) + text(f"{MANAGER}/job/{number}")
        body = aligned(body, 4) + text(unit)
        body = aligned(body, 4) + text(result)
        fields = [header_field(PATH, "o", MANAGER), header_field(INTERFACE, "s", NAME + ".Manager"),
                  header_field(MEMBER, "s", "JobRemoved"), header_field(SENDER, "s", NAME),
                  header_field(SIGNATURE, "g", "uoss")]
        for peer in list(self.everyone):
            try:
                peer.send(SIGNAL, fields, body)
            except OSError:
                self.everyone.remove(peer)


def serve(patience: float) -> None:
    """Listens from now on, on threads that end with the process."""
    os.makedirs(os.path.dirname(SOCKET), exist_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(SOCKET)
    listener.listen()

    def accept() -> None:
        while True:
            Peer(listener.accept()[0], patience).start()

    threading.Thread(target=accept, daemon=True).start()
