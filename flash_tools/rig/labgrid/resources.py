"""What there is: data only, so that an exporter can give it away and an environment can say it."""

import attr
from labgrid.factory import target_factory
from labgrid.resource import Resource

_text = attr.validators.instance_of(str)


@target_factory.reg_resource
@attr.s(eq=False)
class FumoBoard(Resource):
    """A board with the agent.

    Args:
        kind (str): "sim", "emulated", "linux": what its goods are, and what starts it where it is a program
        device_id (str): who it says it is
        board (str): of kind "linux": the name of its file in board/, which has one flash chip; rig_imx6 otherwise
        folder (str): of one that is a program here: where its files are, a folder below build/rig/ otherwise
        micropython (bool): a simulated one runs under MicroPython
        url (str): of one that another computer's `python -m flash_tools.rig.serve` has: where its files are replaced
        notify (str): "HOST:PORT" that notifications go to, "HOST" where the board says the port
        renew (str): command that makes a real board anew from the files in {folder}
    """

    kind = attr.ib(default="sim", validator=_text)
    device_id = attr.ib(default="", validator=_text)
    board = attr.ib(default="", validator=_text)
    folder = attr.ib(default="", validator=_text)
    micropython = attr.ib(default=False, validator=attr.validators.instance_of(bool))
    url = attr.ib(default="", validator=_text)
    notify = attr.ib(default="", validator=_text)
    renew = attr.ib(default="", validator=_text)


@target_factory.reg_resource
@attr.s(eq=False)
class DmBench(Resource):
    """Where the management server of the bench is.

    Args:
        host (str): address that it listens at
        known_as (str): name or address that boards have for it; its certificate is for that. Without it: what a board that is a
            program here calls this computer
    """

    host = attr.ib(default="127.0.0.1", validator=_text)
    known_as = attr.ib(default="", validator=_text)
