"""Applications for the image of a microcontroller, which behave as badly as firmware can."""

_STEP = "class App:\n    def step(self):\n        %s\n        return 50\n\n\ndef start(service):\n    return App()\n"
_LEAK = "        kept = []\n        while True:\n            kept.append(bytearray(512))"
BEHAVIOURS = {
    "good": "def start(service):\n    service.say('app', 'started')\n",
    "asks": "def start(service):\n    service.agent.request_update()\n",
    "crash": "raise RuntimeError('this firmware crashes at its start')\n",
    "exit": "raise SystemExit(0)\n",
    "interrupt": "raise KeyboardInterrupt()\n",
    "hang": _STEP % "while True:\n            pass",
    "leak": _STEP % ("pass\n" + _LEAK),
    "not-importable": "import there_is_no_such_module\n",
    "hang-confirmed": "def start(service):\n    while not service.on_trial:\n        pass\n",
    "full-confirmed": "kept = []\n\n\ndef start(service):\n    while not service.on_trial:\n        kept.append(bytearray(2048))\n",
    "crash-confirmed": "def start(service):\n    if not service.on_trial:\n        raise RuntimeError('it crashes')\n",
}
