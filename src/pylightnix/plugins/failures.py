"""What can be wrong with a plugin: it is not there, it is there twice, it raises."""

from __future__ import annotations

from pylightnix.core.errors import PluginError

NAMES_LISTED = 30


class NoSuchPlugin(PluginError, ValueError):
    """Nothing that is installed has a plugin of this name."""

    def __init__(self, namespace: str, name: str, had: str = "", known: tuple[str, ...] = ()):
        super().__init__(namespace, name, had, known)
        self.namespace, self.name, self.had, self.known = namespace, name, had, known

    def __str__(self) -> str:
        what = f"there is no plugin {self.name!r} in {self.namespace}"
        if self.had:
            dist = self.had.split(" ")[0]
            return (
                f"{what} any more: the distribution {self.had} had it, which is not installed or "
                f"has dropped it; install it again (pip install {dist})"
            )
        if not self.known:
            return f"{what}, and no other one: install a distribution that has it"
        more = ", ..." if len(self.known) > NAMES_LISTED else ""
        return f"{what}; there are {', '.join(self.known[:NAMES_LISTED])}{more}"


class PluginConflict(PluginError):
    """Several plugins have one name; none of them is taken."""

    def __init__(self, namespace: str, name: str, places: tuple[str, ...]) -> None:
        super().__init__(namespace, name, places)
        self.namespace, self.name, self.places = namespace, name, places

    def __str__(self) -> str:
        return (
            f"there are {len(self.places)} plugins {self.name!r} in {self.namespace}: "
            f"{', '.join(self.places)}. Rename one, uninstall one, or leave one out by a filter on "
            "its value"
        )


class PluginFailed(PluginError):
    """A plugin raised; what it raised is the `__cause__`.

    Attributes:
        state: what it was about to become: resolved, init, or loaded.
        place: its entry point, and the distribution that has it.
        cause: what it raised, in words.
    """

    def __init__(self, namespace: str, name: str, state: str, place: str, cause: str) -> None:
        super().__init__(namespace, name, state, place, cause)
        self.namespace, self.name, self.state = namespace, name, state
        self.place, self.cause = place, cause

    def __str__(self) -> str:
        when = {"resolved": "imported", "init": "created"}.get(self.state, "loaded")
        return (
            f"the plugin {self.name!r} of {self.namespace} ({self.place}) could not be {when}: "
            f"{self.cause}. Mend or uninstall it; `pylightnix plugins doctor` looks all over"
        )


class CannotDiscover(PluginError):
    """Modules could not be read, or not be imported, so plugins in them would be lost."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        super().__init__(modules)
        self.modules = modules

    def __str__(self) -> str:
        listed = "\n  ".join(self.modules)
        return (
            "plugins in these modules would be lost: mend or exclude them, or go on without "
            f"them (--keep-going)\n  {listed}"
        )


def words_of(error: BaseException) -> str:
    """Say in a line what was raised."""
    text = str(error).strip()
    first = text.splitlines()[0] if text else ""
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
