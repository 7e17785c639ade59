"""The certificate of a server's folder: kept, renewed before it runs out, never taken from somebody else."""

import ssl
import stat
import time

import pytest

from flash_tools.server import certificates, pki
from flash_tools.server.pki import Authority, Certificate
from flash_tools.server.settings import Settings, init
from tests.host.server_folders import change, complaint

DAY_S = 86400


@pytest.fixture
def folder(tmp_path):
    init(tmp_path / "server", name="trial")
    return tmp_path / "server"


def days(text):
    return (pki.end_of(text) - time.time()) / DAY_S


def test_the_certificate_is_kept_until_it_is_time(folder):
    names = Settings.read(folder).names
    first, note = certificates.current(folder, names)
    assert note == "" and set(pki.names_of(first.pem)) == set(names) == {"localhost", "127.0.0.1"}
    end = pki.end_of(first.pem)
    assert 390 < (end - time.time()) / DAY_S < 398
    assert certificates.current(folder, names, end - 31 * DAY_S) == (first, "")
    later, note = certificates.current(folder, names, end - 29 * DAY_S)
    assert "29 days left" in note or "28 days left" in note
    assert later != first and pki.end_of(later.pem) > end + 300 * DAY_S
    assert pki.is_issued_by(later.pem, certificates.authority_pem(folder)) and pki.is_pair(later)
    assert certificates.current(folder, names, end - 29 * DAY_S) == (later, "")
    assert stat.S_IMODE((folder / "server-key.pem").stat().st_mode) == 0o600


def test_other_names_another_certificate(folder):
    change(folder, "https://localhost:8443", "https://fw.example:8443")
    made, note = certificates.current(folder, Settings.read(folder).names)
    assert "fw.example" in note and "fw.example" in pki.names_of(made.pem)


@pytest.mark.parametrize("name", ["server.pem", "server-key.pem"])
def test_half_a_certificate_is_made_anew(folder, name):
    """A crash between the two files leaves a key of another certificate, or none."""
    other = Authority("fumo other").issue()
    names = Settings.read(folder).names
    if name == "server-key.pem":
        (folder / name).write_text(other.key_pem)
        made, note = certificates.current(folder, names)
        assert note and pki.is_pair(made)
    (folder / name).unlink()
    made, note = certificates.current(folder, names)
    assert note and pki.is_pair(made)
    assert certificates.current(folder, names) == (made, "")


def test_a_missing_authority_key_is_only_missed_when_it_is_needed(folder):
    names = Settings.read(folder).names
    kept, _ = certificates.current(folder, names)
    (folder / "ca-key.pem").unlink()
    assert certificates.current(folder, names) == (kept, "")
    used, note = certificates.current(folder, names, pki.end_of(kept.pem) - DAY_S)
    assert used == kept and "ca-key.pem is missing" in note
    (folder / "server-key.pem").unlink()
    assert "backup" in complaint(certificates.current, folder, names)


def test_a_foreign_authority_key(folder):
    names = Settings.read(folder).names
    before = (folder / "server-key.pem").read_text()
    (folder / "ca-key.pem").write_text(Authority("fumo other").kept.key_pem)
    assert "does not belong" in complaint(certificates.current, folder, names)
    (folder / "ca-key.pem").write_text("rubbish")
    assert "no private key" in complaint(certificates.current, folder, names)
    assert (folder / "server-key.pem").read_text() == before


def test_a_certificate_of_ones_own_is_not_replaced(folder):
    company = Authority("the company")
    own = company.issue(("fw.example",))
    (folder / "server.pem").write_text(own.pem)
    (folder / "server-key.pem").write_text(own.key_pem)
    names = Settings.read(folder).names
    assert "not signed by ca.pem" in complaint(certificates.current, folder, names)
    (folder / "ca-key.pem").unlink()
    (folder / "ca.pem").write_text(company.pem)
    used, note = certificates.current(folder, names)
    assert used == Certificate(own.pem, own.key_pem) and "not replaced" in note
    assert (folder / "server.pem").read_text() == own.pem


@pytest.mark.parametrize("name", ["ca.pem", "server.pem"])
def test_rubbish_is_named(folder, name):
    (folder / name).write_bytes(b"\xff")
    assert name in complaint(certificates.current, folder, Settings.read(folder).names)
    (folder / name).write_text("rubbish")
    assert name in complaint(certificates.current, folder, Settings.read(folder).names)


def test_strict_verifiers_take_the_certificates(folder):
    """As Python 3.13 does by default: the identifiers of RFC 5280 are there."""
    context = ssl.create_default_context(cadata=certificates.authority_pem(folder))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem", folder / "server-key.pem")
    ends = [ssl.MemoryBIO() for _ in range(4)]
    client = context.wrap_bio(ends[0], ends[1], server_hostname="127.0.0.1")
    served = server.wrap_bio(ends[2], ends[3], server_side=True)
    for _ in range(5):
        for end, out, into in ((client, ends[1], ends[2]), (served, ends[3], ends[0])):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                pass
            into.write(out.read())
    assert client.version() and client.getpeercert()["subjectAltName"]
