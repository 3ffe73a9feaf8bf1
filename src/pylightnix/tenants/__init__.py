"""Floor 5: code of users, with packages of its own.

Everything that users import is named here, and loaded when it is first used.
"""

from __future__ import annotations

from pylightnix.core.lazy import lazy

_HOMES = {
    "core.errors": "TenantError",
    "imports.failures": "NativeModule",
    "imports.scope": "ImportScope",
    "tenants.extra": "NoPackaging",
    "tenants.failures": "CannotRewrite InvalidRewrite NotVendored",
    "tenants.job": "Job",
    "tenants.model": "Change Diagnostic Rewritten",
    "tenants.quota": "Quota",
    "tenants.records": "Record",
    "tenants.refusals": "InstallFailed InvalidTenant JobClosed NoTenant NotInstalled "
    "QuotaExceeded RunFailed RunStopped RunTimeout TenantExists",
    "tenants.rewrite": "rewrite_imports",
    "tenants.settings": "BrokenSettings Settings",
    "tenants.tenant": "Tenant",
    "tenants.vendored": "check_vendored",
}
__getattr__, __dir__, __all__ = lazy(__name__, _HOMES)
