"""Devices: their accounts, what is known of them, waking them, commanding them."""

import base64
import ipaddress
import secrets
import socket
import time
from dataclasses import replace

from flash_tools.errors import ToolError
from flash_tools.server import views
from flash_tools.server.dm import push as dm_push
from flash_tools.server.dm.device import Device
from flash_tools.server.office.base import Base, locked
from flash_tools.server.tasks import read_commands

AUTO = "auto"
_NONCE_SIZE = 16
_KINDS = ("basic", "md5", "MAC")
_ID_MOST, _TEXT_MOST, _TAGS_MOST = 255, 256, 50
_PORT = 2948


class Devices(Base):
    """What people do with devices."""

    @locked
    def add_device(
        self, device_id: str, auth: str | None = AUTO, server_auth: str | None = AUTO, *, name="", tags=(), group="",
        notify="", contact_every_s=0, **account,
    ) -> dict:  # fmt: skip
        """Make an account and return what the device must be provisioned with; bytes are in base64.

        `auth` and `server_auth` are md5, MAC, basic or None; without TLS they are MAC unless said otherwise. `account` are
        fields of dm/device.py's Device. A device that is there already gets other secrets.
        """
        device = self._account(_checked_id(device_id), auth, server_auth, account)
        changes = {"name": name, "tags": tags, "group": group, "notify": notify, "contact_every_s": contact_every_s}
        profile = self.desk.profile(device_id)
        self._change(profile, {key: value for key, value in changes.items() if value})
        self.desk.add_device(device)
        self.desk.put_profile(profile)
        self.strangers.pop(device_id, None)
        self.desk.events.add("enrolled", "", device=device_id)
        self.arrive(device_id)
        self.desk.commit()
        return self.bundle(device)

    def _account(self, device_id, auth, server_auth, more):
        usual = "md5" if self.tls else "MAC"
        kinds = {"auth": usual if auth == AUTO else auth, "server_auth": usual if server_auth == AUTO else server_auth}
        for kind in kinds.values():
            if kind is not None and kind not in _KINDS:
                raise ToolError("credentials are one of %s, not %r" % (", ".join(_KINDS), str(kind)[:32]))
        given = {
            "client_name": device_id,
            "client_secret": secrets.token_urlsafe(12),
            "server_id": self.server_id,
            "server_secret": secrets.token_urlsafe(12),
            "client_nonce": self.random(_NONCE_SIZE),
            "server_nonce": self.random(_NONCE_SIZE),
        }
        return Device(device_id, **{**given, **kinds, **more})

    def bundle(self, device: Device) -> dict:
        """Return what a device must be provisioned with."""
        return {
            "device_id": device.device_id,
            "server_id": device.server_id,
            "url": self.url + "/dm",
            "ca_pem": self.ca_pem,
            "auth": device.auth,
            "user": device.client_name,
            "secret": device.client_secret,
            "nonce": _text(device.client_nonce),
            "server_auth": device.server_auth,
            "server_user": device.server_id,
            "server_secret": device.server_secret,
            "server_nonce": _text(device.server_nonce),
        }

    def arrive(self, device_id: str):
        """Let campaigns see a device that is new or has changed; the caller commits."""

    @locked
    def change_device(self, device_id: str, **changes):
        """Change name, tags, group, notify, contact_every_s or paused."""
        profile = self.desk.profile(self.known(device_id))
        paused = profile.paused
        self._change(profile, changes)
        self.desk.put_profile(profile)
        if profile.paused != paused:
            self.desk.events.add("paused" if profile.paused else "resumed", "", device=device_id)
        self.arrive(device_id)
        self.desk.commit()
        return self.device(device_id)

    def _change(self, profile, changes):
        for key, value in changes.items():
            if key not in _CHECKS:
                raise ToolError("a device has %s, not %s" % (", ".join(_CHECKS), key[:32]))
            setattr(profile, key, _CHECKS[key](value))

    @locked
    def remove_device(self, device_id: str):
        """Forget a device, what it said, and what waits for it."""
        order = self.desk.order_under_way(self.known(device_id))
        if order is not None:
            order.finish("cancelled", failure="the device was removed")
            self.desk.follow(order)
        self.desk.tasks.forget(device_id)
        self.desk.remove_device(device_id)

    @locked
    def devices(self, text="", state="", campaign="", tag="", order_by="id", start=0, limit=500) -> dict:
        """Return the devices that fit, a page of them."""
        rows = [views.row(self.desk, device_id) for device_id in self.desk.devices]
        rows = [row for row in rows if views.row_fits(row, text, state, campaign, tag)]
        reverse, key = order_by.startswith("-"), order_by.lstrip("-")
        rows.sort(key=lambda row: views.sort_key(row, key), reverse=reverse)
        return {"total": len(rows), "devices": rows[start : start + limit]}

    @locked
    def device(self, device_id: str) -> dict:
        """Return everything about a device."""
        return views.device(self.desk, self.known(device_id))

    # -- waking and commanding ----------------------------------------------------------------------------------------

    @locked
    def send_notification(self, device_id: str) -> str:
        """Wake a device by package 0 over UDP; return the SessionID that it asks for."""
        profile = self.desk.profile(self.known(device_id))
        address = _address(profile)
        session_id = secrets.randbelow(0xFFFF) + 1
        body = dm_push.notification(self.desk.devices[device_id], session_id)
        text = dm_push.session_id_text(session_id)
        try:
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.sendto(body, address)
        except OSError as error:
            raise ToolError("package 0 cannot be sent to %s port %d: %s" % (*address, error.strerror)) from None
        profile.woken_at = time.time()
        self.transcript.datagram("package 0 for session %s" % text, body)
        self.desk.events.add("woken", "package 0 to %s port %d" % address, device=device_id)
        self.desk.commit()
        return text

    @locked
    def make_notification(self, device_id: str, to: str = "", ui_mode: str = "unspecified", resync=False) -> dict:
        """Return package 0 for somebody who brings it there; without a `to` it is only looked at and nothing is noted."""
        device = self.desk.devices[self.known(device_id)]
        session_id = secrets.randbelow(0xFFFF) + 1
        device = device if to else replace(device)
        body = dm_push.notification(device, session_id, ui_mode, resync=resync)
        text = dm_push.session_id_text(session_id)
        if to:
            self.desk.profile(device_id).woken_at = time.time()
            self.desk.add_device(device)
            self.transcript.datagram("package 0 for session %s" % text, body)
            self.desk.events.add("woken", "package 0 given out for %s" % _line(to), device=device_id)
            self.desk.commit()
        return {"session": text, "server_id": device.server_id, "notification": body.hex()}

    @locked
    def command_device(self, device_id: str, commands: list[dict]) -> str:
        """Give commands to the device's next session; return the task's id."""
        task_id = secrets.token_hex(4)
        self.desk.tasks.add(self.known(device_id), read_commands(commands), task_id, commands)
        self.desk.commit()
        return task_id

    @locked
    def task(self, task_id: str) -> dict:
        """Return commands with their answers."""
        return self.desk.tasks.get(task_id).view()


