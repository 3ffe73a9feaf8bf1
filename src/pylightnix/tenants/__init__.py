"""Floor 5: code of users, with packages of its own.

Everything that users import is named here, and loaded when it is first used.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pylightnix.core.errors import TenantError
    from pylightnix.imports.failures import NativeModule
    from pylightnix.imports.scope import ImportScope

    from .failures import CannotRewrite, InvalidRewrite, NotVendored
    from .job import Job
    from .model import Change, Diagnostic, Rewritten
    from .quota import Quota
    from .records import Record
    from .refusals import (
        InvalidTenant,
        JobClosed,
        NoTenant,
        NotInstalled,
        QuotaExceeded,
        RunFailed,
        RunStopped,
        RunTimeout,
        TenantExists,
    )
    from .rewrite import rewrite_imports
    from .settings import BrokenSettings, Settings
    from .tenant import Tenant
    from .vendored import check_vendored

_HOMES = {
    "core.errors": "TenantError",
    "imports.failures": "NativeModule",
    "imports.scope": "ImportScope",
    "tenants.failures": "CannotRewrite InvalidRewrite NotVendored",
    "tenants.job": "Job",
    "tenants.model": "Change Diagnostic Rewritten",
    "tenants.quota": "Quota",
    "tenants.records": "Record",
    "tenants.refusals": "InvalidTenant JobClosed NoTenant NotInstalled QuotaExceeded RunFailed "
    "RunStopped RunTimeout TenantExists",
    "tenants.rewrite": "rewrite_imports",
    "tenants.settings": "BrokenSettings Settings",
    "tenants.tenant": "Tenant",
    "tenants.vendored": "check_vendored",
}
_WHERE = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "BrokenSettings",
    "CannotRewrite",
    "Change",
    "Diagnostic",
    "ImportScope",
    "InvalidRewrite",
    "InvalidTenant",
    "Job",
    "JobClosed",
    "NativeModule",
    "NoTenant",
    "NotInstalled",
    "NotVendored",
    "Quota",
    "QuotaExceeded",
    "Record",
    "Rewritten",
    "RunFailed",
    "RunStopped",
    "RunTimeout",
    "Settings",
    "Tenant",
    "TenantError",
    "TenantExists",
    "check_vendored",
    "rewrite_imports",
]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'pylightnix.tenants' has no attribute {name!r}")
    module = f"pylightnix.{_WHERE[name]}"
    __import__(module)
    found: object = getattr(sys.modules[module], name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
