"""Applications for the image of a microcontroller, which behave as badly as firmware can."""

_STEP = "class App:\n    def step(self):\n        %s\n        return 50\n\n\ndef start(service):\n    return App()\n"
_LEAK = "        kept = []\n        while True:\n            kept.append(bytearray(512))"
BEHAVIOURS = {
    "good": "def start(service):\n    service.say('app', 'started')\n",
    "asks": "def start(service):\n    service.agent.request_update()\n",
    "crash": "raise RuntimeError('this firmware crashes at its start')\n",
    "exit": "raise SystemExit(0)\n",
    "interrupt": "raise KeyboardInterrupt()\n",
    "crash-late": _STEP % "raise ValueError('later')",
    "hang": _STEP % "while True:\n            pass",
    "sleep": _STEP % "import time\n        time.sleep(1000)",
    "leak": _STEP % ("pass\n" + _LEAK),
    "leak-slowly": "kept = []\n\n\n" + _STEP % "kept.append(bytearray(40000))",
    "not-importable": "import there_is_no_such_module\n",
    "unfit": "self_tests = [lambda: False]\n",
    "reset": "import machine\n\nmachine.reset()\n",
    "crash-confirmed": "def start(service):\n    if not service.on_trial:\n        raise RuntimeError('it crashes')\n",
}
