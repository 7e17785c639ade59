"""The agent's readers understand everything that the server's encoders write; the two share no code."""

import pytest

from agent import syncml_tags, window
from agent.wbxml_reader import WbxmlReader
from agent.xml_reader import XmlReader
from flash_tools.server.dm.codec import WBXML, XML, encode
from flash_tools.server.dm.element import Element
from tests.host.test_server_codec import SAMPLE, STYLES, XML_STYLES


@pytest.mark.parametrize("step", [1, 100])
@pytest.mark.parametrize(
    ("kind", "style"), [(WBXML, style) for style in STYLES] + [(XML, style) for style in XML_STYLES]
)
def test_the_agent_reads_every_style(kind, style, step):
    read = _read_by_agent(encode(SAMPLE, kind, style), kind, step)
    for element in read.walk():
        if element.tag_name != "Data" and element.text:
            element.text = element.text.strip()
    assert read == SAMPLE


def _read_by_agent(body, kind, step):
    make = WbxmlReader if kind == WBXML else XmlReader
    into = window.Window(256)
    reader, top, at = make(into), Element(""), 0
    path = [top]
    for event in reader.events:
        if event == window.START:
            path.append(Element(syncml_tags.name(reader.tag).decode()))
            path[-2].children.append(path[-1])
        elif event == window.TEXT:
            path[-1].text = (path[-1].text or b"") + bytes(reader.text)
        elif event == window.END:
            ended = path.pop()
            ended.text = None if ended.children else ended.text
        elif event == window.NEED_DATA and at < len(body):
            at += into.feed(body[at : at + step])
        elif event == window.NEED_DATA:
            into.close()
        else:
            break
    return top.children[0]
