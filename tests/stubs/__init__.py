"""MicroPython's ports and board files checked by basedpyright against the type stubs of three ports: `make lint`."""
