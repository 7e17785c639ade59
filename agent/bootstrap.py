"""The first account by push: a DM message in WBXML whose Adds and Replaces are executed and never answered.

What it may do is decided by the MAC over it, an HMAC-SHA1 with a key that only the operator or the user knows, and by the
moment: the device has no account yet, or someone holds its button. How the bytes came is the caller's matter.
"""

import binascii
import hashlib

from agent import dm_uri
from agent.compat import const
from agent.dm_auth import same
from agent.dm_commit import commit, roll_back, snapshot
from agent.dm_edit import edit
from agent.dm_edit_nodes import delete
from agent.dm_incoming import DONE_WITH_MESSAGE, Incoming
from agent.dm_tree import refuse
from agent.dm_value import Value
from agent.errors import ProtocolError
from agent.wbxml_reader import WbxmlReader
from agent.window import Window

MAX_TRIES = const(3)
_ADD = const(0x05)
_ITEM = const(0x14)
_REPLACE = const(0x20)
_LATE = const(0x02)
_TARGET = const(0x2E)
_BLOCK = const(64)
_METHODS = ("NETWORKID", "USERPIN")


def accept(client, content_type, body, key, tries=0, button=False):
    """Return (status, names of the accounts that are new): 401 is a wrong MAC, to be counted in `tries`; 403 not now.

    `key(0)` is that of the network, `key(1)` the user's PIN, as bytes; empty where the device has none. After 200 the
    caller opens a session with each of the accounts.
    """
    tree, accounts = client.tree, client.accounts
    before = accounts.names()
    if tries >= MAX_TRIES or before and not button:
        return 403, ()
    try:
        _check_mac(content_type, body, key)
    except ProtocolError as e:
        return e.code, ()
    keep = snapshot(tree)
    try:
        _execute(tree, client.arena, body)
        fresh = [name for name in accounts.names() if name not in before]
        for name in fresh:
            _own(tree, accounts, name, before)
        if not fresh:
            refuse(404)
    except ProtocolError as e:
        roll_back(tree, keep)
        return e.code, ()
    commit(tree)
    return 200, fresh


# -- is it genuine ----------------------------------------------------------------------------------------------------


def _check_mac(content_type, body, key):
    parts = content_type.split(";")
    if parts[0].strip().lower() != "application/vnd.syncml.dm+wbxml":
        refuse(415)
    method, code = "", b""
    for part in parts[1:]:
        name, _, value = part.partition("=")
        name, value = name.strip().upper(), value.strip().strip('"').upper()
        if name == "SEC":
            method = value
        elif name == "MAC":
            try:
                code = binascii.unhexlify(value)
            except ValueError:
                refuse(401)
    if method in ("0", "1"):
        method = _METHODS[int(method)]
    if method not in _METHODS:
        refuse(406)
    secret = key(_METHODS.index(method))
    if not secret or not same(_hmac(secret, body), code):
        refuse(401)


def _hmac(key, body):
    """Return HMAC-SHA1, RFC 2104."""
    if len(key) > _BLOCK:
        key = hashlib.sha1(key).digest()
    key = bytes(key) + bytes(_BLOCK - len(key))
    inner = hashlib.sha1(bytes([byte ^ 0x36 for byte in key]))
    inner.update(body)
    return hashlib.sha1(bytes([byte ^ 0x5C for byte in key]) + inner.digest()).digest()


# -- what it says -----------------------------------------------------------------------------------------------------


class _Owner:
    """What dm_incoming asks: nothing streams, the header says nothing of interest."""

    def open_sink(self, arena, start):
        return None

    def on_header(self, arena, record):
        """Take no notice."""


def _execute(tree, arena, body):
    arena.fill = 0
    window, at = Window(), 0
    incoming = Incoming(WbxmlReader(window), arena, _Owner())
    while incoming.run() != DONE_WITH_MESSAGE:
        if at == len(body):
            window.close()
        at += window.feed(memoryview(body)[at:])
    at = command = 0
    while at < arena.fill:
        if arena.kind(at) != _ITEM:
            if arena.kind(at) != _LATE:
                command = at
        elif arena.kind(command) in (_ADD, _REPLACE):
            _change(tree, arena, command, at)
        at = arena.next(at)


def _change(tree, arena, command, item):
    for record in (command, item):
        if arena.status(record):
            refuse(arena.status(record))
    try:
        edit(tree, arena, command, item, dm_uri.parse(arena.text(item, _TARGET))[0], None, None)
    except ProtocolError as e:
        if e.code != 415:  # a description of something that we do not have
            raise


def _own(tree, accounts, name, before):
    """Give the account to its server; it takes the place of one that the server had."""
    server = accounts.store.text(name + "/ServerID")
    if not server:
        refuse(400)
    for top, thing in tree.objects:
        if getattr(thing, "store", None) is accounts.store:
            for old in before:
                if accounts.store.text(old + "/ServerID") == server:
                    delete(tree, dm_uri.join(top, old), Value(b"", 0, "", None))
            path = dm_uri.join(top, name)
            if not tree.own_acl(path):
                tree.properties.set_acl(path, "Get=%s&Replace=%s&Delete=%s" % (server, server, server))
