"""What each sandbox of this machine denies and holds, as findings of the doctor and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from pylightnix.core.errors import PylightnixError
from pylightnix.pods.failures import NoExtra
from pylightnix.pods.hostile import SET, PodTried, try_pods
from pylightnix.sandbox.capabilities import Capabilities, probe
from pylightnix.sandbox.policy import BACKENDS
from pylightnix.sandbox.trials import TRIALS, Tried, try_all
from pylightnix.store.doctor import Finding

from .text import columns

CHECK, PODS = "sandbox", "pods"
NEEDED = frozenset({"fs", "net", "pid", "memory", "pids"})


def tried() -> tuple[Capabilities, dict[str, tuple[Tried, ...]]]:
    """Try in every sandbox that is there what it should deny; harmless, see `hostile`."""
    found = probe()
    with ThreadPoolExecutor(len(BACKENDS)) as pool:
        futures = {name: pool.submit(try_all, name) for name in found.backends}
        return found, {name: future.result() for name, future in futures.items()}


def tried_pods(backends: Iterable[str]) -> dict[str, tuple[PodTried, ...]]:
    """Open a pod that means harm in each of some sandboxes."""
    with ThreadPoolExecutor(len(BACKENDS)) as pool:
        futures = {name: pool.submit(try_pods, name) for name in backends}
        return {name: future.result() for name, future in futures.items()}


def findings() -> tuple[list[Finding], list[str]]:
    """Give a finding for each back-end, and the lines of both tables."""
    try:
        found, outcomes = tried()
    except (OSError, PylightnixError) as error:
        return [Finding(CHECK, False, f"sandboxes could not be tried: {error}")], []
    told = [_finding(name, found, outcomes.get(name)) for name in BACKENDS]
    more, table = _of_pods([name for name in found.backends if found.enforces[name] >= NEEDED])
    return [*told, *more], [*_table(found, outcomes), *table]


def _of_pods(backends: Sequence[str]) -> tuple[list[Finding], list[str]]:
    """What pods that mean harm came to, in each sandbox that should hold them."""
    try:
        outcomes = tried_pods(backends)
    except NoExtra as error:
        return [Finding(PODS, True, f"hostile pods were not tried: {error}")], []
    except (OSError, PylightnixError) as error:
        return [Finding(PODS, False, f"hostile pods could not be tried: {error}")], []
    told = []
    for name, tried in outcomes.items():
        loose = [one.name for one in tried if not one.held]
        text = f"{name} held {len(tried) - len(loose)} of {len(tried)} hostile pods"
        told.append(Finding(PODS, not loose, f"{text}; not {', '.join(loose)}" if loose else text))
    rows = [("pod", *outcomes)]
    for number, name in enumerate(SET if outcomes else ()):
        rows.append((name, *(_held(tried[number]) for tried in outcomes.values())))
    return told, columns(rows) if outcomes else []


def _held(one: PodTried) -> str:
    return f"{'held' if one.held else 'NOT held'} ({one.came})"


def _finding(name: str, found: Capabilities, tried: tuple[Tried, ...] | None) -> Finding:
    if tried is None:
        return Finding(CHECK, True, f"{name} is not to be had: {found.reasons[name]}")
    denied = sum(one.denied for one in tried)
    text = f"{name} denied {denied} of {len(tried)} attempts"
    words = found.enforces[name]
    broken = [one.name for one in tried if not one.denied and TRIALS[one.name] in words]
    if broken:
        return Finding(CHECK, False, f"{text}, and should have denied {', '.join(broken)} too")
    return Finding(CHECK, True, text)


def _table(found: Capabilities, outcomes: dict[str, tuple[Tried, ...]]) -> list[str]:
    """A row for each attempt, a column for each back-end."""
    if not outcomes:
        return []
    rows = [("attempt", *outcomes)]
    for number, name in enumerate(TRIALS):
        rows.append((name, *(_cell(tried[number]) for tried in outcomes.values())))
    limits = ", ".join(f"{name}: {found.limits[name]}" for name in sorted(found.limits))
    return [*columns(rows), f"limits by {limits}"]


def _cell(one: Tried) -> str:
    return f"denied ({one.detail})" if one.denied else "allowed"
