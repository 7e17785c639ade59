"""A session as people read it: each message decoded beside its bytes, with what proves identities taken out of both."""

from flash_tools.server.dm.codec import CodecError, decode
from flash_tools.server.dm.element import Element
from flash_tools.server.tasks import is_hidden
from flash_tools.server.transcript import _plain as visible
from flash_tools.server.transcript import _tree as tree_lines

_SECRETS = (("Cred", "Data"), ("Meta", "NextNonce"))


def message_views(rows: list[dict], secrets: set[str]) -> list[dict]:
    """Return the messages of a session, both directions in order."""
    found = []
    for row in rows:
        common = {"at": row["at"], "fault": row["fault"]}
        found.append({**common, "direction": "in", "ms": None, **_view(row["request"], row["content_type"], secrets)})
        found.append(
            {**common, "direction": "out", "ms": row["ms"], **_view(row["answer"], row["answer_type"], secrets)}
        )
    return [{"n": number, **each} for number, each in enumerate(found, 1)]


def _view(body, content_type, secrets):
    try:
        tree = decode(body, content_type)
    except CodecError as error:
        return {
            "content_type": content_type,
            "size": len(body),
            "lines": [visible(str(error))],
            "raw": body[:256].hex(),
        }
    hidden = [*_proofs(tree), *(text.encode() for text in secrets)]
    whole = "\n".join(visible(line) for line in tree_lines(tree))
    for text in hidden:  # as many as the server has devices, hence all lines at once
        shown = text.decode("utf-8", "replace")
        whole = whole.replace(shown, "(secret)") if shown else whole
        body = body.replace(text, b"*" * len(text)) if text and text in body else body
    return {"content_type": content_type, "size": len(body), "lines": whole.split("\n"), "raw": body.hex()}


def _proofs(element: Element, path: tuple = ()):
    """Yield the texts of credentials, nonces and of values that are secrets."""
    path = (*path, element.tag_name)
    if path[-2:] in _SECRETS and element.text:
        yield bytes(element.text)
    if element.tag_name == "Item" and is_hidden(element.value("Target", "LocURI") or element.value("Source", "LocURI")):
        yield element.data("Data") or b""
    for child in element.children:
        yield from _proofs(child, path)
