"""How boards are wired, one table a board; from these `python -m flash_tools.wiring` makes tables and pictures of docs/boards."""
