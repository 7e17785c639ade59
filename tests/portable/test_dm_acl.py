"""Access control lists: the grammar, who is allowed, and what is left when a server goes."""

from agent import dm_acl
from agent.dm_tree import allows
from tests.portable.dm_trees import filled, make_tree, status


def test_the_grammar():
    for text, code in (
        ("", ""),
        ("Get=*", "Get=*"),
        (" Add=a&Get=a+b+*&Replace=x.y:z/1 ", "Add=a&Get=a+b+*&Replace=x.y:z/1"),
        ("Get=", 400),
        ("Get", 400),
        ("get=*", 400),
        ("Copy=*", 400),
        ("Get=a&Get=b", 400),
        ("Get=a++b", 400),
        ("Get=a b", 400),
        ("Get=a=b", 400),
        ("Get=**", 400),
        ("Get=\u20ac", 400),
        ("Get=a&", 400),
        ("&Get=a", 400),
        ("Get=" + "a" * 252, "Get=" + "a" * 252),
        ("Get=" + "a" * 253, 420),
    ):
        assert status(dm_acl.check, text) == code, text


def test_allows():
    acl = "Add=*&Get=a+b&Replace=a"
    assert allows(acl, 1, "anyone") and allows(acl, 16, "b") and allows(acl, 32, "a")
    for bit, server in ((16, "c"), (32, "b"), (4, "a"), (8, "a"), (16, "a+b"), (16, ""), (16, "")):
        assert not allows(acl, bit, server), (bit, server)
    assert not allows("", 16, "a")


def test_without_a_server():
    for acl, left in (
        ("", ""),
        ("Get=*&Replace=a", "Get=*"),
        ("Get=a+b&Replace=a", "Get=b"),
        ("Get=ab", "Get=ab"),
        ("Get=a", ""),
    ):
        assert dm_acl.without(acl, "a") == left


def test_a_server_that_goes_leaves_every_list():
    tree = filled()
    properties = tree.properties
    properties.set_acl("", "Add=*&Get=*&Replace=gone")
    properties.set_acl("App/Box/a", "Get=gone+boss&Replace=gone")
    properties.set_acl("App/Box/a/Text", "Get=gone")
    properties.set_title("App/Box/a/On", "no list")
    properties.drop_server("gone", "Add=*&Get=*")
    assert tree.own_acl("") == "Add=*&Get=*"
    assert tree.own_acl("App/Box/a") == "Get=boss" and tree.own_acl("App/Box/a/Text") == ""
    assert tree.own_acl("App/Box/b") == "Add=boss&Get=*&Replace=boss+other"
    assert tree.properties.acl("App/Box/a/On") is None and properties.load("App/Box/a/On")[4] == "no list"


def test_the_root_is_never_locked():
    tree = make_tree()
    tree.properties.set_acl("", "Add=*&Get=gone")
    tree.properties.drop_server("gone", "Add=*&Get=*")
    assert tree.own_acl("") == "Add=*&Get=*"


def test_the_creators_list_is_one():
    acl = dm_acl.for_creator("srv")
    assert dm_acl.check(acl) == acl
    for bit in (1, 4, 16, 32):
        assert allows(acl, bit, "srv")
