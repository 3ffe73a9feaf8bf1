"""The package `packaging`, which the extra `tenants` brings: loaded where it is used."""

from __future__ import annotations

from types import ModuleType

from pylightnix.core.errors import TenantError


class NoPackaging(TenantError):
    """The package that knows requirements is not installed."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause

    def __str__(self) -> str:
        return f"tenants need packaging: {self.cause}. Install pylightnix[tenants]"


def packaging() -> ModuleType:
    """Give the package.

    Raises:
        NoPackaging: it is not installed.
    """
    try:
        import packaging
        import packaging.requirements
        import packaging.utils
        import packaging.version
    except ImportError as error:
        raise NoPackaging(str(error)) from error
    return packaging
