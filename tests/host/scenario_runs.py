"""What the scenario tests share: the variants, and where the transcripts go."""

import pytest

from flash_tools.server.transcript import Transcript
from tests.scenarios.rig import TRANSCRIPTS

CPYTHON, MICROPYTHON = False, True
ENGINES = [pytest.param(CPYTHON, id="cpython"), pytest.param(MICROPYTHON, id="micropython")]
FORMATS = [pytest.param(False, id="wbxml"), pytest.param(True, id="xml")]


def keep(story, server, name, rig, micropython, steps=10):
    """Write the transcript with the steps in it, and see that it gives nothing away."""
    path = TRANSCRIPTS / (
        "%s-%s-%s.txt" % (name, "xml" if rig.xml else "wbxml", "micropython" if micropython else "cpython")
    )
    story.write(path)
    text = path.read_text()
    account = server.device(rig.device_id)
    assert account.client_secret not in text and account.server_secret not in text
    assert text.count("STEP ") > steps and "(secret)" in text
    return text


def write(transcript: Transcript, name: str):
    """Write a transcript without numbered steps."""
    transcript.write(TRANSCRIPTS / (name + ".txt"))
