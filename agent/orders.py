"""Which order is taken, and what the server is answered."""

from agent.job import ACCEPTED, ARM, DOWNLOAD, NO_BANK, STATE_DOWNLOADING, TRIAL, UPDATE_ONLY

ACCEPTED_STATUS = 202
BUSY_STATUS = 403
NOTHING_STATUS = 405


def accept(record, boot, order):
    """Take an order (a Job with kind, server, node, correlator, url); it is put before the 202 can leave."""
    job = record.job
    if not record.idle and job.same_order(order):
        return ACCEPTED_STATUS  # a 202 can be lost
    if boot.running() != boot.confirmed() or job.phase in (ARM, TRIAL):
        return BUSY_STATUS
    if not record.idle and job.server != order.server:
        return BUSY_STATUS
    if order.kind != UPDATE_ONLY:
        return _accept_download(record, boot, order)
    if record.package.bank == NO_BANK:
        return NOTHING_STATUS
    order.digest = record.package.digest
    order.state = job.state
    record.order(order, ACCEPTED)
    return ACCEPTED_STATUS


def _accept_download(record, boot, order):
    if not order.url:
        return NOTHING_STATUS
    if record.package.bank == boot.confirmed():
        record.package.bank = NO_BANK  # the running image was held, not one that this order could find there
    order.state = STATE_DOWNLOADING
    record.order(order, DOWNLOAD)
    return ACCEPTED_STATUS
