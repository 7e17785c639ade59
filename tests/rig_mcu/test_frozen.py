"""What `fumo deploy --freeze` makes is frozen by MicroPython's own tools, and runs on the emulated microcontroller."""

import shutil
import subprocess

import pytest

from flash_tools import deploy, lists
from flash_tools.rig.mcu import build as rig
from flash_tools.rig.mcu.machine import Microcontroller
from flash_tools.rig.mcu.memory import Settings
from tests.host.test_micropython import ROOT

_OURS = rig._OURS
_FROZEN = "import sys\nsys.path[:] = ['.frozen']\n"


@pytest.fixture
def frozen(tmp_path):
    """Give a function that freezes what a manifest names into the rig's firmware, and returns that."""
    if not rig.ready(rig.FOLDER):
        pytest.skip("there is no emulated microcontroller: make rig-mcu builds it")

    def make(manifest):
        made = shutil.copytree(rig.FOLDER / "build", tmp_path / "build", copy_function=shutil.copy2)
        words = {
            "BOARD": "MPS2_AN385",
            "BUILD": made,
            "USER_C_MODULES": _OURS,
            "CFLAGS_EXTRA": rig._CONFIG % _OURS,
            "LDSCRIPT": _OURS / "mps2.ld",
            "FROZEN_MANIFEST": manifest,
            "MICROPY_HEAP_SIZE": rig.HEAP_MOST,
            "MICROPY_VFS_LFS2": 1,
        }
        port = rig.FOLDER.resolve() / "source" / "ports" / "qemu"
        done = subprocess.run(
            ["make", "-j2", "-C", str(port), *("%s=%s" % pair for pair in words.items())],
            capture_output=True, text=True, timeout=200,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-500:]
        return made / "firmware.elf"

    return make


def folder(tmp_path, board):
    deploy.deploy("dir:%s" % (tmp_path / "freeze"), deploy.Wish("micropython", board, freeze="other"))
    return tmp_path / "freeze" / "manifest.py"


def test_the_first_stage_needs_no_file_and_less_memory(frozen, tmp_path):
    firmware = frozen(folder(tmp_path, "rig_mps2"))
    with Microcontroller(tmp_path / "board", firmware, Settings(96 << 10, repl=True)) as board:
        board.on()
        code = "import gc\ngc.collect()\nbefore = gc.mem_alloc()\nimport fumo_first_stage as f\ngc.collect()\n"
        code += "print(callable(f.start), gc.mem_alloc() - before)\nimport fumo_recovery as r\nprint(callable(r.run))"
        said = board.run(_FROZEN + code).split()
        assert said[0] == said[2] == "True"
        assert 0 < int(said[1]) < 8192, "what is frozen stays where it is"


def test_the_firmware_of_a_board_whose_boot_loader_chooses(frozen, tmp_path):
    firmware = frozen(folder(tmp_path, "stm32_mcuboot"))
    with Microcontroller(tmp_path / "board", firmware, Settings(256 << 10, repl=True)) as board:
        board.on()
        with pytest.raises(Exception, match="fumo_first_stage"):
            board.run(_FROZEN + "import fumo_first_stage")
        assert board.run(_FROZEN + "import main\nprint(hasattr(main, 'start'))").strip() == "False", "the launcher"
        board.run("del sys.modules['main']")
        said = board.run(
            "sys.path[:0] = ('/bank', '.frozen/bank')\nimport main\nprint(main.__file__, callable(main.start))"
        )
        assert said.split() == ["bank/main.py", "True"]


def test_the_whole_agent_as_the_list_has_it(frozen, tmp_path):
    """For somebody's own program: every module under its own name."""
    (tmp_path / "tree").mkdir()
    for name in ("agent", "hal", "ports", "board"):
        (tmp_path / "tree" / name).symlink_to(ROOT / name)
    (tmp_path / "tree" / "manifest.py").write_text(lists.texts()["manifest.py"])
    firmware = frozen(tmp_path / "tree" / "manifest.py")
    with Microcontroller(tmp_path / "board", firmware, Settings(96 << 10, repl=True)) as board:
        board.on()
        said = board.run(
            _FROZEN + "from agent import url, agent\nfrom hal import nor_spi\nprint(agent.Agent.__name__, url.__file__)"
        )
        assert said.split() == ["Agent", "agent/url.py"]
