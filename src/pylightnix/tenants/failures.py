"""What can be wrong with a source that is to be rewritten, and with what it is rewritten for."""

from __future__ import annotations

from pylightnix.core.errors import InvalidValue, TenantError


class CannotRewrite(TenantError, ValueError):
    """A source cannot be read as Python.

    Attributes:
        line: from 1; 0 if it is not known.
        column: from 1, in characters; 0 if it is not known.
        why: what Python says.
    """

    def __init__(self, line: int, column: int, why: str) -> None:
        super().__init__(line, column, why)
        self.line, self.column, self.why = line, column, why

    def __str__(self) -> str:
        where = f" (line {self.line}, column {self.column})" if self.line else ""
        return f"imports cannot be rewritten: {self.why}{where}; nothing was changed. Mend it there"


class InvalidRewrite(InvalidValue):
    """The packages to rewrite, or where they are, are not names of Python."""

    def __init__(self, issues: tuple[str, ...]) -> None:
        super().__init__(issues)
        self.issues = issues

    def __str__(self) -> str:
        return f"imports cannot be rewritten for these: {'; '.join(self.issues)}"


class NotVendored(TenantError):
    """There is no folder with packages at a path."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path} is no folder; give the one that packages were installed in"
