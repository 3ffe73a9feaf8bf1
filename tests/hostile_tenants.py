"""What a tenant tries against its platform and its neighbours, and what came of it.

`python tests/hostile_tenants.py` prints the matrix, with `src` and `tests` on the path.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pylightnix import Store
from pylightnix.sandbox import hostile
from pylightnix.sandbox.policy import Policy
from pylightnix.sandbox.trials import TRIALS, World, policy_for, tried
from pylightnix.tenants import Job, QuotaExceeded, RunFailed, RunStopped, Tenant

BACKENDS = ("bubblewrap", "unshare")
QUOTA_BYTES = 2 << 20
SECRET = "the-other-tenants-secret"

# Each bounds itself: in how much it writes, and in how long it looks.
SOURCE = '''
import os, stat, sys


def attack(*words):
    """The twelve attempts that every sandbox is tried with."""
    import hostile

    sys.argv[1:] = words
    hostile.main()


def look(paths):
    """Read files and list folders; gives what could be."""
    seen = []
    for path in paths:
        for attempt in (lambda: os.listdir(path), lambda: open(path, "rb").read()):
            try:
                attempt()
            except OSError:
                continue
            seen.append(path)
    return seen


def climb():
    """Every way up from the scratch, and from what processes are seen by."""
    seen = []
    for way in ("..", "../..", "../../usermodules", "/proc/1/root", "/proc/1/cwd", "/root"):
        try:
            seen += os.listdir(way)
        except OSError:
            pass
    return seen


def packages_beside():
    """Packages that are not in the tenant's own environment."""
    import glob

    tops = ["/usr", "/usr/local", sys.base_prefix]
    return [path for top in tops for path in glob.glob(f"{top}/lib/python3*/*-packages/*")]


def environments():
    """All variables that can be read, of any process."""
    found = ["=".join(pair) for pair in os.environ.items()]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            found.append(open(f"/proc/{pid}/environ").read())
        except OSError:
            pass
    return "\\n".join(found)


def put(paths):
    """Write to files; gives those that could be."""
    done = []
    for path in paths:
        for flags in (os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_TRUNC):
            try:
                fd = os.open(path, flags)
                os.write(fd, b"x")
                os.close(fd)
            except OSError:
                continue
            done.append(path)
    return done


def fill():
    with open("big", "wb", buffering=0) as file:
        for _ in range(64):
            file.write(b"x" * (1 << 18))


def fill_quietly():
    try:
        fill()
    except OSError:
        return os.stat("big").st_size


def fill_with_many():
    for number in range(64):
        with open(f"part{number}", "wb") as file:
            file.write(b"x" * (1 << 18))


def fill_unseen():
    """Files that have no name any more still take room."""
    held = []
    for number in range(64):
        held.append(open("unseen", "w+b", buffering=0))
        os.unlink("unseen")
        held[-1].write(b"x" * (1 << 18))


def fill_sparse():
    with open("hole", "wb") as file:
        file.truncate(1 << 40)


def fill_names():
    for number in range(60_000):
        os.close(os.open(f"n{number}", os.O_CREAT | os.O_WRONLY))


def print_much():
    for _ in range(64):
        os.write(1, b"x" * (1 << 16))


def forget():
    """Take back what was printed, through any descriptor."""
    print("guilty", flush=True)
    for fd in range(64):
        try:
            os.ftruncate(fd, 0)
        except OSError:
            pass


def plant(target):
    """Leave links, for whoever reads this folder from outside."""
    os.symlink(target, "link")
    os.symlink("..", "up")
    os.link(os.path.join(os.getcwd(), "plain"), "second") if os.path.exists("plain") else None
    os.mkfifo("pipe")
    os.mkdir("folder")
    os.symlink(target, "folder/link")
    return sorted(os.listdir("."))


def stay(token):
    """Leave a process behind that goes on."""
    import time

    open(token, "w").close()
    if os.fork() == 0:
        os.setsid()
        time.sleep(30)
        open("late", "w").close()
        os._exit(0)


def names():
    """Names that are odd, and some that no file can have."""
    made = []
    for name in ("a\\nb", "\\u202e.py", "..x", "-rf", "x" * 255, "a\\\\b"):
        open(name, "w").close()
        made.append(name)
    return made


def wait(path, limit_s=20.0):
    """Stay until a file of this name is in the scratch that we have."""
    import time

    time.sleep(limit_s)
