"""A flash image as the files of a board, and back."""

import random

import pytest

from flash_tools.chips import unit_files
from flash_tools.errors import ToolError
from hal.flash_files import FlashFiles
from tests.portable.unit_files import Folder


def _image():
    dice, image = random.Random(4), bytearray(b"\xff" * (20 * 4096))
    for unit in (0, 3, 16, 19):
        size = dice.randrange(1, 4096)
        image[unit * 4096 : unit * 4096 + size] = dice.randbytes(size)
    return bytes(image)


def test_the_files_are_those_that_the_board_writes():
    image, folder = _image(), Folder({})
    flash = FlashFiles(folder, len(image), lambda: None)
    for start in range(0, len(image), 256):
        if image[start : start + 256] != b"\xff" * 256:
            flash.program(start, image[start : start + 256])
    flash.busy()
    assert unit_files.split(image) == folder.files and sorted(folder.files) == ["0", "10", "13", "3"]
    found = bytearray(len(image))
    FlashFiles(Folder(unit_files.split(image)), len(image), lambda: None).read(0, found)
    assert found == image and unit_files.join(folder.files, len(image)) == image


@pytest.mark.parametrize(
    "files", [{"14": b"x"}, {"1": bytes(4097)}, {"01": b"x"}, {"x": b"x"}, {"": b"x"}, {"-1": b"x"}, {"A": b"x"}]
)
def test_what_is_no_unit_is_refused(files):
    with pytest.raises(ToolError, match="no unit of a flash"):
        unit_files.join(files, 20 * 4096)


def test_the_command_goes_there_and_back(tmp_path, capsys):
    image, folder, back = tmp_path / "chip.img", tmp_path / "fumo", tmp_path / "back.img"
    image.write_bytes(_image())
    folder.mkdir()
    (folder / "5").write_bytes(b"of an older image")
    assert unit_files.main([str(image), str(folder)]) == 0 and "4 files" in capsys.readouterr().out
    assert unit_files.main([str(back), str(folder), "--join", "0x14000"]) == 0
    assert back.read_bytes() == image.read_bytes()


@pytest.mark.parametrize(
    ("size", "text"), [(4095, "a multiple of 4096"), (0, "an image of 0 bytes"), (None, "No such file")]
)
def test_a_wrong_image_is_one_line(tmp_path, capsys, size, text):
    image = tmp_path / "chip.img"
    if size is not None:
        image.write_bytes(bytes(size))
    assert unit_files.main([str(image), str(tmp_path / "fumo")]) == 1
    said = capsys.readouterr().err
    assert text in said and said.count("\n") == 1 and not (tmp_path / "fumo").exists()
