"""Loopback servers for a network namespace: HTTP, HTTPS with a CA of its own, and a DNS that knows one name; and a TLS
server of openssl's own for each kind of key, cipher suite and group."""

import contextlib
import http.server
import socket
import ssl
import struct
import subprocess
import threading

NAMES = ["hosts.test", "dns.test", "localhost"]


def make_certificates(top):
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=top, check=True, capture_output=True)

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=provision test CA")
    openssl("req", *curve, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=hosts.test")
    (top / "extensions").write_text("subjectAltName=" + ",".join(f"DNS:{n}" for n in NAMES) + "\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "extensions", "-out", "server.pem")


KEYS = {
    "rsa": ["rsa:2048"],
    "rsa-pss": ["rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"],
    "p256": ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
    "p384": ["ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"],
    "p521": ["ec", "-pkeyopt", "ec_paramgen_curve:secp521r1"],
    "ed25519": ["ed25519"],
    "ed448": ["ed448"],
}


@contextlib.contextmanager
def tls_server(top, key, *options):
    """openssl's server with a certificate that is signed with its own key; it answers with the files in top. Gives the port
    and the certificate."""
    certificate = top / f"{key}.pem"
    if not certificate.exists():
        subprocess.run(["openssl", "req", "-x509", "-newkey", *KEYS[key], "-nodes", "-keyout", f"{key}.key", "-out", certificate.name,
                        "-days", "2", "-subj", "/CN=hosts.test", "-addext", "subjectAltName=DNS:hosts.test"],
                       cwd=top, check=True, capture_output=True)
    server = subprocess.Popen(["openssl", "s_server", "-WWW", "-accept", "127.0.0.1:0", "-cert", certificate.name, "-key", f"{key}.key",
                               *options], cwd=top, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said = next((line for line in server.stdout if line.startswith("ACCEPT")), "")
        if not said:
            raise OSError(f"openssl s_server {key} {' '.join(options)} does not start")
        yield int(said.rpartition(":")[2]), certificate
    finally:
        server.kill()
        server.communicate()


def answer(query):
    """The answer to one DNS question: 127.0.0.1 for dns.test, and "no such name" for any other."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace"))
        at += 1 + query[at]
    question, kind = query[12:at + 5], struct.unpack(">H", query[at + 1:at + 3])[0]
    known = ".".join(labels).lower() == "dns.test"
    records = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton("127.0.0.1") if known and kind == 1 else b""
    flags = 0x8180 if known else 0x8183
    return query[:2] + struct.pack(">HHHHH", flags, 1, 1 if records else 0, 0, 0) + question + records


class Servers:
    def __init__(self, top, body):
        self.top, self.body, self.ports, self._running = top, body.encode(), {}, []

    def __enter__(self):
        make_certificates(self.top)
        self._http("http", None, None)
        self._http("https", ssl.TLSVersion.TLSv1_3, None)
        self._http("tls12", None, ssl.TLSVersion.TLSv1_2)
        dns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        dns.bind(("127.0.0.1", 53))
        threading.Thread(target=self._dns, args=(dns,), daemon=True).start()
        return self

    def __exit__(self, *_):
        for server in self._running:
            server.shutdown()

    def _dns(self, sock):
        while True:
            query, peer = sock.recvfrom(512)
            sock.sendto(answer(query), peer)

    def _http(self, name, lowest, highest):
        body = self.body

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # a client that refuses our certificate hangs up: that is the test

        server = Server(("127.0.0.1", 0), Handler)
        if name != "http":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.top / "server.pem", self.top / "server.key")
            if lowest:
                context.minimum_version = lowest
            if highest:
                context.maximum_version = highest
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.ports[name] = server.server_address[1]
        self._running.append(server)
