"""What a pod offers: its source imported, its functions found and described inside of it.

Part of the agent's file.
"""

from __future__ import annotations

import sys

from .documents import decode, encode
from .tongue import flatten, revive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FunctionType, ModuleType
    from typing import Any

GENERATOR = 0x20  # a bit of a code object's flags


def load(source: str, name: str, file: str) -> ModuleType:
    """Import `pod.py` as `pods.<name>.pod`, beside which its helper modules can be found.

    Another file is a module of the source folder, by the name that it has there.
    """
    import importlib.util
    from types import ModuleType

    sys.path.insert(0, source)
    for package, place in (("pods", []), (f"pods.{name}", [source])):
        made = ModuleType(package)
        made.__path__ = place
        sys.modules[package] = made
    lend_listener()
    full = f"pods.{name}.pod" if file == "pod.py" else file[:-3].replace("/", ".")
    if "." in full and file != "pod.py":
        __import__(full.rpartition(".")[0])
    spec = importlib.util.spec_from_file_location(full, f"{source}/{file}")
    if spec is None or spec.loader is None:
        raise ImportError(f"{source}/{file} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[full] = module
    spec.loader.exec_module(module)
    return module


class PodListener:
    """What an older pod.py talks to when it is run as a script: one call, one answer."""

    def read_stdin(self) -> dict[str, Any] | None:
        data = sys.stdin.buffer.read()
        return revive(decode(data), None) if data else None

    def write_stdout(self, response: Any) -> None:
        sys.stdout.buffer.write(encode({"response": flatten(response, None)}))

    def write_stderr(self, error: str) -> None:
        sys.stderr.buffer.write(encode({"error": str(error)}))


def lend_listener() -> None:
    """Let `from pypods.pods import PodListener` work."""
    from types import ModuleType

    package, module = ModuleType("pypods"), ModuleType("pypods.pods")
    package.__path__ = []
    package.pods = module  # type: ignore[attr-defined]
    module.PodListener = PodListener  # type: ignore[attr-defined]
    sys.modules.setdefault("pypods", package)
    sys.modules.setdefault("pypods.pods", module)


def offered(module: ModuleType) -> dict[str, Any]:
    """The functions in a module's global scope; those that `__all__` names, if it has one."""
    names = getattr(module, "__all__", None)
    if names is not None:
        return {name: getattr(module, name) for name in names}
    kind = type(offered)
    found = {name: item for name, item in vars(module).items() if type(item) is kind}
    return {name: item for name, item in found.items() if not name.startswith("_")}


def shape(function: Any) -> dict[str, Any]:
    """What a function is called with, and what it says of itself."""
    inner: FunctionType = function
    while hasattr(inner, "__wrapped__"):
        inner = inner.__wrapped__
    code = getattr(inner, "__code__", None)
    about = {"doc": getattr(function, "__doc__", None), "params": None, "streams": False}
    if code is None:
        return about
    about["streams"] = bool(code.co_flags & GENERATOR)
    names, plain = code.co_varnames, code.co_argcount
    hints, defaults = inner.__annotations__, inner.__defaults__ or ()
    only, keywords = plain + code.co_kwonlyargcount, inner.__kwdefaults__ or {}
    first = plain - len(defaults)
    given = {names[first + i]: item for i, item in enumerate(defaults)}
    given.update(keywords)
    kinds = [(n, 0 if i < code.co_posonlyargcount else 1) for i, n in enumerate(names[:plain])]
    end = only
    if code.co_flags & 4:
        kinds.append((names[end], 2))
        end += 1
    kinds += [(n, 3) for n in names[plain:only]]
    if code.co_flags & 8:
        kinds.append((names[end], 4))
    about["params"] = [
        [name, kind, repr(given[name])[:200] if name in given else None, hint(hints, name)]
        for name, kind in kinds
    ]
    about["returns"] = hint(hints, "return")
    return about


def hint(hints: dict[str, Any], name: str) -> str | None:
    """Write an annotation as text."""
    if name not in hints:
        return None
    found = hints[name]
    return found if isinstance(found, str) else getattr(found, "__qualname__", None) or repr(found)
