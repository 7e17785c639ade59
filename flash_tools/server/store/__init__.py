"""What the server must not forget. This package alone speaks SQL: another database is another package with these methods.

Records are dicts that JSON can hold. Nothing is kept before `commit`; the caller lets only one thread in at a time.
"""

import sqlite3

from flash_tools.server.store.history import History
from flash_tools.server.store.records import Records
from flash_tools.server.store.upkeep import Upkeep

__all__ = ["Store", "StoreError"]

StoreError = sqlite3.Error  # what any method may raise where the disk is full or broken


class Store(Records, History, Upkeep):
    """`path` is a file, or ":memory:"."""
