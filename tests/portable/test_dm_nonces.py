"""What outlives sessions: counters are never used twice whatever the power does, and a nonce proves a server once."""

from agent.dm_nonces import NONCES, SESSION, Nonces
from agent.journal import Journal
from hal.region import Region
from tests.portable.boards import cut_everywhere, make_flash

KEY = b"k" * 32
FIRST = 64  # the counter of a device's first session


class _Credential:
    def __init__(self, nonce):
        self.nonce = nonce


class _Account:
    def __init__(self, name="one"):
        self.name = name
        self.client, self.server = (
            _Credential(b"client of " + name.encode()),
            _Credential(b"server of " + name.encode()),
        )


ONE, TWO = _Account(), _Account("two")


def _mount(flash):
    return Nonces(Journal(Region(flash, 8192, 3 * 4096)), KEY)


def _nonce(nonces, number):
    return nonces.server_nonce(ONE, number)


def test_a_new_device_knows_what_provisioning_gave():
    nonces = _mount(make_flash())
    assert nonces.fresh and nonces.counter == 0
    assert nonces.client_nonce(ONE) == b"client of one"
    assert nonces.candidates(ONE, 0)[0] == 0 and _nonce(nonces, 0) == b"server of one"


def test_the_state_outlives_a_mount():
    flash = make_flash()
    nonces = _mount(flash)
    for session_id in range(1, 12):
        nonces.begin(session_id)
    nonces.end(ONE, b"next", nonces.number(3))
    nonces.end(TWO, b"another", 0)
    for found in (nonces, _mount(flash)):
        assert not found.fresh and found.counter == FIRST + 10
        assert [i for i in range(1, 20) if found.had_session(i)] == [4, 5, 6, 7, 8, 9, 10, 11]
        assert found.client_nonce(ONE) == b"next" and found.client_nonce(TWO) == b"another"
        assert found.candidates(ONE, found.counter)[0] == FIRST + 10 << 8 | 3
        assert found.candidates(TWO, found.counter)[0] == 0


def test_asking_stores_nothing():
    flash = make_flash()
    nonces = _mount(flash)
    before = flash.ops
    nonces.candidates(ONE, nonces.counter)
    nonces.had_session(1)
    nonces.derive(nonces.number(1))
    nonces.client_nonce(TWO)
    assert flash.ops == before and nonces.fresh and _mount(flash).fresh


def test_a_record_of_another_size_counts_as_none():
    flash = make_flash()
    Journal(Region(flash, 8192, 3 * 4096)).put(((SESSION, b"\x07" * 40),))
    nonces = _mount(flash)
    assert nonces.fresh and nonces.counter == 0 and nonces.candidates(ONE, 0)[0] == 0


