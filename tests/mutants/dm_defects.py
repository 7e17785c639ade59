"""Defects of the management client: a name, the edits (file, text, text in its place), the session tests that must notice."""

_SECURITY = ("dm_security", "dm_nonce_rules", "dm_credentials")

DEFECTS = (
    (
        "a MAC that is not compared",
        [
            (
                "agent/dm_guard.py",
                "if form and dm_auth.same(digest(user, secret, form, *parts), code):",
                "if form:",
            )
        ],
        _SECURITY,
    ),
    (
        "a nonce that proves a server again",
        [("agent/dm_guard.py", "nonces.proved(account, number)", "pass")],
        _SECURITY,
    ),
    (
        "commands act before their sender is proven",
        [("agent/dm_judging.py", "header.version or (code if code >= 400 else 0)", "0")],
        _SECURITY,
    ),
    (
        "a downgrade is followed",
        [("agent/dm_guard.py", "return kind == _MAC or guard.free", "return True")],
        _SECURITY,
    ),
    (
        "an alert counts whoever answers",
        [("agent/dm_judging.py", "authentic = heard and not", "authentic = True or not")],
        _SECURITY,
    ),
    (
        "a session id comes again",
        [("agent/dm_client_begin.py", "not self.nonces.had_session(number)", "True")],
        _SECURITY,
    ),
    (
        "a RespURI leaves TLS",
        [("agent/url.py", "if secure and not new_secure or host != new_host and not new_secure:", "if False:")],
        _SECURITY,
    ),
    (
        "a chunk goes to the bank before its message is proven",
        [("agent/dm_receiving.py", "if not self.secure or not header", "if not header")],
        _SECURITY,
    ),
    (
        "secrets can be read",
        [("agent/mo_stored.py", "0x265,", "0x275,")],
        _SECURITY,
    ),
    (
        "an Atomic is not rolled back",
        [("agent/dm_commit.py", "thing.restore(state) is not False", "True")],
        ("session_containers",),
    ),
    (
        "nobody asks the ACL",
        [("agent/dm_tree.py", "if not self.allowed(bit, path, server):", "if False:")],
        ("session_commands",),
    ),
    (
        "the size of a large object is not checked",
        [("agent/dm_object.py", "if self._carried != self.size >= 0:", "if False:")],
        ("session_push", "session_objects"),
    ),
    (
        "a chunk that comes twice is written twice",
        [("agent/dm_object.py", "self._skip = self._carried - self._chunk_start", "self._skip = 0")],
        ("session_push", "session_link", "session_objects"),
    ),
    (
        "a lone Status of the SyncHdr is sent",
        [("agent/dm_judging.py", "if not self.own and self.peer_final and", "if False and")],
        ("session_flow",),
    ),
    ("Final too early", [("agent/dm_answer.py", "if session.peer_final else", "if True else")], ("session_flow",)),
    (
        "a message above the server's limit",
        [("agent/dm_answer.py", "if self._room() < self._measure(node):", "if False:")],
        ("session_flow",),
    ),
    (
        "a Get gives what a later command wrote",
        [("agent/dm_commands.py", "self._acts_later(record)", "False")],
        ("session_memory", "session_results"),
    ),
    (
        "a volatile leaf is read anew each time",
        [("agent/dm_tree.py", "if path not in self.samples:", "if True:")],
        ("session_memory", "session_results"),
    ),
)
