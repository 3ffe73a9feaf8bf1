"""What `%load_ext pylightnix` does: magics, and completion of references."""

from __future__ import annotations

from typing import Any

from pylightnix.api.given import Force

from .cells import cell_source
from .words import UsageError, Word, parse

NAME = "pylightnix"
HELP = {
    "realize": "%realize STAGE [k=v ...] [-jN] [--force] [--keep-going] [--plan]: "
    "find or build it; gives its RRef, or what `realize_context` gives of several",
    "lsref": "%lsref [REF]: what is in a realization, or which realizations a derivation has; "
    "without REF, what is in the store",
    "why": "%why REF | STAGE [k=v ...]: why it was, or would be, built",
    "stage": "%%stage NAME [k=v ...]: the cell becomes the builder of a stage NAME; it puts its "
    "artifacts into the folder `out`, and has k, ... as variables; v may be a stage",
}


class Text(str):
    """A text that is shown as it is, and not as Python would write it down."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Magics:
    """The magics of one shell; a stateful handle, for it knows the shell's variables."""

    def __init__(self, shell: Any) -> None:
        self.shell = shell

    def realize(self, line: str) -> Any:
        """Realize a stage."""
        from pylightnix import progress
        from pylightnix.api.foresight import plan
        from pylightnix.api.stage import realize_context

        word = parse(line, self.shell.user_ns, HELP["realize"])
        closure = self._closure(word)
        force: Force = True if word.has("force") else ()
        if word.has("plan"):
            return plan(closure, force)
        return realize_context(
            closure,
            force,
            jobs=word.jobs,
            keep_going=word.has("keep-going"),
            on_event=progress(),
        )[0]

    def lsref(self, line: str) -> Any:
        """List what is in an object, or in the store."""
        from pylightnix.api.bashlike import lsref
        from pylightnix.api.look import store_drefs

        if not line.strip():
            return store_drefs()
        return lsref(self._ref(parse(line, self.shell.user_ns, HELP["lsref"])))

    def why(self, line: str) -> Text:
        """Tell why something was or would be built."""
        from pylightnix.api.foresight import why

        word = parse(line, self.shell.user_ns, HELP["why"])
        return Text(why(self._closure(word) if callable(word.value) else self._ref(word)))

    def stage(self, line: str, cell: str) -> None:
        """Make a stage of a cell."""
        source = cell_source(line, self.shell.transform_cell(cell), self.shell.user_ns)
        self.shell.run_cell(source, silent=True).raise_error()

    def _closure(self, word: Word) -> Any:
        from pylightnix.api.stage import instantiate
        from pylightnix.engine.closure import Closure

        if isinstance(word.value, Closure):
            return word.value
        if not callable(word.value):
            raise UsageError(word.text, "is not a stage that is defined here")
        return instantiate(word.value, **word.arguments)

    def _ref(self, word: Word) -> str:
        """A reference, name or prefix: what a variable holds, otherwise the text itself."""
        value = getattr(word.value, "rref", word.value)
        return value if isinstance(value, str) else word.text


def load_ipython_extension(ipython: Any) -> None:
    """Add the magics `%realize`, `%lsref`, `%why`, `%%stage`, and the completion of references.

    IPython calls it for `%load_ext pylightnix`.

    Args:
        ipython: the shell.
    """
    from .completion import matcher

    magics = Magics(ipython)
    for name in ("realize", "lsref", "why"):
        function = _told(getattr(magics, name), HELP[name])
        ipython.register_magic_function(function, "line", name)
    ipython.register_magic_function(_told(magics.stage, HELP["stage"]), "cell", "stage")
    unload_ipython_extension(ipython, magics=False)
    ipython.Completer.custom_matchers.append(matcher())


def unload_ipython_extension(ipython: Any, magics: bool = True) -> None:
    """Take them away again; IPython calls it for `%unload_ext pylightnix`."""
    matchers = ipython.Completer.custom_matchers
    matchers[:] = [
        one for one in matchers if getattr(one, "matcher_identifier", "") != "pylightnix"
    ]
    known = ipython.magics_manager.magics
    for name in HELP if magics else ():
        known["cell" if name == "stage" else "line"].pop(name, None)


def _told(function: Any, help_: str) -> Any:
    """Say what is wrong in a line, as IPython does of its own magics, and not by a traceback."""
    from IPython.core.error import UsageError as Usage

    def call(*args: str) -> Any:
        try:
            return function(*args)
        except UsageError as error:
            raise Usage(f"{error}\nusage: {help_}") from None

    call.__doc__ = help_
    return call
