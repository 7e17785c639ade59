"""The way to a token: its library, its slot, its PIN, and what it refuses in words.

A wrong PIN is never tried twice: tokens count. python-pkcs11 is imported only here, and only where a token is named.
"""

import os
from contextlib import contextmanager, suppress

from flash_tools.errors import BusyError, NotFoundError, RefusedError, SilentError, ToolError, UsageError
from flash_tools.signing.pkcs11_uri import PIN


def library():
    """Return python-pkcs11."""
    try:
        import pkcs11
    except ImportError as e:
        text = "keys in tokens need python-pkcs11: install it with `pip install 'fumo-agent[hsm]'` (%s)"
        raise ToolError(text % str(e).split("\n")[0]) from None
    return pkcs11


def find_token(uri):
    """Return the one token that a URI names."""
    path = uri.module_path()
    if not os.path.isfile(path):
        raise NotFoundError(f"there is no PKCS#11 library at {path}: name the token's own by module-path")
    p11 = library()
    try:
        module = p11.lib(path)
    except p11.PKCS11Error as e:
        raise ToolError(f"{path} is no PKCS#11 library that works here: {_line(e)}") from None
    found = [token for token in _tokens(module) if _fits(token, uri)]
    if not found:
        raise NotFoundError(f"no token of {path} fits {uri}: plug it in, or look at its label with `pkcs11-tool -L`")
    if len(found) > 1:
        serials = ", ".join(token.serial.decode("utf-8", "replace").strip() for token in found)
        raise UsageError(f"{len(found)} tokens fit {uri}: add serial=… to its URI, one of {serials}")
    return found[0]


def _tokens(module):
    flag = library().TokenFlag.TOKEN_INITIALIZED
    for slot in module.get_slots(token_present=True):
        with suppress(library().TokenNotPresent, library().TokenNotRecognised):
            token = slot.get_token()
            if token.flags & flag:
                yield token


def _fits(token, uri):
    wanted = (uri.token, uri.serial, uri.manufacturer, uri.model)
    has = (token.label, token.serial.decode("utf-8", "replace"), token.manufacturer_id, token.model)
    return all(want is None or want.strip() == value.strip("\0 ") for want, value in zip(wanted, has, strict=True))


def open_session(uri, token, rw=False, login=True):
    """Open a session; the PIN comes from its file or the environment, or is typed at the token itself."""
    p11 = library()
    if not login:
        return token.open(rw=rw)
    pin = uri.pin()
    if token.flags & p11.TokenFlag.PROTECTED_AUTHENTICATION_PATH and not pin:
        pin = p11.PROTECTED_AUTH  # it has a keypad of its own
    if not pin:
        raise UsageError(f"the token wants its PIN: set {PIN}, or name its file by pin-source")
    try:
        return token.open(rw=rw, user_pin=pin)
    except p11.UserAlreadyLoggedIn:  # by this process, for another key
        return token.open(rw=rw)


@contextmanager
def told(uri):
    """Say what a token refuses in one line."""
    p11 = library()
    try:
        yield
    except (p11.PinIncorrect, p11.PinInvalid, p11.PinLenRange):
        text = "the token does not take the PIN: it was tried once and counted, correct %s or the pin-source file"
        raise ToolError(text % PIN) from None
    except (p11.PinLocked, p11.PinExpired, p11.UserPinNotInitialized) as e:
        text = f"the token's PIN is {_line(e)}: its security officer has to set a new one"
        raise BusyError(text) from None
    except (p11.DeviceRemoved, p11.TokenNotPresent) as e:
        raise SilentError(f"the token of {uri} went away: {_line(e)}") from None
    except p11.TokenWriteProtected:
        raise RefusedError(f"the token of {uri} is write-protected") from None
    except p11.PKCS11Error as e:
        raise ToolError(f"the token refuses {uri}: {_line(e)}") from None


def _line(error):
    words = {"PinLocked": "locked", "PinExpired": "expired", "UserPinNotInitialized": "not set"}
    name = type(error).__name__
    return words.get(name) or ("%s %s" % (name, str(error).split("\n")[0])).strip()[:200]
