"""What a command of `fumo` fails with: one line for people, a documented exit code for scripts."""


class ToolError(Exception):
    """Something that the user can mend; the text says what is wrong and what to do."""

    exit_code = 1


class VerifyError(ToolError):
    """The bytes are not what they should be."""

    exit_code = 5


class RefusedError(ToolError):
    """Signature or compatibility: a device would refuse it."""

    exit_code = 6
