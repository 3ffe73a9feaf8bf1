"""What can be wrong with modules that a piece of code has for itself."""

from __future__ import annotations

from pylightnix.core.errors import PylightnixError

# What native code says that finds itself in the process already.
_TWICE = "more than once per process"


class NativeModule(PylightnixError, ImportError):
    """Native code does not work as private modules do: most of it loads once in a process."""

    def __init__(self, module: str, file: str, why: str) -> None:
        super().__init__(module, file, why)
        self.module, self.file, self.why = module, file, why

    def __str__(self) -> str:
        return (
            f"the module {self.module} ({self.file}) has native code that cannot be loaded apart "
            f"from the rest of this process ({self.why}): use a pod for what needs it"
        )


def native_cause(error: BaseException) -> NativeModule | None:
    """Find, in what an error came of, native code that did not load.

    Packages catch the `ImportError` of their native part, and raise another one with advice.
    """
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        if isinstance(each, NativeModule):
            return each
        seen.add(id(each))
        each = each.__cause__ or each.__context__
    return None


def raise_native(error: BaseException, full: str, file: str) -> None:
    """Raise what native code said, whatever its package made of it."""
    if isinstance(error, NativeModule) or not isinstance(error, ImportError):
        return
    cause = native_cause(error)
    if cause is not None:
        raise NativeModule(cause.module, cause.file, cause.why) from error
    if _TWICE in str(error):
        raise NativeModule(full, file, str(error)) from error
