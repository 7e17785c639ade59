"""The admin app: JSON API, events as they happen, metrics, and the way in to the page; on a port of its own."""

from flash_tools.server.admin.app import make_admin

__all__ = ["make_admin"]
