"""Which code belongs to which phase: a small board has in memory only that of the phase it is in.

What is not listed stays. A module may belong to several phases. `enter` is called where nothing of the phase before runs
any more; what comes then is imported by whoever needs it, at the moment when it is needed.
"""

from agent.compat import const, unload

START = const(1)  # from power to the first step
UPDATE = const(2)  # an order is carried out, or nothing is done
SESSION = const(4)  # with a management server; together with one of the three below
SENDING = const(8)
READING = const(16)
ACTING = const(32)
OBJECT = const(64)  # while a large object is on its way
BETWEEN = const(128)  # whatever the phase, but not in one of the turns
_START_OR_UPDATE = const(3)
_EXCHANGE = const(26)  # sending, reading or a download
_ANSWER = const(18)
_SENDING_OR_ACTING = const(40)
_OF = (
    (
        START,
        "resume account_nodes",
    ),
    (
        _START_OR_UPDATE,
        "lifecycle requests poll time_keeper wall_time sntp notification verify manifest signature der p256 bank_header",
    ),
    (
        UPDATE,
        "work fetch installer package bank_writer delta inflate download descriptor ranges offer causes "
        "install_notify dns trial probe control local",
    ),
    (BETWEEN, "account"),
    (_EXCHANGE, "url exchange http_request"),
    (_ANSWER, "http"),
    (
        SESSION,
        "conversation dm_session dm_exchange dm_guard dm_auth dm_client dm_arena dm_tree dm_properties dm_uri mo_devinfo "
        "mo_leaves mo_stored mo_dmacc mo_inbox mo_fumo push dm_time dm_acl own_alert",
    ),
    (SENDING, "dm_answer dm_entries dm_sources dm_queries tnds_writer xml_writer wbxml_writer base64_encoder"),
    (_SENDING_OR_ACTING, "dm_property mo_fumo_ext diagnosis"),
    (READING, "dm_incoming xml_reader wbxml_reader"),
    (OBJECT, "dm_chunks dm_object base64"),
    (
        ACTING,
        "dm_header dm_mac_header dm_commands dm_containers dm_edit dm_store_edit dm_properties_edit dm_kept tnds_reader ui orders",
    ),
)


def enter(phases):
    """Forget the modules that belong to none of these phases, a sum of the numbers above."""
    names = []
    for phase, listed in _OF:
        if not phase & phases:
            names += listed.split()
    unload(names)


def take_turns(phases):
    """Forget what belongs to none of these turns of a session."""
    enter(phases | SESSION)
