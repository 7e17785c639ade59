"""What tests of a server's folder do with it: change a line of its settings, and hear a complaint."""

import pytest

from flash_tools.errors import ToolError


def change(folder, old, new):
    path = folder / "server.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def complaint(function, *arguments, **options):
    with pytest.raises(ToolError) as caught:
        function(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)
