"""A tenant: a folder, roots in the store, a quota, and a view of what the roots reach."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import Any

from pylightnix.api import listeners
from pylightnix.api.ambient import resolved
from pylightnix.api.stage import instantiate, realize
from pylightnix.core.given import path_text
from pylightnix.core.refs import RRef, rref2dref
from pylightnix.engine.events import Event
from pylightnix.engine.listening import ignore
from pylightnix.pods.agentfile import agent
from pylightnix.sandbox.policy import Policy
from pylightnix.sandbox.start import usable
from pylightnix.store import roots
from pylightnix.store.layout import Store, rref_path

from . import records, settings
from .installing import install
from .job import Job, Runs
from .kept import adopt, forget, hold
from .naming import module_file
from .output import Listener
from .packages import found_in, installed_in, packages_of, unmet
from .place import MODULES, Place, existing, founded, locked, places, quota
from .quota import Quota
from .records import Record
from .refusals import InvalidTenant, NotInstalled
from .run import Plan
from .settings import ALWAYS, Settings
from .source import modules
from .upload import upload

Path = str | os.PathLike[str]
ROOT = "tenants"


class Tenant:
    """A user of a platform: code of its own, packages of its own, within limits.

    Made by `create` and `open`. Its folder has `usermodules/` (its code), `scratch/` (its files),
    `runs/` (records and logs) and `tenant.toml`.
    """

    def __init__(self, place: Place) -> None:
        self._place = place

    @staticmethod
    def create(
        name: str,
        root: Path = ROOT,
        packages: Iterable[str] = (),
        policy: Policy | None = None,
        quota_bytes: int | None = None,
        find_links: settings.Links = (),
        *,
        store: Store | None = None,
    ) -> Tenant:
        """Make a tenant; nothing is installed yet.

        Args:
            name: 1 to 64 characters of `[A-Za-z0-9_-]`, the first a letter or a digit.
            root: the folder of all tenants; made if it is not there.
            packages: requirements, as `pandas<3`.
            policy: what its code may see and use; by default no network, and no file but its own.
            quota_bytes: what it may have in all; None for any number.
            find_links: folders of wheels; if there are any, nothing else is asked.
            store: for its environment and its code; by default the current one.

        Raises:
            InvalidTenant: an argument is not what it should be.
            TenantExists: there is one of that name.

        Effects: makes a folder.
        """
        made = Settings(name, packages, policy or Policy(), quota_bytes, find_links)
        return Tenant(founded(_absolute(root), made, resolved(store)))

    @staticmethod
    def open(name: str, root: Path = ROOT, *, store: Store | None = None) -> Tenant:
        """Open a tenant that is there.

        Args:
            name: of the tenant.
            root: the folder of all tenants.
            store: that its roots are in; by default the current one.

        Raises:
            InvalidTenant: the name cannot be one.
            NoTenant: there is none; those there are are listed.
        """
        return Tenant(existing(_absolute(root), name, resolved(store)))

    @staticmethod
    def list(root: Path = ROOT, *, store: Store | None = None) -> tuple[Tenant, ...]:
        """Give the tenants of a folder, sorted by name.

        Args:
            root: the folder of all tenants.
            store: that their roots are in; by default the current one.
        """
        return tuple(map(Tenant, places(_absolute(root), resolved(store))))

    @property
    def name(self) -> str:
        """Its name."""
        return self._place.name

    @property
    def folder(self) -> str:
        """The absolute path of its folder."""
        return self._place.folder

    @property
    def settings(self) -> Settings:
        """What `tenant.toml` says, as it is now."""
        return settings.read(self._place.settings_file)

    def change(self, **fields: Any) -> None:
        """Change what was given to `create`: `packages`, `policy`, `quota_bytes`, `find_links`.

        Raises:
            InvalidTenant: a value is not what it should be.
            TypeError: there is no such field.
        """
        with locked(self._place):
            settings.write(replace(self.settings, **fields), self._place.settings_file)

    def platform(self) -> dict[str, str]:
        """Tell which packages the platform has, which no tenant sees: name -> version."""
        return installed_in()

    def installed(self) -> dict[str, str]:
        """Tell which packages its environment has: normalized name -> version."""
        return installed_in(self._packages())

    def missing(self) -> tuple[str, ...]:
        """Tell which requirements are not met: of its packages, and of what these need in turn.

        Markers and extras count. Sorted.
        """
        wanted = settings.requirements(self.settings.packages)
        return tuple(unmet(wanted, found_in(self._packages())))

    def _packages(self) -> Sequence[str]:
        env = self._place.roots().get("env")
        return packages_of(rref_path(self._place.store, RRef(env))) if env else ()

    def install(self, progress: bool | Callable[[Event], object] = False) -> RRef:
        """Install its packages, as an environment in the store.

        Tenants with equal locks share it. What the requirements meant when they were installed
        first is kept, until they are others. Only wheels are taken: to build a package would run
        its author's code on the platform.

        Args:
            progress: whether to show what happens on standard error; or who is told of it.

        Returns:
            The environment.

        Raises:
            InstallFailed: no set of packages meets the requirements, or it could not be installed;
                it says why, in words that a user may see. It is a `BuildFailed`.
            QuotaExceeded: it takes more than the tenant may have. It was not put into the store;
                what was installed before stays.

        Effects: builds in the store; makes it a root of the tenant once it is known to fit.
        """
        listen: Any = listeners.progress() if progress is True else progress
        return install(self._place, listen or ignore)

    def write(
        self, path: Path, data: str | bytes | bytearray | memoryview, into: str = MODULES
    ) -> None:
        """Write a file that a user brings: a module, or something for its scratch.

        It is there whole or not at all, in the place of the one before; who loads modules meanwhile
        has the one or the other.

        Args:
            path: relative, of plain names, as `job.py` or `tools/job.py`; folders are made.
            data: its contents; text is written as UTF-8.
            into: `usermodules` or `scratch`.

        Raises:
            InvalidTenant: the path could lead elsewhere, or a link or a folder is in its way;
                nothing was touched.
            QuotaExceeded: the tenant would have too much; nothing was touched.

        Effects: writes in the tenant's folder.
        """
        upload(self._place, path, data, into)

    def load(self, file: Path, *, at_once: int = 4, on_output: Listener | None = None) -> Job:
        """Load a file of its `usermodules`: put these into the store, and see what it offers.

        Args:
            file: relative to `usermodules`, as `job.py`.
            at_once: how many calls run at the same time; more than that wait.
            on_output: called with what identifies a run and each piece of what it prints, as
                bytes, while it runs, from a thread of the run's own; and with nothing when a call
                begins, from the thread that makes it. The run's log grows likewise.

        Returns:
            A context manager whose attributes are the functions of the file. Each call is a run: a
            process of its own that sees its modules and packages, read-only, and its scratch.

        Raises:
            InvalidTenant: the file is none of its modules, or a link is among these.
            NotInstalled: its packages are not all there.
            QuotaExceeded: its modules take more than it may have.
            SandboxUnavailable: its policy cannot be enforced here.
            RunFailed, RunStopped: the file cannot be imported.

        Effects: starts a process, which makes the first call.
        """
        place, told = self._place, self.settings
        path = module_file(file)
        policy = replace(told.policy, require=frozenset(told.policy.require) | ALWAYS)
        usable(policy)
        env = self._environment()
        with ExitStack() as held:
            # Until the job is closed not even this process may take them away: by then the tenant's
            # roots may lead to other modules.
            source = self._held_modules(held)
            served = realize(instantiate(agent, store=place.store))
            hold(place.store, held, [env, served])
            if not os.path.isfile(f"{rref_path(place.store, source)}/{path}"):
                raise InvalidTenant(
                    "the file of a job", path, "there is no such file in usermodules"
                )
            before = adopt(place, {"source": source}, f"loading {path}").get("source", source)
            if before != source:
                forget(place.store, rref2dref(RRef(before)))
            plan = Plan(place, policy, told.quota_bytes, path, source, env, served, on_output)
            return Job(Runs(plan, at_once, held.pop_all()), path)

    def _held_modules(self, held: ExitStack) -> RRef:
        """Put its modules into the store, as they are at one moment, and keep them for now."""
        place = self._place
        with locked(place, shared=True):  # nobody writes meanwhile
            closure = instantiate(partial(modules, place.modules), store=place.store)
            held.callback(forget, place.store, closure.targets[0])
            hold(place.store, held, closure.targets)
            return realize(closure)

    def _environment(self) -> RRef:
        missing = self.missing()
        if missing:
            raise NotInstalled(self.name, missing)
        env = self._place.roots().get("env")
        return RRef(env) if env else self.install()

    def log(self, last: int | None = None) -> tuple[Record, ...]:
        """Give the records of its runs, those under way included, the oldest first.

        Args:
            last: only as many, the youngest.
        """
        return records.read_all(self._place.runs, last)

    def quota(self) -> Quota:
        """Tell what it uses, of what it may have: all that its roots reach, and its scratch."""
        return quota(self._place, self.settings.quota_bytes)

    def delete(self) -> None:
        """Delete its folder and its roots; what nobody else needs goes at the next `gc`.

        Effects: as it says. Runs that are under way leave nothing.
        """
        place = self._place
        aside = f"{place.root}/.gone-{os.urandom(8).hex()}"
        with locked(place):
            for word in place.roots():
                with suppress(roots.NoSuchRoot):
                    roots.remove_root(place.store, place.root_name(word))
            os.rename(place.folder, aside)
        shutil.rmtree(aside)

    def __repr__(self) -> str:
        return f"<tenant {self.name} in {self._place.root}>"


def _absolute(root: Path) -> str:
    return os.path.abspath(path_text("the folder of all tenants", root))
