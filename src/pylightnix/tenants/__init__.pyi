"""Types of the published names; they are loaded lazily, see `__init__.py`."""

from pylightnix.core.errors import TenantError
from pylightnix.imports.failures import NativeModule
from pylightnix.imports.scope import ImportScope

from .extra import NoPackaging
from .failures import CannotRewrite, InvalidRewrite, NotVendored
from .job import Job
from .model import Change, Diagnostic, Rewritten
from .quota import Quota
from .records import Record
from .refusals import (
    InstallFailed,
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

__all__ = [
    "BrokenSettings",
    "CannotRewrite",
    "Change",
    "Diagnostic",
    "ImportScope",
    "InstallFailed",
    "InvalidRewrite",
    "InvalidTenant",
    "Job",
    "JobClosed",
    "NativeModule",
    "NoPackaging",
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
