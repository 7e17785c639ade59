"""`spi:/dev/...?part=NAME`: a chip that is told by name, because its id says another one."""

import sys

import pytest

from agent.errors import FlashError
from flash_tools.chips import spi
from flash_tools.errors import UsageError
from tests.host.fake_chips import FAKE, Spidev


@pytest.fixture
def device(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(FAKE))
    monkeypatch.delitem(sys.modules, "spidev", raising=False)
    fake = Spidev(tmp_path)
    monkeypatch.setenv("FAKE_SPIDEV", fake.environ()["FAKE_SPIDEV"])
    yield str(fake.device)
    sys.modules.pop("spidev", None)


def test_a_chip_that_is_not_that_part_is_refused(device):
    with spi.open_spi(device) as flash:
        assert flash.name == "W25Q16"
    with pytest.raises(FlashError, match="bf 25 41"), spi.open_spi(device + "?part=sst25vf016b-qemu"):
        pass


def test_a_part_that_nobody_knows_names_those_that_are(device):
    with pytest.raises(FlashError, match="only sst25vf016b-qemu"), spi.open_spi(device + "?part=w25q16"):
        pass
    with pytest.raises(UsageError, match="part"), spi.open_spi(device + "?chip=w25q16"):
        pass
