"""Who signed a package, without believing it yet: the header of its manifest, a JWS compact string.

Making one is package_build.sign_jws; opening one, with a key, is agent.signature.open_jws.
"""

import base64
import binascii
import json

from flash_tools.errors import ToolError
from flash_tools.packages import package_read

_KID_MOST = 64


def signer_of(data: bytes) -> str:
    """Return the id of the key that a package says it is signed by."""
    try:
        text = package_read.manifest_text(data).split(b".")[0]
        header = json.loads(base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)))
        return str(header.get("kid", ""))[:_KID_MOST]
    except (ValueError, AttributeError, IndexError, RecursionError, binascii.Error):
        raise ToolError("this is no package: its manifest has no header that can be read") from None
