"""What a platform wants of its users' code: five demands, met by two users side by side."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pylightnix import Store, gc, gcroots
from pylightnix.sandbox import Policy
from pylightnix.tenants import (
    NotInstalled,
    QuotaExceeded,
    RunFailed,
    RunStopped,
    RunTimeout,
    Tenant,
)
from sandboxes import needs_tenants
from stages_for_tests import all_faults
from wheels_for_tests import greetings

SOURCE = '''
import os, signal, socket, sys, time


def version():
    import greet

    print("found", greet.VERSION)
    return greet.VERSION


def ticks(count):
    for number in range(count):
        print("tick", number, flush=True)
        time.sleep(0.05)
        yield number


def keep(text):
    with open("kept", "w") as file:
        file.write(text)


def chatter():
    for _ in range(20_000):
        print("x" * 99)


def fail():
    raise LookupError("gone")


def spin():
    while True:
        pass


def eat():
    return len(bytearray(1 << 30))


def fill():
    with open("big", "wb", buffering=0) as file:
        for _ in range(64):
            file.write(bytes(1 << 20))


def look(paths):
    seen = []
    for path in paths:
        for read in (os.listdir, open):
            try:
                read(path)
                seen.append(path)
            except OSError:
                pass
    return seen


def environment():
    found = [str(dict(os.environ))]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            found.append(open(f"/proc/{pid}/environ").read())
        except OSError:
            pass
    return " ".join(found)


def strike(pid):
    """End whatever can be ended."""
    for target in (pid, os.getppid()):
        try:
            os.kill(target, signal.SIGKILL)
        except OSError:
            pass
    return "struck"


def call_home(port):
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return "connected"
'''


class Platform:
    """Two users, of whom each has another version of one package."""

    def __init__(self, base: Path, store: Store) -> None:
        self.store, self.root = store, base / "tenants"
        self.wheels = greetings(base / "wheels")
        self.ann, self.ben = self.user("ann", "greet<2"), self.user("ben", "greet>=2")

    def user(self, name: str, *packages: str) -> Tenant:
        made = Tenant.create(
            name,
            self.root,
            packages,
            Policy(memory_bytes=256 << 20, wall_s=10, cpu_s=2),
            8 << 20,
            self.wheels,
            store=self.store,
        )
        Path(made.folder, "usermodules/job.py").write_text(SOURCE)
        return made


@pytest.fixture
def platform(tmp_path: Path, store: Store) -> Platform:
    needs_tenants()
    made = Platform(tmp_path, store)
    made.ann.install()
    made.ben.install()
    return made


@contextmanager
def undisturbed(platform: Platform) -> Iterator[None]:
    """Nothing of this process changes, and the other user's code works before and after."""

    def state() -> tuple[Any, ...]:
        return dict(os.environ), os.getcwd(), list(sys.path), threading.active_count()

    before = state()
    yield
    with platform.ann.load("job.py") as job:
        assert job.version() == "1.0"
    assert state() == before
    assert find_spec("greet") is None
    assert all_faults(platform.store) == []


def test_it_is_known_what_is_missing_and_a_program_installs_it(
    tmp_path: Path, store: Store
) -> None:
    needs_tenants()
    platform = Platform(tmp_path, store)
    for user, wanted, version in (
        (platform.ann, "greet<2", "1.0"),
        (platform.ben, "greet>=2", "2.0"),
    ):
        assert "pytest" in user.platform()
        assert (user.installed(), user.missing()) == ({}, (wanted,))
        with pytest.raises(NotInstalled, match=wanted):
            user.load("job.py")
        user.install()
        assert (user.installed(), user.missing()) == ({"greet": version}, ())
        with user.load("job.py") as job:
            assert job.version() == version
        (run,) = user.log()
        assert (run.function, run.state, run.text()) == ("version", "done", f"found {version}\n")


def test_two_users_run_at_once(platform: Platform) -> None:
    with platform.ann.load("job.py") as hers, platform.ben.load("job.py") as his:
        one, other = hers.ticks(20), his.ticks(20)
        taken = [next(one), next(other), next(one), next(other)]  # neither waits for the other
        assert taken == [0, 0, 1, 1]
        assert [run.state for user in (platform.ann, platform.ben) for run in user.log(1)] == [
            "running"
        ] * 2
        assert "tick 0\n" in platform.ann.log(1)[0].text()  # which grows while it runs
        assert (list(one), list(other)) == ([*range(2, 20)], [*range(2, 20)])


Ends = type[Exception] | tuple[type[Exception], ...]


@pytest.mark.parametrize(
    ("function", "ends", "text"),
    [
        ("fail", RunFailed, "LookupError: gone"),
        ("spin", RunStopped, "cpu_s|wall_s"),
        ("eat", (RunFailed, RunStopped), "memory|MemoryError"),
        ("fill", QuotaExceeded, "scratch"),
    ],
)
def test_what_goes_wrong_stays_with_its_user(
    function: str, ends: Ends, text: str, platform: Platform
) -> None:
    with undisturbed(platform), platform.ben.load("job.py") as job:
        with pytest.raises(ends, match=text) as caught:
            getattr(job, function)()
        assert str(platform.root.parent) not in f"{caught.value}{vars(caught.value)}"
        assert job.version() == "2.0"
    assert platform.ben.log()[0].state in ("raised", "stopped", "refused")


def test_who_takes_too_long_is_stopped(platform: Platform) -> None:
    platform.ben.change(policy=Policy(wall_s=0.5))
    with undisturbed(platform), platform.ben.load("job.py") as job, pytest.raises(RunTimeout):
        job.spin()


def test_of_much_that_is_printed_the_beginning_is_kept(platform: Platform) -> None:
    with undisturbed(platform), platform.ben.load("job.py") as job:
        job.chatter()
    text = platform.ben.log(1)[0].text()
    assert len(text) < 300_000 and text.startswith("x" * 99) and "log is full" in text


def test_nothing_of_others_is_there(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setenv("PLATFORM_SECRET", "hidden")
    with platform.ann.load("job.py") as job:
        job.keep("a secret of hers")
    base = platform.root.parent
    paths = [*map(str, base.rglob("*")), str(base), os.path.expanduser("~/.profile"), "/etc/shadow"]
    assert f"{platform.ann.folder}/scratch/kept" in paths
    with undisturbed(platform), platform.ben.load("job.py") as job:
        assert job.look(paths) == []
        assert "hidden" not in job.environment()
        assert "HOME=/scratch" in job.environment()


def struck(job: Any) -> None:
    with suppress(RunStopped):  # where it hit itself
        assert job.strike(os.getpid()) == "struck"


def refused(job: Any) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(RunFailed, match=r"OSError|Refused|unreachable"),
    ):
        job.call_home(server.getsockname()[1])


@pytest.mark.parametrize("attempt", [struck, refused], ids=lambda attempt: attempt.__name__)
def test_no_process_or_service_of_the_platform_can_be_reached(
    attempt: Callable[[Any], None], platform: Platform
) -> None:
    with undisturbed(platform), platform.ben.load("job.py") as job:
        attempt(job)


def test_who_leaves_leaves_nothing(platform: Platform) -> None:
    with platform.ben.load("job.py") as job:
        job.keep("text")
    platform.ben.delete()
    assert os.listdir(platform.root) == ["ann"]
    assert not [name for name in gcroots(store=platform.store) if "ben" in name]
    gc(grace_s=0, store=platform.store)
    with platform.ann.load("job.py") as job:
        assert job.version() == "1.0"
