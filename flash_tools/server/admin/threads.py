"""Runs what may block in threads, away from the event loop: every call of the office does, it takes a lock.

More threads than asyncio's own have room for: a slot that does not answer or a backup must not hold up the others.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

_THREADS = 16
_workers = ThreadPoolExecutor(_THREADS, "fumo admin")


async def in_thread(function, *arguments):
    """Call a function in a thread and return what it gives."""
    return await asyncio.get_running_loop().run_in_executor(_workers, function, *arguments)
