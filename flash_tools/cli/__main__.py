"""`python -m flash_tools.cli`: the same as `fumo`."""

from flash_tools.cli import main

main()
