"""The sizes that a package's parts have and may have: docs/package.md."""

from agent.compat import const

HEAD_SIZE = const(8)
BLOCK_HEAD_SIZE = const(20)
SECTOR = const(4096)
BLOCK_OUT = const(32768)  # most image bytes of one block
DELTA_OUT = const(262144)  # of one that is a delta, where most of it costs no bytes, or in a package of large blocks
WINDOW_BITS = const(12)  # raw deflate with a window of at most 4 KiB: what a microcontroller can hold
MAX_JWS = const(3072)
BLOCK_BUFFER = const(
    4104
)  # largest packed block that a device buffers: a sector of new bytes behind the order of a delta


def largest(bank_size):
    """Return the size of the largest package for a bank: nothing shrinks, every block is as short as a block may be."""
    return HEAD_SIZE + MAX_JWS + bank_size + (bank_size // SECTOR + 1) * BLOCK_HEAD_SIZE
