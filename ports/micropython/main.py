"""The main program of a MicroPython board, out of the bank that the first stage chose: the agent, the application, the console.

An application is a module `app` in the image. `app.start(service)` may return an object with `step()`, which does one bounded
thing and returns the milliseconds until it wants to run again; `service` is the Service of service.py. Functions in the list
`app.self_tests` have to return True, each once, before new firmware is confirmed. What never returns is ended by the watchdog.
The contract is that of ports/cpython_linux/main.py: docs/application.md.
"""

from ports.micropython.port import log_to_repl
from ports.micropython.service import Service


def start(facts):
    """Start the firmware; `facts` is what the first stage hands over. Return what runs it, and comes back only by an exception."""
    service = Service(facts, log_to_repl)
    try:
        service.start()
    except Exception as e:
        service.crashed(e)
        raise
    return service.run
