"""The device of `make mem`'s update: one boot of a whole agent on MicroPython, from precompiled modules, its flash a file.

Arguments: the flash file, the provisioning (JSON), the port for notifications, the cause of the reset. Exit code 3 is a
reset, 0 means that all is told. It says `ready` on stdout once it listens.
"""

import gc
import sys


def make_agent():
    """Wire it all up; a board is wired once."""
    from update_wiring import wire_agent

    return wire_agent("whole" not in sys.argv)


def main():
    """Run one boot."""
    gc.threshold(1024)  # collect often: what lives long then lies close together
    agent = make_agent()
    agent.start()
    print("ready")
    port, tells = agent.port, agent.hardware.boot.running() > 0  # the new firmware runs: it has something to tell
    while not port.rebooting:
        if tells and agent.record.idle and not agent.in_session:
            sys.exit(0)
        wait_ms = min(agent.step(), port.net.step(), 20)
        port.clock.sleep_ms(wait_ms)
    sys.exit(3)


main()
