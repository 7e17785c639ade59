"""Servers on loopback that behave and misbehave, over TCP and TLS, and a name server; certificates made on the spot."""

import datetime
import hashlib
import ipaddress
import socket
import ssl
import struct
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAME = "device.test"
_DAY = datetime.timedelta(days=1)
_PLAIN = serialization.NoEncryption()


def make_certificate(name, issuer=None, valid=(-1, 9), address=None):
    """Return (certificate, key); without `issuer`, another such pair, it signs itself and may sign others."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).public_key(key.public_key())
    builder = builder.issuer_name(issuer[0].subject if issuer else subject).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now + _DAY * valid[0]).not_valid_after(now + _DAY * valid[1])
    if issuer:
        others = [x509.IPAddress(ipaddress.ip_address(address))] if address else []
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name), *others]), False)
    else:
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(x509.BasicConstraints(True, None), True).add_extension(usage, True)
    return builder.sign(issuer[1] if issuer else key, hashes.SHA256()), key


def make_certificates(folder):
    """Write what the tests need into `folder`: name.pem with its key inside, name.der, name.key.der."""
    trusted, stranger = make_certificate("Trusted CA"), make_certificate("Stranger CA")
    made = {
        "ca": trusted,
        "stranger_ca": stranger,
        "good": make_certificate(NAME, trusted, address="127.0.0.1"),
        "other_name": make_certificate("other.test", trusted),
        "untrusted": make_certificate(NAME, stranger),
        "expired": make_certificate(NAME, trusted, (-9, -1)),
        "early": make_certificate(NAME, trusted, (5, 9)),
        "expired_other": make_certificate("other.test", trusted, (-9, -1)),
        "client": make_certificate("device 1", trusted),
    }
    pem, der = serialization.Encoding.PEM, serialization.Encoding.DER
    for name, (certificate, key) in made.items():
        text = certificate.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, _PLAIN)
        (folder / (name + ".pem")).write_bytes(text)
        (folder / (name + ".der")).write_bytes(certificate.public_bytes(der))
        raw = key.private_bytes(der, serialization.PrivateFormat.TraditionalOpenSSL, _PLAIN)
        (folder / (name + ".key.der")).write_bytes(raw)


def server_context(folder, name, version=None, client=False):
    """Return the TLS settings of a server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / (name + ".pem"))
    if version:
        context.minimum_version = context.maximum_version = version
    if client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "ca.pem")
    return context


def serve(behaviour, context=None):
    """Listen in the background, call `behaviour(connection, number)` for each connection in a thread; return the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def one(connection, number):
        connection.settimeout(20)
        try:
            if context:
                connection = context.wrap_socket(connection, server_side=True)
            behaviour(connection, number)
        except (OSError, ValueError):
            pass  # the client went away, as some tests want it
        finally:
            connection.close()

    def accept():
        number = 0
        while True:
            connection, _ = listener.accept()
            number += 1
            threading.Thread(target=one, args=(connection, number), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def reset(connection, _=0):
    """Break the connection off with RST once something came."""
    connection.recv(1)
    reset_now(connection)


def silent(connection, _=0):
    """Take everything, say nothing, until the client goes."""
    while connection.recv(1000):
        pass


def garbage(connection, _=0):
    """Answer TLS with something else."""
    connection.recv(10)
    connection.sendall(b"HTTP/1.0 400 Bad\r\n\r\n")
    connection.recv(1000)


def hang_up(connection, _=0):
    """Close at the first byte."""
    connection.recv(1)


def pattern(size):
    """Return bytes that show a wrong offset."""
    return bytes((i * 7 + (i >> 8)) & 255 for i in range(size))


def _answer(body, *fields):
    lines = ["HTTP/1.1 200 OK", "Content-Length: %d" % len(body), *fields, "", ""]
    return "\r\n".join(lines).encode() + body


def web(connection, number):
    """Speak HTTP: the path says how."""
    requests, reader = 0, connection.makefile("rb")
    while line := reader.readline():
        requests += 1
        fields = dict(iter(lambda: reader.readline().decode().strip().lower().partition(": ")[::2], ("", "")))
        path, size = line.split()[1].decode(), int(fields.get("content-length", 0))
        if path == "/late":
            time.sleep(0.3)
        digest = hashlib.sha256(reader.read(size)).hexdigest().encode()
        if path in ("/echo", "/late"):
            connection.sendall(_answer(digest))
        elif path == "/number":
            connection.sendall(_answer(b"%d" % number))
        elif path == "/last":
            connection.sendall(_answer(b"%d" % number))
            return hasattr(connection, "unwrap") and connection.unwrap()  # the polite end of TLS
        elif path == "/once":  # the next request finds nobody
            if requests > 1:
                return
            connection.sendall(_answer(b"%d" % number))
        elif path.startswith("/size/"):
            connection.sendall(_answer(pattern(int(path[6:]))))
        elif path == "/chunked":
            _send_chunks(connection, pattern(100000))
        else:
            return _misbehave(connection, path)


def _send_chunks(connection, data):
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for start in range(0, len(data), 7777):
        piece = data[start : start + 7777]
        connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
    connection.sendall(b"0\r\n\r\n")


def _misbehave(connection, path):
    if path == "/to-the-end":
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + pattern(30000))
        return
    elif path == "/short":
        connection.sendall(_answer(pattern(1000))[:-1])
        return
    elif path == "/reset":
        connection.sendall(_answer(pattern(1000))[:-1])
        time.sleep(0.1)
        reset_now(connection)
        return
    elif path == "/half-head":
        connection.sendall(b"HTTP/1.1 200")
    elif path == "/half-body":
        connection.sendall(_answer(pattern(1000))[:-1])
    elif path == "/drip":
        while True:
            connection.sendall(b"H")
            time.sleep(0.02)
    silent(connection)


def reset_now(connection):
    """Send RST, below TLS if there is any."""
    raw = socket.socket(fileno=connection.detach())
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


def closed_port():
    """Return a port that refuses: bound, and nobody listens."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    _held.append(holder)
    return holder.getsockname()[1]


_held = []


def serve_datagrams(behaviour):
    """Answer each datagram with each of what `behaviour(data)` gives; return the port."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))

    def run():
        while True:
            data, peer = sock.recvfrom(2000)
            for answer in behaviour(data):
                sock.sendto(answer, peer)

    threading.Thread(target=run, daemon=True).start()
    return sock.getsockname()[1]


def name_server(data):
    """Know one name, through an alias; everything else does not exist. Something forged comes before the truth."""
    head, question = data[:2], data[12:]
    if not question.startswith(b"\6device\4test\0"):
        return [head + b"\x81\x83\0\1\0\0\0\0\0\0" + question]
    alias = b"\5alias\xc0\x0c"
    records = b"\xc0\x0c\0\5\0\1\0\0\0\1" + struct.pack(">H", len(alias)) + alias
    records += alias + b"\0\1\0\1\0\0\0\1\0\4\x7f\0\0\1"
    truth = b"\x81\x80\0\1\0\2\0\0\0\0" + question + records
    return [bytes((head[0] ^ 1, head[1])) + truth, b"", head + truth]
