"""Plugins in one fresh process: list names, load one. Prints JSON.

Usage: plugins.py WHO SITE, WHO being `ours`, `stevedore` or `pluggy`; or plugins.py discover SITE.
`one` is without the import of the plugin's own module, which is done before.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module

from pylightnix.plugins import Plugin, discover

GROUP = "bench.plugins"
NAME, MODULE = "p7_3", "bench_7.mod"


def clock(work: Callable[[], object]) -> float:
    start_s = time.perf_counter()
    work()
    return time.perf_counter() - start_s


def imported() -> int:
    return sum(name.startswith("bench_") and name.endswith(".mod") for name in sys.modules)


def measured(
    list_names: Callable[[], int], load_one: Callable[[], object] | None = None
) -> dict[str, float]:
    seconds = clock(lambda: check(list_names()))
    found = {"list": seconds, "imported": float(imported())}
    if load_one is not None:
        import_module(MODULE)
        found["one"] = clock(load_one)
    return found


def check(count: int) -> None:
    if count != 1000:
        raise SystemExit(f"{count} plugins were found")


def ours() -> dict[str, float]:
    start_s = time.perf_counter()
    from pylightnix.plugins import PluginManager

    manager: PluginManager[Plugin] = PluginManager(GROUP)
    taken_s = time.perf_counter() - start_s
    found = measured(lambda: len(manager.list_names()), lambda: manager.load(NAME))
    return {"import": taken_s, **found}


def stevedore() -> dict[str, float]:
    start_s = time.perf_counter()
    manager = import_module("stevedore")
    taken_s = time.perf_counter() - start_s
    found = measured(
        lambda: len(manager.ExtensionManager(GROUP).names()),
        lambda: manager.DriverManager(GROUP, NAME, invoke_on_load=True).driver,
    )
    return {"import": taken_s, **found}


def pluggy() -> dict[str, float]:
    start_s = time.perf_counter()
    room = import_module("pluggy")
    taken_s = time.perf_counter() - start_s
    found = measured(lambda: room.PluginManager(GROUP).load_setuptools_entrypoints(GROUP))
    return {"import": taken_s, **found}


def discovered(site: str) -> dict[str, float]:
    return {"seconds": clock(lambda: check(len(discover(site).entries)))}


def main() -> None:
    """Measure what is asked for."""
    who, site = sys.argv[1:]
    sys.path.insert(0, site)
    found = discovered(site) if who == "discover" else globals()[who]()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
