"""What a MicroPython board starts by itself: it is `main.py` there, a file on the bench, frozen in the field.

It lets the first stage choose, forgets it, and starts the firmware in the bank, or serial recovery. Where something else chooses
(NATIVE in the board file) there is no first stage, and the firmware lies beside it. Whatever ends those is answered by the
watchdog, so that it counts as a crash; nothing ever ends at a prompt. On a bench a file `/bench` lets Ctrl-C do that.
"""

import gc
import os
import sys
import time

_WAIT_MS = 20000  # longer than most watchdogs wait
_BENCH = "/bench"
_BANK = ("/bank", ".frozen/bank")  # a mounted bank, or the firmware of a board that has no first stage of ours
_REST_S = 600
_NATIVE_MS = 8000  # what every watchdog can do


def chosen():
    """Return what is to run: who calls it has nothing else below it on the stack, which may be small."""
    facts = _choose()
    gc.collect()
    if facts.get("bank", 0) < 0:
        return lambda: _recover(facts)
    sys.path[:0] = _BANK
    import main

    return main.start(facts)


def _choose():
    """Return what the first stage says."""
    try:
        import fumo_first_stage
    except ImportError as e:
        if "'fumo_first_stage'" not in str(e):
            raise
        import machine

        return {"watchdog": machine.WDT(timeout=_NATIVE_MS), "watchdog_ms": _NATIVE_MS}
    del sys.modules["fumo_first_stage"]
    return fumo_first_stage.start()


def _recover(facts):
    """Offer serial recovery; where not even that can be, the next start comes as late as after it: no loop without a rest."""
    try:
        import fumo_recovery

        fumo_recovery.run(facts)
    except Exception as e:
        _tell(e)
    led = _lamp(facts.get("led"))
    for half in range(2 * _REST_S):
        led(1 - half % 4 // 3)  # as hal/status_led.py shows a fault
        facts["watchdog"].feed()
        time.sleep_ms(500)


def _lamp(line):
    """Return what lights the LED, where there is one: no memory may be left for more than that."""
    try:
        from machine import Pin

        return Pin(line, Pin.OUT) if line is not None else bool
    except Exception:
        return bool  # lights nothing


def on_bench():
    """Tell whether somebody develops on this board."""
    try:
        os.stat(_BENCH)
        return True
    except OSError:
        return False


def _open_prompt():
    """Leave the board to the prompt; its watchdog cannot be stopped any more."""
    import machine

    watchdog = machine.WDT()
    machine.Timer(-1, period=500, callback=lambda timer: watchdog.feed())


def _end():
    """Wait for the watchdog; reset where there is none."""
    started = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), started) < _WAIT_MS:
        time.sleep_ms(100)
    import machine

    machine.reset()


def begin():
    """Run, and answer whatever comes of it."""
    bench = on_bench()
    try:
        if not bench:
            import micropython

            micropython.kbd_intr(-1)
        run = chosen()
        run()
    except BaseException as e:
        if bench and isinstance(e, KeyboardInterrupt):
            return _open_prompt()
        _tell(e)
    _end()


def _tell(error):
    try:
        sys.print_exception(error)
    except BaseException:
        pass  # nobody listens, or no memory is left


if __name__ == "__main__":
    begin()
