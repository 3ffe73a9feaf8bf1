"""What is refused to a tenant, and how a run of its code can end badly."""

from __future__ import annotations

from pylightnix.core.errors import InvalidValue, TenantError
from pylightnix.engine.produce import BuildFailed


def _listed(names: tuple[str, ...]) -> str:
    """Give the first of what may be many, and long."""
    more = f" and {len(names) - 20} more" if len(names) > 20 else ""
    return ", ".join(name[:200] for name in names[:20]) + more or "none"


class InvalidTenant(TenantError, InvalidValue):
    """A name, a path or a setting of a tenant cannot be what it should be; nothing was touched."""

    def __init__(self, what: str, got: object, issue: str) -> None:
        super().__init__(what, got, issue)
        self.what, self.got, self.issue = what, got, issue

    def __str__(self) -> str:
        return f"{self.what} cannot be {self.got!r:.200}: {self.issue}"


class NoTenant(TenantError):
    """There is no tenant of that name."""

    def __init__(self, name: str, root: str, known: tuple[str, ...]) -> None:
        super().__init__(name, root, known)
        self.name, self.root, self.known = name, root, known

    def __str__(self) -> str:
        return (
            f"there is no tenant {self.name!r} in {self.root}; there are: {_listed(self.known)}. "
            "Make one with `Tenant.create`"
        )


class TenantExists(TenantError):
    """There is a tenant of that name already."""

    def __init__(self, name: str, root: str) -> None:
        super().__init__(name, root)
        self.name, self.root = name, root

    def __str__(self) -> str:
        return (
            f"there is a tenant {self.name!r} in {self.root} already: open it with "
            "`Tenant.open`, or delete it first"
        )


class NotInstalled(TenantError):
    """A tenant's packages are not all there."""

    def __init__(self, name: str, missing: tuple[str, ...]) -> None:
        super().__init__(name, missing)
        self.name, self.missing = name, missing

    def __str__(self) -> str:
        return (
            f"the tenant {self.name!r} lacks {_listed(self.missing)}: "
            "call `install()` on it, or `pylightnix tenant install`"
        )


class InstallFailed(TenantError, BuildFailed):
    """The packages of a tenant could not be installed; what was installed before stays.

    Of a `BuildFailed` it has no more than `cause`; the one that it comes from, which is the
    platform's own business, is its `__cause__`.

    Attributes:
        name: of the tenant.
        packages: what was asked for.
        cause: what the installer said, without places of the platform.
    """

    def __init__(self, name: str, packages: tuple[str, ...], cause: str) -> None:
        super().__init__("", "", "", cause)
        self.args = (name, packages, cause)
        self.name, self.packages = name, packages

    def __str__(self) -> str:
        return (
            f"the packages of the tenant {self.name!r} ({_listed(self.packages)}) "
            f"cannot be installed:\n{self.cause}\n"
            "What was installed before stays. Ask for other versions, or try again later"
        )


class QuotaExceeded(TenantError):
    """A tenant would have more than its quota.

    Attributes:
        name: of the tenant.
        quota_bytes: what it may have; None if only the number of files is too much.
        used: what is used, and by what: pairs of a text and bytes.
        wanted: what was refused.
    """

    def __init__(
        self, name: str, quota_bytes: int | None, used: tuple[tuple[str, int], ...], wanted: str
    ) -> None:
        super().__init__(name, quota_bytes, used, wanted)
        self.name, self.quota_bytes, self.used, self.wanted = name, quota_bytes, used, wanted

    @property
    def used_bytes(self) -> int:
        """All that is used, in bytes."""
        return sum(count for _, count in self.used)

    def __str__(self) -> str:
        parts = ", ".join(f"{what} {count:,}" for what, count in self.used) or "nothing"
        quota = "any number of" if self.quota_bytes is None else f"{self.quota_bytes:,}"
        return (
            f"the tenant {self.name!r} may have {quota} bytes and uses "
            f"{self.used_bytes:,} ({parts}); {self.wanted} was refused. "
            "Delete something in its scratch or its modules, or raise its quota"
        )


class JobClosed(TenantError):
    """A call of a loaded file after its `with` block has ended."""

    def __init__(self, function: str) -> None:
        super().__init__(function)
        self.function = function

    def __str__(self) -> str:
        return f"{self.function} was called after its job was closed: call it inside the `with`"


class RunFailed(TenantError):
    """Code of a tenant raised; its own traceback is kept, and is the cause.

    Attributes:
        run: identifies the record of the run.
        function: what was called; empty if the import of the file failed.
        type_name: of the exception, with its module unless that is `builtins`.
        message: its text.
        traceback: as Python prints it, from the tenant's own code on, with its own paths.
    """

    def __init__(
        self, run: str, function: str, type_name: str, message: str, traceback: str
    ) -> None:
        super().__init__(run, function, type_name, message, traceback)
        self.run, self.function = run, function
        self.type_name, self.message, self.traceback = type_name, message, traceback

    def __str__(self) -> str:
        where = self.function or "the import of the file"
        return f"{where} raised {self.type_name}: {self.message}"


class RunStopped(TenantError):
    """A run of a tenant's code was ended from outside, or ended its own process.

    Attributes:
        run: identifies the record of the run.
        function: what was called; empty if the file was being imported.
        reason: `wall_s`, `cpu_s`, `memory_bytes` or `file_bytes` for what it had too much of;
            else what is known.
    """

    def __init__(self, run: str, function: str, reason: str) -> None:
        super().__init__(run, function, reason)
        self.run, self.function, self.reason = run, function, reason

    def __str__(self) -> str:
        where = self.function or "the import of the file"
        more = ""
        if self.reason in ("wall_s", "cpu_s", "memory_bytes", "file_bytes"):
            more = "; the tenant's policy sets that limit"
        return f"{where} was stopped ({self.reason}){more}"


class RunTimeout(RunStopped, TimeoutError):
    """A run took longer than `wall_s` of its policy."""

    def __init__(self, run: str, function: str, reason: str = "wall_s") -> None:
        super().__init__(run, function, reason)
