"""What goes wrong with builds that others do: several fail, one takes too long, a worker dies."""

from __future__ import annotations

from pylightnix.core.errors import RealizeError

from .produce import BuildFailed


class BuildsFailed(RealizeError):
    """With `keep_going`: these builds failed, and all that did not need them was built."""

    def __init__(self, errors: tuple[Exception, ...], skipped: tuple[str, ...]) -> None:
        super().__init__(errors, skipped)
        self.errors, self.skipped = errors, skipped

    def __str__(self) -> str:
        count = "1 build" if len(self.errors) == 1 else f"{len(self.errors)} builds"
        lines = [f"{count} failed:", *(str(error) for error in self.errors)]
        if self.skipped:
            lines.append(f"not built, because they need those: {', '.join(self.skipped)}")
        return "\n".join(lines)


class TimedOut(BuildFailed):
    """A build took longer than it may, and was stopped."""

    def __init__(self, dref: str, timeout_s: float, folder: str, log: str, tail: str = "") -> None:
        cause = (
            f"it was building for more than {timeout_s:g} s and was stopped; "
            "give it more with timeout_s"
        )
        super().__init__(dref, folder, log, cause, tail)
        self.args = (dref, timeout_s, folder, log, tail)
        self.timeout_s = timeout_s


class NotBegun(RealizeError):
    """A call stood in a queue while another one failed, and is not wanted any more."""


class WorkerDied(RealizeError):
    """The process that ran a call ended without an answer."""

    def __init__(self, status: int, pid: int) -> None:
        super().__init__(status, pid)
        self.status, self.pid = status, pid

    def __str__(self) -> str:
        import signal

        if self.status >= 0:
            return f"its process ended with status {self.status} in the middle of the work"
        known = {int(number): number.name for number in signal.Signals}
        name = known.get(-self.status, "unknown")
        text = f"its process was ended by signal {-self.status} ({name})"
        if self.status == -signal.SIGKILL:
            text += "; if nobody killed it, the machine was out of memory"
        return text
