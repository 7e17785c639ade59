"""What a command of `fumo` fails with: one line for people, a documented exit code for scripts."""


class ToolError(Exception):
    """Something that the user can mend; the text says what is wrong and what to do."""

    exit_code = 1


class UsageError(ToolError):
    """The command cannot be meant like this."""

    exit_code = 2


class NotFoundError(ToolError):
    """The device, chip or line is not there."""

    exit_code = 3


class BusyError(ToolError):
    """Somebody else has it."""

    exit_code = 4


class VerifyError(ToolError):
    """The bytes are not what they should be."""

    exit_code = 5


class RefusedError(ToolError):
    """Signature or compatibility: a device would refuse it."""

    exit_code = 6


class SilentError(ToolError):
    """It did not answer in time, or the line dropped."""

    exit_code = 7


class StoppedError(ToolError):
    """Ctrl-C; the text says what it leaves."""

    exit_code = 130
