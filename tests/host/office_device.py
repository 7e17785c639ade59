"""The agent's own management client against a server that does all it can: an office with inventory, silence and delta."""

from contextlib import contextmanager

from flash_tools.packages.package_build import Target, build_package
from flash_tools.server.bench import BenchServer
from flash_tools.signing import keys
from ports.sim import firmware
from tests.dm import device as portable
from tests.host.server_agent import Agent, report

ID = portable.ID
KEY = keys.new_key()
FIELD = {"inventory": True, "public_packages": False, "silent_h": 1, "settle_s": 600}


def package(version, *, key=KEY, old=None, product="bench", behaviour=firmware.GOOD, models=("sim",)):
    """Return an update package of a firmware that says it is that version."""
    target = Target(product, list(models), "0123456789abcdef", version, 1)
    return build_package(image(version, behaviour), target, key, encoding="delta" if old else "deflate", old_image=old)


def image(version, behaviour=firmware.GOOD):
    """Return the firmware in it."""
    return firmware.make_image(version, behaviour, 8192, 7)


@contextmanager
def place(*agents, **options):
    """Yield (office, agents): a server and so many devices, each with a name of its own after the first."""
    with BenchServer(**{**FIELD, **options}) as server:
        yield server.office, Agent(server)


def obey(agent, office, version=None, code=200):
    """Play a device that updates and says so; return its order."""
    agent.session()
    order = office.orders(ID)[0]
    agent.device.version = version or agent.device.version
    agent.session(report("downloadandupdate", code, order["correlator"]))
    return office.order(order["id"])
