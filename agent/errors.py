"""What can go wrong, by blame. A defect of ours has no class here: it crashes, and the watchdog answers.

`code` is the FUMO result that the server is told if nothing better is known where the error is caught.
"""


class AgentError(Exception):
    """The root of all errors that the agent raises on purpose."""

    code = 409
    dates = False  # of a LinkError: only a certificate's validity dates are wrong, a clock that is set may help

    def __init__(self, text="", code=0, dlota=0, final=False, after_ms=0):
        super().__init__(text)
        if code:
            self.code = code
        self.dlota = dlota  # the status for a download server; 0: that which belongs to `code`
        self.final = final  # of a LinkError: trying again does not help
        self.after_ms = after_ms  # of a LinkError: how long the server wants to be left alone


class ProtocolError(AgentError):
    """The peer sent something that its protocol does not allow."""

    code = 400


class PackageError(AgentError):
    """The update package is not what it should be; the text says what to do about it."""

    code = 402


class FlashError(AgentError):
    """The hardware did not do as it was told."""

    code = 410


class LinkError(AgentError):
    """The network failed; trying again may help unless `final` says otherwise."""

    code = 503
