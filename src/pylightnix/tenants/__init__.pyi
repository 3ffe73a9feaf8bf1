"""Types of the published names; they are loaded lazily, see `__init__.py`."""

from pylightnix.core.errors import TenantError
from pylightnix.imports.failures import NativeModule
from pylightnix.imports.scope import ImportScope

from .failures import CannotRewrite, InvalidRewrite, NotVendored
from .model import Change, Diagnostic, Rewritten
from .rewrite import rewrite_imports
from .vendored import check_vendored

__all__ = [
    "CannotRewrite",
    "Change",
    "Diagnostic",
    "ImportScope",
    "InvalidRewrite",
    "NativeModule",
    "NotVendored",
    "Rewritten",
    "TenantError",
    "check_vendored",
    "rewrite_imports",
]
