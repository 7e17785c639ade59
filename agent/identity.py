"""Who the device is and whom it trusts, as provisioning gave it: a dict, the same one that `fumo` and a server write as JSON.

{"product", "model", "device": {DevId Man Mod DmV Lang DevTyp OEM SwV HwV}, "device_key": hex, "anchors": [[key id, hex]],
"accounts": [{"name", "server_id", "url", "auth", "server_auth", "user", "secret", "nonce", "server_user", "server_secret",
"server_nonce", "alert_source", "alert_format", "request_data"}]}. Nonces are hex, auth is BASIC, DIGEST or HMAC.
"""

import binascii

from agent.account_nodes import account_nodes
from agent.fields import Fields


def make_identity(facts, verify):
    """Return it as plain attributes; `verify(key, digest, signature)` is the port's."""
    self = Fields()
    self.product, self.model, self.verify = facts["product"], facts["model"], verify
    self.device = facts["device"]
    self.device_key = binascii.unhexlify(facts["device_key"])
    self.anchors = tuple([(name, binascii.unhexlify(key)) for name, key in facts["anchors"]])
    self.accounts = account_nodes(facts["accounts"])
    self.servers = [account["server_id"] for account in facts["accounts"]]
    return self
