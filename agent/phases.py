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
JUDGING = const(256)  # what has come is proven and sorted, and what follows from it
_START_OR_UPDATE = const(3)
_EXCHANGE = const(26)  # sending, reading or a download
_ANSWER = const(18)
_SENDING_OR_ACTING = const(40)
_SENDING_OR_JUDGING = const(264)
_READING_OR_JUDGING = const(272)
_SENDING_READING_OR_ACTING = const(56)
_RARE = (  # methods of what stays: see late.py
    "account_nodes",
    "dm_store_edit",
    "journal_copies",
    "record_changes",
    "job_bytes",
    "update_orders",
    "agent_rare",
    "meetings_rare",
    "management_client",
    "fetch_rare",
    "installer_begin",
    "http_head",
    "http_request",
    "url",
    "manifest",
    "signature",
    "der",
    "p256",
    "lifecycle",
    "resume",
    "causes",
)
_OF = (
    (START, "agent_start"),
    (
        _START_OR_UPDATE,
        "requests poll time_keeper wall_time sntp notification verify bank_header",
    ),
    (
        UPDATE,
        "work work_steps fetch installer package bank_writer delta inflate download download_asking descriptor ranges offer "
        "install_notify dns trial probe control local",
    ),
    (BETWEEN, "account"),
    (_EXCHANGE, "exchange"),
    (_ANSWER, "http"),
    (UPDATE, "progress_notes"),
    (SESSION, "conversation dm_session dm_guard dm_client dm_arena own_alert"),
    (
        SENDING,
        "dm_sending dm_guard_signing dm_answer dm_answer_rare dm_entries dm_sources dm_queries tnds_writer xml_writer "
        "wbxml_writer base64_encoder",
    ),
    (
        _SENDING_OR_ACTING,
        "dm_tree dm_properties dm_acl mo_devinfo mo_leaves mo_stored mo_dmacc mo_inbox mo_fumo mo_fumo_ext dm_property dm_time "
        "diagnosis",
    ),
    (_SENDING_OR_JUDGING, "dm_auth"),
    (_SENDING_READING_OR_ACTING, "dm_uri"),
    (READING, "dm_receiving dm_incoming xml_reader wbxml_reader"),
    (_READING_OR_JUDGING, "dm_header"),
    (JUDGING, "dm_judging dm_guard_judging dm_mac_header dm_nonces_kept"),
    (OBJECT, "dm_chunks dm_object base64 push"),
    (
        ACTING,
        "dm_acting dm_commands dm_containers dm_edit dm_edit_nodes dm_properties_edit dm_kept mo_stored_edit "
        "mo_fumo_orders tnds_reader ui orders",
    ),
)


def enter(phases):
    """Forget the modules that belong to none of these phases, a sum of the numbers above."""
    names = list(_RARE)
    for phase, listed in _OF:
        if not phase & phases:
            names += listed.split()
    unload(names)


def tidy():
    """Forget what is wanted rarely, if a step has wanted some of it."""
    unload(_RARE, False)


def take_turns(phases):
    """Forget what belongs to none of these turns of a session."""
    enter(phases | SESSION)
