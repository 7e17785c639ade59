"""A network of its own for this process and its children: loopback, nothing else. Root may make one, a container often not."""

import ctypes
import fcntl
import os
import socket
import struct

_CLONE_NEWNET = 0x40000000
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 1


def enter() -> str:
    """Leave the network of the machine; return "" or why that cannot be had."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        return os.strerror(ctypes.get_errno())
    try:
        _bring_up("lo")
    except OSError as e:  # there is no way back: this process has no network any more
        return "its loopback does not come up: %s" % e.strerror
    return ""


def _bring_up(name):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh14x", name.encode(), 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(sock, _GET_FLAGS, request))[1]
        fcntl.ioctl(sock, _SET_FLAGS, struct.pack("16sh14x", name.encode(), flags | _UP))


def interfaces() -> list[str]:
    """Return the names of the network interfaces that there are."""
    return [name for _, name in socket.if_nameindex()]
