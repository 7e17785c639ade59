"""SFDP tables of real parts, made by make_sfdp_tables.py from the spiflash database; do not edit."""

# name, JEDEC id, size, origin of the table, the table in hexadecimal
TABLES = (
    ("W25Q16JV", "ef4015", 2097152, "encoded", (
        "53464450060100ff00060110100000ffe520f1ffffffff0006eb086b083b04bbeeffffffffff00ffffff00ff0c200f52"
        "10d800ff263aa50082250c49ffffffffffffffffffffffff000070ff80000000"
    )),
    ("W25Q64", "ef4017", 8388608, "words", (
        "53464450060100ff00060110100000ffe520f1ffffffff0344eb086b083b04bbeeffffffffff00ffffff00ff0c200f52"
        "10d800ff2372f50082ed04cc4483684430b030b0f7c4d55c00be29fff0d0ffff"
    )),
    ("W25Q128", "ef4018", 16777216, "encoded", (
        "53464450060100ff00060110100000ffe520f1ffffffff0706eb086b083b04bbeeffffffffff00ffffff00ff0c200f52"
        "10d800ff363aa50082ea1449ffffffffffffffffffffffff000070ff80000000"
    )),
    ("W25Q256FV", "ef4019", 33554432, "dump", (
        "53464450000100ff00000109800000ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe520f3ffffffff0f44eb086b083b42bb"
        "feffffffffff0000ffff21eb0c200f5210d80000ffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffff"
    )),
    ("MX25L12805D", "c22018", 16777216, "encoded", (
        "53464450060101ff00060110180000ff84000102580000ffe520f2ffffffff0706eb086b000004bbeeffffffffff00ff"
        "ffff00ff0c200f5210d800ff8241bd0081650c49ffffffffffffffffffffffff000020ff80000020420800feffffdcff"
    )),
    ("MX25R6435F", "c22817", 8388608, "words", (
        "53464450060100ff00060110100000ffe520f1ffffffff0344eb086b083b04bbeeffffffffff00ffffff00ff0c200f52"
        "10d800ff2372f50082ed04cc4483684430b030b0f7c4d55c00be29fff0d0ffff"
    )),
    ("MX25L4005A", "c22013", 524288, "encoded", (
        "53464450060100ff00060109100000ffe52080ffffff3f000000000000000000eeffffffffff00ffffff00ff0c201052"
        "10d800ff"
    )),
    ("GD25Q64", "c84017", 8388608, "encoded", (
        "53464450060100ff00060109100000ffe520f1ffffffff0306eb086b083b04bbeeffffffffff00ffffff00ff0c200f52"
        "10d800ff"
    )),
    ("IS25WP256", "9d7019", 33554432, "dump", (
        "53464450060101ff00060110300000ff9d05010380000002ffffffffffffffffffffffffffffffffffffffffffffffff"
        "e520f9ffffffff0f44eb086b083b80bbfeffffffffff00ffffff44eb0c200f5210d800ff234ac90082d811cecccd6846"
        "7a757a75f7aed55c4a422cfff030faa9ffffffffffffffffffffffffffffffff501950169ff9c0648fefffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffff"
    )),
    ("N25Q128A13", "20ba18", 16777216, "encoded", (
        "53464450060100ff00060110100000ffe520e0ffffffff0706eb086b00000000eeffffffffff00ffffff00ff0c200f52"
        "10d800ff2432a5008b4e0449ffffffffffffffffffffffff000000ff80000000"
    )),
    ("SST25VF016B", "bf2541", 2097152, "none", (
        ""
    )),
    ("SST26VF032B", "bf2642", 4194304, "encoded", (
        "53464450060100ff00060110100000ffe52080ffffffff010000000000000000eeffffffffff00ffffff00ff0c2000ff"
        "00ff00ff30010000806f1c49ffffffffffffffffffffffff000000ff80000000"
    )),
)
