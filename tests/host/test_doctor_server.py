"""`fumo doctor --url`: servers whose certificates are good, and every way in which they are not."""

import datetime
import socket
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from flash_tools.doctor import network

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.UTC)


def certificate(name, issuer=None, key_of_issuer=None, start=NOW - DAY, end=NOW + 90 * DAY):
    """Return (certificate, key); without an issuer it is an authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder().subject_name(who).issuer_name(issuer.subject if issuer else who)
    made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(start).not_valid_after(end)
    if issuer:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
    made = made.add_extension(x509.BasicConstraints(not issuer, None), True)
    return made.sign(key_of_issuer or key, hashes.SHA256()), key


def pem(found):
    return found.public_bytes(serialization.Encoding.PEM).decode()


CA, CA_KEY = certificate("authority", end=NOW + 900 * DAY)
AUTHORITY = pem(CA)


class Server:
    """Speaks TLS, or says something else, to whoever connects; ends with the test."""

    def __init__(self, tmp_path, found=None, key=None):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._context = None
        if found:
            path = tmp_path / "server.pem"
            private = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            path.write_text(pem(found) + private.decode())
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(path)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            with plain:
                try:
                    if self._context:
                        self._context.wrap_socket(plain, server_side=True).close()
                    else:
                        plain.sendall(b"SSH-2.0-hello\r\n")
                except OSError:
                    pass

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


def look(tmp_path, name="localhost", ca=AUTHORITY, **dates):
    with Server(tmp_path, *certificate(name, CA, CA_KEY, **dates)) as server:
        return {check.name: check for check in network.checks("https://localhost:%d" % server.port, ca)}


def test_a_good_server(tmp_path):
    found = look(tmp_path)
    assert [found[name].verdict for name in ("name", "reach", "tls")] == ["ok"] * 3
    assert "good for 89 days" in found["tls"].what


@pytest.mark.parametrize(
    ("given", "verdict", "said", "do"),
    [
        ({"end": NOW + 3 * DAY}, "warn", "good for 2 days", "renew"),
        ({"start": NOW - 9 * DAY, "end": NOW - DAY}, "fail", "expired", "set the clock"),
        ({"start": NOW + DAY}, "fail", "not yet valid", "set the clock"),
        ({"name": "elsewhere"}, "fail", "ismatch", "use the name"),
        ({"ca": None}, "fail", "not accepted", "trust the server's authority"),
        ({"ca": "no certificate"}, "fail", "no certificate", "--ca"),
    ],
)
def test_what_may_be_wrong_with_a_certificate(tmp_path, given, verdict, said, do):
    check = look(tmp_path, **given)["tls"]
    assert check.verdict == verdict and said in check.what and do in check.do


def test_the_name_that_was_asked_for_counts(tmp_path):
    with Server(tmp_path, *certificate("localhost", CA, CA_KEY)) as server:
        found = {check.name: check for check in network.checks("https://127.0.0.1:%d" % server.port, AUTHORITY)}
    assert found["tls"].verdict == "fail" and "127.0.0.1" in found["tls"].what


def test_what_speaks_no_tls(tmp_path):
    with Server(tmp_path) as server:
        found = {check.name: check for check in network.checks("https://localhost:%d" % server.port, AUTHORITY)}
        plain = {check.name: check for check in network.checks("http://localhost:%d/x" % server.port)}
    assert found["tls"].verdict == "fail" and "TLS fails" in found["tls"].what
    assert plain["reach"].verdict == "ok" and plain["tls"].verdict == "warn"


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for scheme in ("http", "https"):
        found = {check.name: check for check in network.checks("%s://127.0.0.1:%d" % (scheme, port))}
        assert found["reach"].verdict == "fail" and "does not answer" in found["reach"].what


@pytest.mark.parametrize(
    "url", ["", "host", "ftp://host", "https://", "https://h:99999999", "http://[::1", "https://u:p@/"]
)
def test_what_is_no_url(url):
    (check,) = network.checks(url)
    assert (check.name, check.verdict) == ("url", "fail")


def test_a_name_that_nobody_knows(monkeypatch):
    def nobody(*arguments, **options):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    found = list(network.checks("https://nowhere.invalid"))
    assert [(check.name, check.verdict) for check in found] == [("name", "fail")]
