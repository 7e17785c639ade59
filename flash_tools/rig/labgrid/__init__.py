"""The bench's part of labgrid: resources that say what a board is, drivers that handle it, a strategy that knows its states.

An environment imports this package by its name, and its words are known then. Nothing else in flash_tools imports labgrid.
"""

from flash_tools.rig.labgrid import drivers, resources, shell_driver, strategy

__all__ = ["drivers", "resources", "shell_driver", "strategy"]
