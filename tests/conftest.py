"""What holds for all tests: a shell that starts them in the background has Ctrl-C ignored, which their programs would inherit."""

import signal

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
