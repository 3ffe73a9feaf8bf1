"""What goes wrong with a pod, as errors that name it, the cause, and the next thing to do."""

from __future__ import annotations

from pylightnix.core.errors import PodError


class RemoteError(PodError):
    """A function of a pod raised; what it said over there is kept, its traceback is the cause.

    Attributes:
        type_name: of the exception, with its module unless that is `builtins`.
        message: its text.
        traceback: as the interpreter in the pod prints it.
    """

    def __init__(self, type_name: str, message: str, traceback: str, function: str = "") -> None:
        super().__init__(type_name, message, traceback, function)
        self.type_name, self.message, self.traceback = type_name, message, traceback
        self.function = function

    def __str__(self) -> str:
        where = f"{self.function} in the pod" if self.function else "the pod"
        return f"{where} raised {self.type_name}: {self.message}"


class RemoteTraceback(Exception):
    """The traceback of another process, shown as a cause."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"\n\n{self.text}"


class WorkerDied(PodError):
    """The process of a pod ended during a call, or said what no agent says; it is replaced.

    Attributes:
        function: what was called.
        status: how it ended: a signal as a negative number, or an exit status; None if it had to
            be killed.
        cause: what is known of the reason.
        log: where its output is.
    """

    def __init__(self, function: str, status: int | None, cause: str, log: str) -> None:
        super().__init__(function, status, cause, log)
        self.function, self.status, self.cause, self.log = function, status, cause, log

    @property
    def signal(self) -> int | None:
        """The number of the signal that ended it; None if none did."""
        return -self.status if self.status is not None and self.status < 0 else None

    def __str__(self) -> str:
        ended = "was killed" if self.status is None else f"ended with status {self.status}"
        if self.signal is not None:
            ended = f"was ended by signal {self.signal}"
        why = f" ({self.cause})" if self.cause else ""
        return (
            f"the worker of the pod {ended} during {self.function}{why}; "
            f"it is replaced at the next call. Its output: {self.log}"
        )


class PodTimeout(PodError, TimeoutError):
    """A call took longer than it may; its worker was killed and is replaced."""

    def __init__(self, function: str, limit_s: float) -> None:
        super().__init__(function, limit_s)
        self.function, self.limit_s = function, limit_s

    def __str__(self) -> str:
        return (
            f"{self.function} in the pod took longer than {self.limit_s:g} s; its worker was "
            "killed. Allow more with `timeout_s=`, or with `wall_s=` of the policy"
        )


class PodClosed(PodError):
    """A call of a pod whose `with` block has ended."""

    def __init__(self, function: str) -> None:
        super().__init__(function)
        self.function = function

    def __str__(self) -> str:
        return f"{self.function} was called after its pod was closed: call it inside the `with`"


class NoExtra(PodError):
    """A package that pods need is not installed, or another one has taken its name."""

    def __init__(self, package: str, cause: str) -> None:
        super().__init__(package, cause)
        self.package, self.cause = package, cause

    def __str__(self) -> str:
        return f"pods need {self.package}: {self.cause}. Install pylightnix[pods]"
