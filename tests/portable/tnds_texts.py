"""Device descriptions for tests: written by hand, written by the agent, and handed to it."""

from agent.dm_property import check_query
from agent.dm_queries import sources
from agent.dm_value import Value
from agent.tnds_reader import merge
from tests.portable.dm_trees import status

XML = "application/vnd.syncml.dmtnds+xml"
HEAD = '<MgmtTree xmlns="syncml:dmddf1.2"><VerDTD>1.2</VerDTD>'


def source_of(tree, path, writer, argument="TNDS", server="boss"):
    assert check_query(tree, path, "list", argument, server) == 200
    found = list(sources(tree, path, "list", argument, server, writer))
    assert len(found) == 1 and found[0][0] == ("./" + path if path else ".")
    return found[0][1]


def read_all(source):
    data = bytearray(source.size)
    assert source.read(0, memoryview(data)) == source.size
    return bytes(data)


def merge_tnds(tree, kind, path, document, server="boss"):
    if isinstance(document, str):
        document = document.encode()
    return status(merge, tree, kind, path, Value(document, 0, XML, server))


def node_text(name, inner="", **properties):
    """Return a Node; properties are acl, title, form, mime, moi, path."""
    text = ""
    if "acl" in properties:
        text += "<ACL>%s</ACL>" % properties["acl"].replace("&", "&amp;")
    if "form" in properties:
        text += "<Format><%s/></Format>" % properties["form"]
    if "title" in properties:
        text += "<Title>%s</Title>" % properties["title"]
    if "mime" in properties:
        text += "<Type><MIME>%s</MIME></Type>" % properties["mime"]
    if "moi" in properties:
        text += "<Type><DDFName>%s</DDFName></Type>" % properties["moi"]
    path = "<Path>%s</Path>" % properties["path"] if "path" in properties else ""
    text = "<RTProperties>%s</RTProperties>" % text if text else ""
    return "<Node><NodeName>%s</NodeName>%s%s%s</Node>" % (name, path, text, inner)


def leaf_text(name, value, **properties):
    return node_text(name, "<Value>%s</Value>" % value, **properties)


def document(*nodes):
    return HEAD + "".join(nodes) + "</MgmtTree>"
