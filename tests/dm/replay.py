"""Play recorded sessions again: `micropython tests/dm/replay.py file.json`. Every request must be the recorded one.

Must run on both interpreters. The file has one session: config, pieces, most, exchanges of [request, its mac, answer or
None, its mac, cut], all bytes in hexadecimal, and at last the device's summary.
"""

import binascii
import json
import sys

ROOT = "/".join(__file__.split("/")[:-3]) or "."
sys.path.insert(0, ROOT)

from tests.dm.device import Device, run  # noqa: E402  the path comes first


class Recorded:
    """The network of a session that was."""

    def __init__(self, exchanges):
        self._exchanges, self.number = exchanges, 0

    def post(self, request, body):
        """Compare the request; return the answer that there was."""
        wanted, wanted_mac, answer, mac, cut = self._exchanges[self.number]
        self.number += 1
        wanted = binascii.unhexlify(wanted)
        if body != wanted or request.mac != wanted_mac:
            raise ValueError(
                "message %d:\n%s %s\nand not\n%s %s" % (self.number, body, request.mac, wanted, wanted_mac)
            )
        return None if answer is None else (binascii.unhexlify(answer), mac, cut)


def replay(transcript):
    """Play one session; ValueError where it is not the same."""
    device, network = Device(transcript["config"]), Recorded(transcript["exchanges"])
    session = device.session()
    run(session, network.post, transcript["pieces"], transcript["most"])
    found = device.summary(session)
    if network.number != len(transcript["exchanges"]) or found != transcript["summary"]:
        raise ValueError("%d messages:\n%s\nand not\n%s" % (network.number, found, transcript["summary"]))


if __name__ == "__main__":
    with open(sys.argv[1]) as f:
        replay(json.load(f))
    print("the same")