def test_the_last_known_and_the_next_eight():
    nonces = _mount(make_flash())
    nonces.begin(1)
    assert nonces.counter == FIRST and nonces.before == 0
    assert nonces.candidates(ONE, 0) == [0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert nonces.candidates(ONE, FIRST) == [0] + [FIRST << 8 | i for i in range(1, 9)]
    nonces.end(ONE, b"", nonces.number(4))
    known = FIRST << 8 | 4
    assert nonces.candidates(ONE, FIRST) == [known + i for i in range(9)]
    nonces.begin(2)
    assert nonces.counter == FIRST + 1 and nonces.before == FIRST
    assert nonces.candidates(ONE, nonces.counter) == [known] + [FIRST + 1 << 8 | i for i in range(1, 9)]
    assert nonces.candidates(TWO, nonces.counter) == [0] + [FIRST + 1 << 8 | i for i in range(1, 9)]


def test_the_first_session_of_a_boot_knows_the_one_before():
    flash = make_flash()
    nonces = _mount(flash)
    nonces.begin(1)
    nonces.begin(2)
    last = nonces.counter
    nonces = _mount(flash)
    assert nonces.counter == last
    nonces.begin(3)
    assert nonces.before == last and nonces.counter == last + FIRST
    nonces.begin(4)
    assert nonces.before == last + FIRST and nonces.counter == last + FIRST + 1


def test_it_proves_once():
    flash = make_flash()
    nonces = _mount(flash)
    nonces.begin(1)
    nonces.proved(ONE, 0)
    nonces.proved(TWO, 0)
    for found in (nonces, _mount(flash)):
        assert found.candidates(ONE, 0) == [1, 2, 3, 4, 5, 6, 7, 8]
    nonces.proved(ONE, 3)
    for found in (nonces, _mount(flash)):
        assert found.candidates(ONE, 0) == [4, 5, 6, 7, 8, 9, 10, 11]
        assert found.candidates(TWO, 0)[0] == 1


def test_what_was_acknowledged_later_counts_again():
    flash = make_flash()
    nonces = _mount(flash)
    nonces.begin(1)
    nonces.proved(ONE, 2)
    nonces.end(ONE, b"n", 0)  # nothing newer reached the server
    assert nonces.candidates(ONE, 0)[0] == 3
    nonces.end(ONE, b"n", nonces.number(2))
    for found in (nonces, _mount(flash)):
        assert found.candidates(ONE, FIRST)[0] == FIRST << 8 | 2
    nonces.end(ONE, b"n", nonces.number(1))  # older than what is known
    assert nonces.candidates(ONE, FIRST)[0] == FIRST << 8 | 2


def test_client_nonces_of_every_length():
    flash = make_flash()
    nonces = _mount(flash)
    for size in (1, 16, 55, 56, 57, 63, 64, 56, 64, 1):
        wanted = bytes([size]) * size
        nonces.end(ONE, wanted, 0)
        nonces.end(TWO, wanted[:1], 0)
        for found in (nonces, _mount(flash)):
            assert found.client_nonce(ONE) == wanted and found.client_nonce(TWO) == wanted[:1]
    before = flash.ops
    nonces.end(ONE, b"\x01", 0)
    nonces.end(ONE, b"", 0)
    assert flash.ops == before, "what is known is not written again"


def test_four_accounts_and_a_fifth():
    flash = make_flash()
    nonces = _mount(flash)
    nonces.begin(1)
    accounts = [_Account(name) for name in ("a", "b", "c", "d", "e")]
    for account in accounts:
        nonces.end(account, b"nonce of " + account.name.encode(), 0)
        assert nonces.candidates(account, 0)[0] == 0
        nonces.proved(account, 5)
    for found in (nonces, _mount(flash)):
        for account in accounts[1:]:
            assert found.client_nonce(account) == b"nonce of " + account.name.encode()
            assert found.candidates(account, 0)[0] == 6
    assert nonces.client_nonce(accounts[0]) == accounts[0].client.nonce, "the fifth took the place of the first"


def test_nonces_differ_by_number_and_by_device():
    nonces = _mount(make_flash())
    found = [Nonces(Journal(Region(make_flash(), 8192, 3 * 4096)), b"other key").derive(1)]
    for number in (1, 2, 255, 256, 257, 0xFFFFFFFF):
        found.append(nonces.derive(number))
    for i in range(len(found)):
        assert len(found[i]) == 16 and found[i] not in found[:i]
    nonces.begin(1)
    assert [nonces.number(i) for i in (1, 2, 255, 256, 2000)] == [FIRST << 8 | i for i in (1, 2, 255, 255, 255)]


def test_no_counter_is_used_twice_after_a_cut():
    flash = make_flash()
    first = _mount(flash)
    for session_id in range(1, 58):  # nearly a copy of the journal full
        first.begin(session_id)
    issued = [0]

    def run():
        issued[0] = first.counter
        nonces = _mount(flash)
        for session_id in range(100, 160):
            nonces.begin(session_id)
            assert nonces.counter > issued[0]
            issued[0] = nonces.counter

    def check(number, effect):
        nonces = _mount(flash)
        assert not nonces.fresh
        nonces.begin(999)
        assert nonces.counter > issued[0], (number, effect, nonces.counter, issued[0])
        flash.power_on(_nobody)
        again = _mount(flash)
        assert again.counter == nonces.counter and again.had_session(999), (number, effect)

    assert cut_everywhere(flash, run, check) > 400


class _Forgetful:
    """A journal that loses a sector's notes with every cut."""

    def __init__(self):
        self.was_clean, self.kept, self.notes = False, b"", []

    def get(self, key, into):
        data = self.notes[-1] if self.notes else self.kept
        into[: len(data)] = data
        return len(data) or -1

    def note(self, key, data):
        if len(self.notes) == 63:
            self.put(((key, self.notes[-1]),))  # the sector was full
        self.notes.append(data)

    def put(self, changes):
        self.kept, self.notes = changes[0][1], []

    def cut(self):
        self.notes = []


def test_no_counter_is_used_twice_where_every_note_is_lost():
    journal, last = _Forgetful(), 0
    for sessions in list(range(1, 70)) + [200]:
        nonces = Nonces(journal, KEY)
        for session_id in range(sessions):
            nonces.begin(session_id)
            assert nonces.counter > last
            last = nonces.counter
        journal.cut()


def test_a_device_that_had_a_session_is_never_fresh_again():
    flash = make_flash()
    done = [False]

    def run():
        done[0] = False
        nonces = _mount(flash)
        for session_id in (1, 2, 3):
            nonces.begin(session_id)
            done[0] = True

    def check(number, effect):
        assert not (done[0] and _mount(flash).fresh), (number, effect)

    assert cut_everywhere(flash, run, check) > 30


def test_proofs_and_client_nonces_fall_back_but_never_break():
    flash = make_flash()
    _mount(flash).begin(1)
    known = FIRST << 8 | 2
    done = [False]

    def run():
        done[0] = False
        nonces = _mount(flash)
        nonces.proved(ONE, 0)
        nonces.end(ONE, b"x" * 64, known)
        done[0] = True

    def check(number, effect):
        nonces = _mount(flash)
        assert nonces.counter == FIRST
        assert nonces.candidates(ONE, FIRST)[0] in (0, FIRST << 8 | 1, known)
        value = nonces.client_nonce(ONE)
        assert value == b"x" * 64 or not done[0] and value == b"client of one", (number, effect, value)

    assert cut_everywhere(flash, run, check) > 30


def test_the_keys_do_not_collide():
    assert SESSION not in range(NONCES, NONCES + 4)


def _nobody():
    """Feed no watchdog."""
