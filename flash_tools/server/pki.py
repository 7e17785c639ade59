"""Certificates for a server on a test bench: an authority of its own, good certificates and every kind of wrong one.

Elliptic curves only, so that one is made in a millisecond. Knows nothing of sockets.
"""

import datetime
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from flash_tools.errors import ToolError

NAMES = ("localhost", "127.0.0.1")
KINDS = ("good", "expired", "future", "wrong-name", "other-ca")
_FROM, _UNTIL = datetime.datetime(2020, 1, 1), datetime.datetime(2049, 12, 31)
_PAST, _LATER = datetime.datetime(2021, 1, 1), datetime.datetime(2048, 1, 1)


@dataclass(frozen=True)
class Certificate:
    """A certificate and its private key as PEM texts."""

    pem: str
    key_pem: str


class Authority:
    """A certificate authority; `pem` and `der` are what devices must trust."""

    def __init__(self, name: str = "fumo test authority"):
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        builder = _builder(self._name, self._name, self._key.public_key(), _FROM, _UNTIL)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(sign=True), critical=True)
        self._certificate = builder.sign(self._key, hashes.SHA256())
        self.pem = self._certificate.public_bytes(serialization.Encoding.PEM).decode()
        self.der = self._certificate.public_bytes(serialization.Encoding.DER)

    def issue(self, names=NAMES, not_before=_FROM, not_after=_UNTIL, client: bool = False) -> Certificate:
        """Make a certificate for host names and addresses, or for a client."""
        key = ec.generate_private_key(ec.SECP256R1())
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = _builder(_name(names[0]), self._name, key.public_key(), not_before, not_after)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(sign=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
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


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


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
