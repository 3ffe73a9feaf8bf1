"""The one table from errors to exit codes."""

from __future__ import annotations

from pylightnix.core.errors import InvalidValue, PylightnixError

DONE = 0
NOT_SO = 1
USAGE = 2
NOT_FOUND = 3
DAMAGED = 4
INTERRUPTED = 130  # what shells say of a program that Ctrl-C ended


def exit_code(error: PylightnixError) -> int:
    """Tell with which code a command ends that raised `error`."""
    from pylightnix.plugins.failures import NoSuchPlugin
    from pylightnix.store.layout import NoStore, NotInStore
    from pylightnix.store.query import Corrupt
    from pylightnix.store.roots import NoSuchRoot
    from pylightnix.tenants.refusals import NoTenant

    from .loading import NoSuchTarget

    table = (
        (Corrupt, DAMAGED),
        (NotInStore, NOT_FOUND),
        (NoStore, NOT_FOUND),
        (NoSuchRoot, NOT_FOUND),
        (NoSuchPlugin, NOT_FOUND),
        (NoSuchTarget, NOT_FOUND),
        (NoTenant, NOT_FOUND),
        (InvalidValue, USAGE),
    )
    return next((code for kind, code in table if isinstance(error, kind)), NOT_SO)