'''


@dataclass(frozen=True)
class Outcome:
    """What came of one attempt."""

    denied: bool
    detail: str


class Arena:
    """Two tenants side by side: one attacks, the other has something to lose."""

    def __init__(self, base: Path, backend: str, store: Store) -> None:
        policy = Policy(memory_bytes=256 << 20, wall_s=20.0, backend=backend)
        self.backend, self.store = backend, store
        root = base / "tenants"
        mine = {"root": root, "quota_bytes": QUOTA_BYTES, "store": store}
        self.attacker = Tenant.create("attacker", policy=policy, **mine)  # type: ignore[arg-type]
        rich = Policy(memory_bytes=256 << 20, env={"SECRET": SECRET}, backend=backend)
        self.victim = Tenant.create("victim", policy=rich, **mine)  # type: ignore[arg-type]
        for one in (self.attacker, self.victim):
            (Path(one.folder) / "usermodules/job.py").write_text(SOURCE)
        text = Path(hostile.__file__).read_text(encoding="utf-8")
        (Path(self.attacker.folder) / "usermodules/hostile.py").write_text(text)
        (Path(self.victim.folder) / "scratch/results").write_text(SECRET)
        (Path(self.victim.folder) / "usermodules/only_theirs.py").write_text(f"x = '{SECRET}'\n")

    def loaded(self) -> Job:
        return self.attacker.load("job.py")

    def losses(self) -> list[str]:
        """Every path of the victim, and of what the platform has."""
        folder = Path(self.victim.folder)
        inside = [str(path) for path in (folder, *folder.rglob("*"))]
        return [*inside, self.store.objects, self.store.var, str(folder.parent)]


def twelve(arena: Arena) -> Iterator[tuple[str, Outcome]]:
    """The hostile set of sandboxes, as the code of a tenant."""
    from dataclasses import replace

    limits = replace(policy_for(arena.backend), require=frozenset({"fs", "net", "pid"}))
    arena.attacker.change(policy=limits)

    def run(world: World) -> tuple[list[str], int]:
        with arena.loaded() as job:
            job.attack(*world.words("/scratch"))
        return arena.attacker.log(1)[-1].text().splitlines(), 0

    for one in tried(run):
        yield one.name, Outcome(one.denied, one.detail)


def neighbours(arena: Arena) -> Iterator[tuple[str, Outcome]]:
    """What one tenant could want of another one."""
    with arena.victim.load("job.py") as theirs, arena.loaded() as job:
        busy = theirs.wait.submit("x", 3.0)
        seen = job.look(arena.losses())
        yield "folder of another", _none(seen)
        theirs_alone = {"victim", "attacker", "tenant.toml", "results", "store-v1"}
        yield "ways up", _none([name for name in job.climb() if name in theirs_alone])
        told = job.environments()
        yield "variables of another", Outcome(SECRET not in told, "not among those to be seen")
        target = [f"{arena.victim.folder}/scratch/planted", *arena.losses()]
        yield "quota of another", _none(job.put(target))
        yield "packages of the platform", _none(job.packages_beside())
        shared = ["/env/pyvenv.cfg", "/env/lib/planted.pth", "/code/job.py", "/agent/agent.py"]
        yield "packages of all", _none(job.put(shared))
        busy.result()
    kept = Path(arena.victim.folder, "scratch/results").read_text()
    yield "results of another", Outcome(kept == SECRET and "results" not in str(seen), "unchanged")


def _none(found: list[str]) -> Outcome:
    return Outcome(not found, ", ".join(found) or "nothing")


def fillings(arena: Arena) -> Iterator[tuple[str, Outcome]]:
    """Ways to have more than the quota: how much of it is on the disk afterwards."""
    for name in ("fill", "fill_quietly", "fill_with_many", "fill_unseen", "fill_sparse",
                 "fill_names", "print_much"):  # fmt: skip
        came = _came(getattr(arena.loaded(), name))
        used = arena.attacker.quota().used_bytes
        fits = used <= QUOTA_BYTES and _on_disk(arena.attacker.folder) <= QUOTA_BYTES + (1 << 19)
        yield name.replace("_", " "), Outcome(fits, came)
        for path in Path(arena.attacker.folder, "scratch").iterdir():
            path.unlink()


def _came(call: Callable[[], object]) -> str:
    try:
        return f"gave {call()!r}"
    except (QuotaExceeded, RunFailed, RunStopped) as error:
        return type(error).__name__


def _on_disk(folder: str) -> int:
    return sum(path.lstat().st_blocks * 512 for path in Path(folder).rglob("*"))


def traces(arena: Arena) -> Iterator[tuple[str, Outcome]]:
    """What is left behind for those who come later."""
    scratch = Path(arena.attacker.folder, "scratch")
    arena.loaded().forget()
    yield "log taken back", Outcome("guilty" in arena.attacker.log(1)[-1].text(), "still there")
    arena.loaded().plant(f"{arena.victim.folder}/scratch/results")
    left = [path for path in scratch.rglob("*") if not path.is_dir() or path.is_symlink()]
    yield "links left in scratch", _none([str(path) for path in left])
    arena.loaded().stay(token := f"left-{os.urandom(8).hex()}")
    alive = _living(token)
    yield "process left behind", Outcome(not alive, "ended with the run")
    made = arena.loaded().names()
    outside = [path.name for path in scratch.parent.parent.iterdir()]
    fine = {path.name for path in scratch.iterdir()} >= set(made) and len(outside) == 2
    yield "odd names", Outcome(fine, "kept inside the scratch")


def _living(token: str) -> list[str]:
    """Processes whose working folder has a file of this name, but for the platform's own."""
    pids = filter(str.isdigit, os.listdir("/proc"))
    return [pid for pid in pids if os.path.exists(f"/proc/{pid}/cwd/{token}")]


GROUPS = (twelve, neighbours, fillings, traces)


def matrix(base: Path, backend: str) -> dict[str, Outcome]:
    """Try everything on one back-end."""
    found: dict[str, Outcome] = {}
    for group in GROUPS:
        place = base / group.__name__
        place.mkdir()
        store = Store.open(place / "root", create=True, durability="none")
        found |= dict(group(Arena(place, backend, store)))
    assert len(found) >= len(TRIALS) + 18
    return found


def main() -> None:
    """Print the matrix."""
    with tempfile.TemporaryDirectory() as base:
        columns = {}
        for backend in BACKENDS:
            place = Path(base, backend)
            place.mkdir()
            columns[backend] = matrix(place, backend)
    for name in columns[BACKENDS[0]]:
        cells = [columns[backend][name] for backend in BACKENDS]
        shown = [f"{'denied' if one.denied else 'ALLOWED'} ({one.detail:.30})" for one in cells]
        sys.stdout.write(f"{name:24}{shown[0]:46}{shown[1]}\n")


if __name__ == "__main__":
    main()
