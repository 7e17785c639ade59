"""Which options of a board are constants in its image."""

FIXED = (
    "small",
    "xml",
    "tnds",
    "descriptor",
    "needs_server",
    "insecure",
)  # attributes that mean the option wherever they are


def profile_of(options: dict) -> dict:
    """Return what the bundler may take for constants: what the OPTIONS of a board file say."""
    return {name: options[name] for name in FIXED if isinstance(options.get(name), bool)}