def _text(data):
    return None if data is None else base64.b64encode(data).decode()


def _checked_id(device_id):
    if not isinstance(device_id, str) or not 0 < len(device_id) <= _ID_MOST or not device_id.isprintable():
        raise ToolError("a device's id has 1 to %d characters that can be printed" % _ID_MOST)
    return device_id


def _line(value):
    if not isinstance(value, str) or len(value) > _TEXT_MOST:
        raise ToolError("a text has at most %d characters" % _TEXT_MOST)
    return value


def _tags(value):
    if not isinstance(value, list | tuple) or len(value) > _TAGS_MOST:
        raise ToolError("tags are a list of at most %d texts" % _TAGS_MOST)
    return [_line(each) for each in value]


def _seconds(value):
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 366 * 86400:
        raise ToolError("an interval has 0 to %d seconds" % (366 * 86400))
    return value


def _flag(value):
    if not isinstance(value, bool):
        raise ToolError("paused is true or false")
    return value


def _place(value):
    host, _, port = _line(value).rpartition(":")
    if value and not (
        port.isascii() and port.isdigit() and len(port) < 6 and 0 < int(port) < 65536 and _is_address(host)
    ):
        raise ToolError(
            "package 0 goes to a numeric ADDRESS:PORT, or to a PORT of the address that the device came from"
        )
    return value


def _is_address(host):
    """Tell whether it needs no name server: one that is slow would stop everybody."""
    try:
        return not host or bool(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return False


def _address(profile):
    host, _, port = profile.notify.rpartition(":")
    host = host.strip("[]") or profile.address
    if not host:
        raise ToolError("%s was never heard: nobody knows where to wake it" % profile.device_id)
    return host, int(port or _PORT)


_CHECKS = {"name": _line, "tags": _tags, "group": _line, "notify": _place, "contact_every_s": _seconds, "paused": _flag}
