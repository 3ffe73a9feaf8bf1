"""Names that a package publishes, each loaded when it is first used (PEP 562).

A package calls `lazy` in its `__init__.py`; an `__init__.pyi` beside it says the same to type
checkers, and a test compares both.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def lazy(
    package: str, homes: Mapping[str, str], others: Mapping[str, tuple[str, str]] | None = None
) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Make the three names by which a package publishes what it does not load yet.

    Args:
        package: its `__name__`.
        homes: module below `pylightnix` -> names that it defines, with spaces between.
        others: name -> (module, name there), for what comes from elsewhere or has another name.

    Returns:
        `__getattr__`, `__dir__` and `__all__` of the package, the last in order.
    """
    where = {
        name: (f"pylightnix.{home}", name)
        for home, names in homes.items()
        for name in names.split()
    }
    where.update(others or {})
    published = sorted(where)

    def load(name: str) -> object:
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, attribute = where[name]
        __import__(module)  # the package importlib would take longer to load than some of these
        found: object = getattr(sys.modules[module], attribute)
        setattr(sys.modules[package], name, found)  # asked once
        return found

    return load, lambda: published, published
