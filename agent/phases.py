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
_RARE = (  # methods of what stays: see late.py
    "account_nodes dm_store_edit journal_copies record_changes job_bytes update_orders agent_rare meetings_rare "
    "management_client fetch_rare installer_begin http_head http_request url manifest signature der p256 lifecycle "
    "resume causes conversation_faults diagnosis serial_floor"
)
_OF = (  # each row begins with the sum of its phases
    "1 agent_start facts identity "
    "3 requests poll time_keeper wall_time sntp notification verify bank_header "
    "2 work work_steps fetch installer package bank_writer delta inflate download download_asking descriptor ranges "
    "offer install_notify dns trial probe control local delivery progress_notes journal_notes "
    "128 account "
    "26 exchange "
    "18 http "
    "4 conversation dm_session dm_client dm_arena md5 "
    "8 dm_sending dm_answer dm_answer_limits dm_entries dm_sources dm_queries tnds_writer xml_writer wbxml_writer "
    "base64_encoder "
    "40 dm_tree dm_properties dm_acl mo_devinfo mo_leaves mo_stored mo_dmacc mo_inbox mo_fumo mo_fumo_ext "
    "dm_property dm_time "
    "264 dm_auth "
    "56 dm_uri syncml_tags ddf_tags "
    "16 dm_receiving dm_incoming xml_reader wbxml_reader "
    "272 dm_header "
    "256 dm_judging dm_guard dm_client_begin dm_nonces_kept own_alert "
    "64 dm_chunks dm_object base64 push "
    "96 dm_value "
    "48 dm_recorder "
    "32 dm_acting dm_commands dm_commit dm_containers dm_edit dm_edit_nodes dm_properties_edit mo_stored_edit "
    "mo_fumo_orders tnds_reader ui orders"
)


def enter(phases):
    """Forget the modules that belong to none of these phases, a sum of the numbers above."""
    unload(_words(_RARE), False)
    unload(_words(_OF, phases))


def tidy():
    """Forget what is wanted rarely, if a step has wanted some of it."""
    unload(_words(_RARE), False)


def take_turns(phases):
    """Forget what belongs to none of these turns of a session."""
    enter(phases | SESSION)


def _words(text, phases=0):
    """Yield the modules of the rows that have none of the phases; one by one, a list is a large piece of the heap."""
    start = stays = 0
    while start < len(text):
        end = text.find(" ", start)
        end = end if end > 0 else len(text)
        word = text[start:end]
        if word.isdigit():
            stays = int(word) & phases
        elif not stays:
            yield word
        start = end + 1
