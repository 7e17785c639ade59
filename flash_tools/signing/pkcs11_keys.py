"""Signing keys in tokens: the token signs, the key never leaves it.

A TokenSigner can do what package_build wants of a key of cryptography's: `sign(data, ec.ECDSA(hashes.SHA256()))`, which
gives DER, and `public_key()`.
"""

import hashlib
import secrets
from contextlib import suppress

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.x509 import load_der_x509_certificate

from flash_tools.errors import NotFoundError, RefusedError, ToolError, UsageError
from flash_tools.signing import pkcs11_uri
from flash_tools.signing.pkcs11_token import find_token, library, open_session, told
from flash_tools.signing.pkcs11_uri import PIN

_P256 = bytes.fromhex("06082a8648ce3d030107")  # DER of the curve's object identifier
_POINT = 65


class TokenSigner:
    """A private key in a token."""

    def __init__(self, session, private, public: ec.EllipticCurvePublicKey, uri: pkcs11_uri.Uri):
        self.curve, self.uri = ec.SECP256R1(), uri
        self._session, self._private, self._public = session, private, public

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """Return the public half."""
        return self._public

    def sign(self, data: bytes, algorithm) -> bytes:
        """Return the DER of the token's signature; it is proved before it is believed."""
        if not isinstance(algorithm, ec.ECDSA) or not isinstance(algorithm.algorithm, hashes.SHA256):
            raise UsageError("a key in a token signs by ECDSA with SHA-256 only")
        p11 = library()
        with told(self.uri):
            raw = self._private.sign(hashlib.sha256(data).digest(), mechanism=p11.Mechanism.ECDSA)
        try:
            if len(raw) != 64:
                raise InvalidSignature
            der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
            self._public.verify(der, data, algorithm)
        except InvalidSignature:
            text = f"the token's public key {self.uri} is not that of the private one: look with `fumo keys show`"
            raise RefusedError(text) from None
        return der

    def facts(self) -> dict:
        """Return what the token says of the key: whether it may leave, whether it was made there."""
        names = {"sensitive": "SENSITIVE", "extractable": "EXTRACTABLE", "made_in_token": "LOCAL"}
        p11, said = library(), {}
        for name, attribute in names.items():
            said[name] = None
            with suppress(p11.PKCS11Error):
                said[name] = bool(self._private[p11.Attribute[attribute]])
        return said

    def close(self) -> None:
        """Leave the token; others of this process that use it are logged out, too."""
        with suppress(library().PKCS11Error):
            self._session.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def open_token_signer(text) -> TokenSigner:
    """Open the private key that a URI names."""
    uri = pkcs11_uri.parse(text)
    p11 = library()
    with told(uri):
        session = open_session(uri, find_token(uri))
        try:
            private = _key(session, uri, p11.ObjectClass.PRIVATE_KEY)
            _check_curve(private, uri)
            return TokenSigner(session, private, _public(session, uri, private.id), uri)
        except BaseException:
            session.close()
            raise


def open_token_public(text) -> ec.EllipticCurvePublicKey:
    """Return the public half of a key; most tokens show it without a PIN."""
    uri = pkcs11_uri.parse(text)
    with told(uri):
        token = find_token(uri)
        session = open_session(uri, token, rw=False, login=bool(uri.pin()))
        try:
            return _public(session, uri, uri.id)
        finally:
            session.close()


def new_token_key(text, dry_run: bool = False) -> ec.EllipticCurvePublicKey | None:
    """Make a key in a token, one that cannot leave it; return its public half, None in a dry run."""
    uri = pkcs11_uri.parse(text)
    if not uri.object:
        raise UsageError("what shall the key be called? its URI has object=…")
    p11 = library()
    with told(uri):
        session = open_session(uri, find_token(uri), rw=not dry_run, login=True)
        try:
            _refuse_taken(session, uri)
            return None if dry_run else _generate(p11, session, uri)
        finally:
            session.close()


def _generate(p11, session, uri):
    names = p11.Attribute
    parameters = session.create_domain_parameters(p11.KeyType.EC, {names.EC_PARAMS: _P256}, local=True)
    public, private = parameters.generate_keypair(
        store=True,
        label=uri.object,
        id=uri.id or secrets.token_bytes(8),
        private_template={names.SENSITIVE: True, names.EXTRACTABLE: False, names.PRIVATE: True, names.DERIVE: False},
    )
    if private[names.EXTRACTABLE] or not private[names.SENSITIVE]:
        private.destroy()
        public.destroy()
        raise RefusedError("the token would let the key leave: it was removed again, use another token")
    return _from_point(public[names.EC_POINT], uri)


def _refuse_taken(session, uri):
    p11 = library()
    for attribute, value in ((p11.Attribute.LABEL, uri.object), (p11.Attribute.ID, uri.id)):
        if value and list(session.get_objects({attribute: value})):
            raise ToolError(f"{uri} is in the token already: a key is not overwritten, choose another name")


def _objects(session, kind, label, key_id):
    """Return what fits; all of it is asked for, since a search that is left half done disturbs the session."""
    names = library().Attribute
    wanted = {names.CLASS: kind, names.LABEL: label, names.ID: key_id}
    return list(session.get_objects({name: value for name, value in wanted.items() if value is not None}))


def _key(session, uri, kind):
    found = _objects(session, kind, uri.object, uri.id)
    if not found:
        text = f"the token has no key {uri}: make one with `fumo keys new`, or look with `pkcs11-tool -O`"
        raise NotFoundError(text)
    return _only(found, uri)


def _only(found, uri):
    if len(found) > 1:
        raise UsageError(f"{len(found)} keys fit {uri}: add id=… to its URI")
    return found[0]


def _check_curve(key, uri):
    p11 = library()
    if key.key_type != p11.KeyType.EC or key[p11.Attribute.EC_PARAMS] != _P256:
        raise ToolError(f"{uri} is not a P-256 key: make one with `fumo keys new`")


def _public(session, uri, key_id):
    p11 = library()
    found = _objects(session, p11.ObjectClass.PUBLIC_KEY, uri.object, key_id)
    if not found:
        return _certified(session, uri, key_id)
    public = _only(found, uri)
    _check_curve(public, uri)
    return _from_point(public[p11.Attribute.EC_POINT], uri)


def _certified(session, uri, key_id):
    """Return the public key in the certificate beside a private one, as smart cards have it."""
    p11 = library()
    found = _objects(session, p11.ObjectClass.CERTIFICATE, None if key_id else uri.object, key_id)
    if len(found) != 1:
        raise NotFoundError(f"the token has no public key {uri}: set {PIN} if it hides them, or make one")
    try:
        public = load_der_x509_certificate(found[0][p11.Attribute.VALUE]).public_key()
    except ValueError:
        raise ToolError(f"the certificate of {uri} cannot be read") from None
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise ToolError(f"{uri} is not a P-256 key: make one with `fumo keys new`")
    return public


def _from_point(point, uri):
    """Take the point with the DER round it, as the standard says, and bare, as some tokens give it."""
    bare = point[2:] if len(point) == _POINT + 2 and point[:2] == bytes((4, _POINT)) else point
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bare)
    except ValueError:
        raise ToolError(f"the token gives no point of P-256 for {uri}") from None
