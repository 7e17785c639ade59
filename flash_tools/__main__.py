"""python -m flash_tools: the command `fumo`."""

from flash_tools.cli import main

main()
