"""A MicroPython board for tests: the real interpreter behind a pseudo-terminal, with a raw REPL, a file system and a SPI flash."""
