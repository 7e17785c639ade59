"""Certificates: an authority of its own, good certificates, for test benches every kind of wrong one, and what is in one.

Elliptic curves only, so that one is made in a millisecond. Knows nothing of sockets, and of no files: certificates.py does.
"""

import datetime
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from flash_tools.errors import ToolError

NAMES = ("localhost", "127.0.0.1")
KINDS = ("good", "expired", "future", "wrong-name", "other-ca")
_FROM, _UNTIL = datetime.datetime(2020, 1, 1), datetime.datetime(2049, 12, 31)
_CN_MOST = 64  # characters, RFC 5280 appendix A.1
_PAST, _LATER = datetime.datetime(2021, 1, 1), datetime.datetime(2048, 1, 1)


@dataclass(frozen=True)
class Certificate:
    """A certificate and its private key as PEM texts."""

    pem: str
    key_pem: str


class Authority:
    """A certificate authority; `pem` and `der` are what devices must trust, `kept` is one that was made before."""

    def __init__(self, name: str = "fumo test authority", kept: Certificate | None = None):
        if kept:
            self._certificate, self._key = _read(kept.pem), _read_key(kept.key_pem)
            if not is_pair(kept):
                raise ToolError("the key is not the one of the certificate")
        else:
            self._key = ec.generate_private_key(ec.SECP256R1())
            self._certificate = _own(_name(name), self._key)
        self._name = self._certificate.subject
        self.pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()
        self.der = self._certificate.public_bytes(serialization.Encoding.DER)

    @property
    def kept(self) -> Certificate:
        """Return the certificate and the key, to be kept."""
        return Certificate(self.pem, _key_pem(self._key))

    def issue(self, names=NAMES, not_before=_FROM, not_after=_UNTIL, client: bool = False) -> Certificate:
        """Make a certificate for host names and addresses, or for a client."""
        key = ec.generate_private_key(ec.SECP256R1())
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = _builder(_name(names[0]), self._name, key.public_key(), not_before, not_after)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(sign=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(identifier, critical=False)  # strict verifiers want it, Python 3.13 is one
        certificate = builder.sign(self._key, hashes.SHA256())
        return Certificate(certificate.public_bytes(serialization.Encoding.PEM).decode(), _key_pem(key))

    def issue_kind(self, kind: str, names=NAMES) -> Certificate:
        """Make a server's certificate that is good or wrong in one way: see KINDS."""
        if kind == "expired":
            return self.issue(names, not_after=_PAST)
        if kind == "future":
            return self.issue(names, not_before=_LATER)
        if kind == "wrong-name":
            return self.issue(("elsewhere.example", "192.0.2.1"))
        if kind == "other-ca":
            return Authority("another authority").issue(names)
        if kind != "good":
            raise ToolError("there is no certificate %r, only %s" % (kind, ", ".join(KINDS)))
        return self.issue(names)


def names_of(pem: str) -> tuple[str, ...]:
    """Return the host names and addresses that a certificate is for."""
    try:
        found = _read(pem).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(name.value) for name in found)


def end_of(pem: str) -> float:
    """Return the unix time at which a certificate runs out."""
    return _read(pem).not_valid_after_utc.timestamp()


def is_pair(certificate: Certificate) -> bool:
    """Tell whether the private key is the certificate's."""
    return _read(certificate.pem).public_key() == _read_key(certificate.key_pem).public_key()


def is_issued_by(pem: str, authority_pem: str) -> bool:
    """Tell whether an authority has signed a certificate."""
    try:
        _read(pem).verify_directly_issued_by(_read(authority_pem))
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def fingerprint(pem: str) -> str:
    """Return the SHA-256 of a certificate in hexadecimal."""
    return _read(pem).fingerprint(hashes.SHA256()).hex()


def _read(pem):
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise ToolError("this is no certificate in PEM") from None


def _read_key(pem):
    try:
        return serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ToolError("this is no private key in PEM without a passphrase") from None


def _own(name, key):
    builder = _builder(name, name, key.public_key(), _FROM, _UNTIL)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(sign=True), critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return builder.add_extension(identifier, critical=False).sign(key, hashes.SHA256())


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:_CN_MOST])])


def _builder(subject, issuer, public_key, not_before, not_after):
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public_key)
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(not_before).not_valid_after(not_after)


def _usage(sign: bool):
    off = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return x509.KeyUsage(digital_signature=not sign, key_cert_sign=sign, crl_sign=sign, **off)


def _general(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_pem(key):
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
