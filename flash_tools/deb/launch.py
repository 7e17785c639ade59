"""The package's `__main__`: what /usr/bin/fumo-agent starts."""

import sys

from ports.cpython_linux.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
