"""The server's web page: every screen is rendered here, from what the Office says.

`routes(office)` are the screens and their forms, `sign_in_page` and `error_page` what the admin application shows around them.
Knows neither who may see it nor which port it is on.
"""

from flash_tools.server.page.render import error_page, sign_in_page
from flash_tools.server.page.screens import routes

__all__ = ["error_page", "routes", "sign_in_page"]
