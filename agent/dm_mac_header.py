"""What others write into x-syncml-hmac. Loaded when the first such header comes; dm_auth has the rest."""

import binascii

from agent.dm_auth import from_b64


def parse(text):
    """Return (user, the sixteen bytes) from any order, case and quoting; (None, b"") where it is not one."""
    fields = {}
    pieces = text.split('"')
    for i in range(0, len(pieces), 2):  # the others are quoted, commas may be in them
        pieces[i] = pieces[i].replace(",", "\n")
    for part in '"'.join(pieces).split("\n"):
        key, _, value = part.partition("=")
        fields[key.strip().lower()] = value.strip().strip('"')
    code = from_b64(fields.get("mac", "").encode()) or b""
    if len(code) == 32:  # base64 of hexadecimal, as an example in the specification has it
        try:
            code = binascii.unhexlify(code)
        except ValueError:
            pass
    user = fields.get("username")
    if user is None or len(code) != 16 or fields.get("algorithm", "md5").lower() != "md5":
        return None, b""
    return user, code
