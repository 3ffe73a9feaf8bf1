"""A tenant's packages, made an environment of the store that is within the quota."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from pylightnix.api.pods import pod_env, pod_lock
from pylightnix.api.stage import instantiate, realize
from pylightnix.core.errors import PodError
from pylightnix.core.refs import DRef, RRef
from pylightnix.engine.build import Build, build_outpath
from pylightnix.engine.events import Listener
from pylightnix.engine.produce import BuildFailed
from pylightnix.engine.registry import Registry, register
from pylightnix.engine.wrapper import Wrapped
from pylightnix.pods.env import EnvFailed
from pylightnix.pods.lock import LOCK, Stage, Unlockable
from pylightnix.store.layout import rref_path

from . import settings
from .kept import adopt, hold
from .place import Place, quota, require_room
from .quota import Quota
from .refusals import InstallFailed, QuotaExceeded
from .settings import Settings
from .words import without_places

_WHAT = "the installation"
# What the store writes of an environment beside its files, at most: for each a line of the
# manifest beside its path, and all else together.
_LINE_BYTES, _REST_BYTES = 128, 1 << 13


def install(place: Place, listen: Listener) -> RRef:
    """Make the environment that a tenant's settings ask for, and its root.

    Raises:
        InstallFailed: there is no such set of packages, or it could not be installed.
        QuotaExceeded: it takes more than the tenant may have; it was not put into the store.
    """
    told = settings.read(place.settings_file)
    links, only = told.find_links, True  # to build a package would run its author's code
    with ExitStack() as held:
        made = partial(_made, place, told, listen, held)
        lock = made(pod_lock(told.packages, None, links, wheels_only=only))
        with open(f"{rref_path(place.store, lock)}/{LOCK}", encoding="utf-8") as file:
            pinned = file.read()
        # By its text: who asked in other words for the same shares it.
        env = pod_env(pinned, None, links, wheels_only=only)
        found = {"lock": lock, "env": made(partial(_fitting, env, place, told, lock))}
        adopt(place, {word: found[word] for word in ("env", "lock")}, _WHAT)
    return found["env"]


def _made(
    place: Place, told: Settings, listen: Listener, held: ExitStack, stage: Callable[..., DRef]
) -> RRef:
    try:
        closure = instantiate(stage, store=place.store)
        hold(place.store, held, closure.targets)
        return realize(closure, on_event=listen)
    except (BuildFailed, PodError, OSError) as error:
        if isinstance(error.__cause__, QuotaExceeded):
            raise error.__cause__ from None
        raise _failed(place, told, error) from error


def _failed(place: Place, told: Settings, error: Exception) -> InstallFailed:
    """Tell what went wrong in the tenant's words; where the platform keeps things is not told."""
    cause = error.__cause__
    said = error.cause if isinstance(error, BuildFailed) else str(error)
    if isinstance(cause, Unlockable | EnvFailed):
        said = cause.words
    places = (place.root, place.store.objects, place.store.var, *settings.folders(told.find_links))
    return InstallFailed(place.name, tuple(told.packages), without_places(said, places))


def _fitting(stage: Stage, place: Place, told: Settings, lock: RRef, *, r: Registry) -> DRef:
    """Have what a stage makes measured before it is in the store, where others could find it."""
    dref = stage(r=r)
    made = r.derivations[dref]
    assert isinstance(made.realizer, Wrapped)  # noqa: S101 - environments are made so
    work = partial(_within, made.realizer.function, place, told, lock)
    return register(r, made.config, made.matcher, Wrapped(work, 1))


def _within(
    make: Callable[[Build], None], place: Place, told: Settings, lock: RRef, b: Build
) -> None:
    try:
        make(b)
        kept = {word: ref for word, ref in place.roots().items() if word != "env"}
        used = quota(place, told.quota_bytes, {**kept, "lock": lock})
        parts = (("env", _stored_bytes(os.fspath(build_outpath(b)))), *used.parts)
        require_room(Quota(told.quota_bytes, parts), place, _WHAT)
    except BaseException:
        # The folder of a failed build is kept; it may be large, and no quota counts it.
        for folder in b.outpaths:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _stored_bytes(folder: str) -> int:
    """Tell what a folder takes in the store, at most."""
    total = _REST_BYTES
    for base, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = f"{base}/{name}"
            total += len(json.dumps(path[len(folder) :])) + _LINE_BYTES
            if name in files or os.path.islink(path):
                total += os.lstat(path).st_size
    return total
