"""One folder a runtime; nobody else knows one."""
