"""Programs in sandboxes: what they get, what they see, how they end."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pylightnix.sandbox import (
    InvalidPolicy,
    Policy,
    Sandboxed,
    SandboxUnavailable,
    probe,
    python_paths,
)
from pylightnix.sandbox.policy import BACKENDS
from pylightnix.sandbox.start import start, usable
from sandbox.conftest import Run
from sandboxes import needs

Launch = Callable[..., Sandboxed]
SPIN = "while :; do :; done"


def mild(backend: str, **fields: Any) -> Policy:
    """A policy that every back-end can enforce."""
    return Policy(backend=backend, **{"require": {"fs"}, "pids": None, **fields})


def test_a_program_runs_and_says_how_it_ended(run: Run, any_backend: str) -> None:
    ended, said = run(mild(any_backend), "sh", "-c", "echo hello; exit 7")
    assert (ended.status, ended.reason, said) == (7, "", "hello\n")


def test_its_signal_is_told(run: Run, any_backend: str) -> None:
    ended, _ = run(mild(any_backend), "sh", "-c", "kill -TERM $$")
    assert ended.status == -signal.SIGTERM


def test_it_has_its_own_environment_and_nothing_of_ours(
    run: Run, any_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "hush")
    policy = mild(any_backend, env={"GIVEN": "by policy"})
    env = {"PATH": "/usr/bin:/bin", "GIVEN": "by us", "MORE": "a=b c"}
    _, said = run(policy, "/usr/bin/env", env=env)
    told = dict(line.split("=", 1) for line in said.splitlines())
    told.pop("PWD", None)
    assert told == {"PATH": "/usr/bin:/bin", "GIVEN": "by policy", "MORE": "a=b c"}


def test_what_would_run_before_the_sandbox_does_not(run: Run, any_backend: str, room: Path) -> None:
    """A loader that reads LD_PRELOAD outside would run whatever a tenant has put there."""
    _, said = run(
        mild(any_backend), "true", env={"LD_PRELOAD": "/none.so", "PATH": "/usr/bin:/bin"}
    )
    assert said.count("/none.so") <= 1


def test_it_sees_what_it_is_shown_and_writes_where_it_may(
    run: Run, any_backend: str, room: Path
) -> None:
    for name in ("read", "write", "hidden"):
        (room / name).mkdir()
        (room / name / "file").write_text(name)
    ro, rw = str(room / "read"), str(room / "write")
    script = (
        "cat read/file write/file; echo x 2>/dev/null >read/file; echo new >write/new; ls hidden"
    )
    ended, said = run(mild(any_backend), "sh", "-c", f"cd {room}; {script}", ro=[ro], rw=[rw])
    assert said.startswith("readwrite")
    assert ended.status != 0
    assert (room / "read" / "file").read_text() == "read"
    assert (room / "write" / "new").read_text() == "new\n"


def test_a_policy_grants_paths_too(run: Run, any_backend: str, room: Path) -> None:
    (room / "file").write_text("seen")
    policy = mild(any_backend, ro=[room])
    assert run(policy, "cat", str(room / "file"))[1] == "seen"


def test_a_path_is_shown_at_another_place(run: Run, backend: str, room: Path) -> None:
    _, said = run(
        mild(backend),
        "sh",
        "-c",
        "pwd; echo x >/place/file",
        mapped={"/place": str(room)},
        cwd="/place",
    )
    assert said == "/place\n"
    assert (room / "file").read_text() == "x\n"


def test_a_path_may_be_shown_elsewhere_and_only_to_see(
    run: Run, backend: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("text")
    script = "cat /place/file; (echo x >/place/file) 2>&1; touch /place/new 2>&1"
    ended, said = run(mild(backend), "sh", "-c", script, placed={"/place": str(tmp_path)})
    assert ended.status and said.startswith("text") and str(tmp_path) not in said
    assert (tmp_path / "file").read_text() == "text" and len(list(tmp_path.iterdir())) == 1


def test_a_private_folder_holds_what_it_may_and_not_a_page_more(run: Run, backend: str) -> None:
    script = """
    pwd; head -c 81920 /dev/zero >part; head -c 81920 /dev/zero 2>&1 >rest; cat part rest | wc -c
    rm part; head -c 81920 /dev/zero >more && ls
    """
    size = 25 * 4096
    _, said = run(mild(backend), "sh", "-c", script, volumes={"/room": size}, cwd="/room")
    first, refused, *lines = said.splitlines()
    assert first == "/room" and "No space left" in refused
    assert lines == [str(size), "more", "rest"]


def test_a_private_folder_may_cover_what_is_seen(run: Run, backend: str) -> None:
    _, said = run(mild(backend), "sh", "-c", "ls /usr/share; ls /usr", volumes={"/usr/share": 4096})
    assert "share" in said.splitlines() and "man" not in said.splitlines()


def test_temporary_files_are_its_own(run: Run, backend: str) -> None:
    _, said = run(mild(backend), "sh", "-c", "echo mine >/tmp/f; ls /tmp; echo x >/dev/shm/f")
    assert said == "f\n"


def test_it_has_no_capability_and_gets_none(run: Run, backend: str) -> None:
    _, said = run(mild(backend), "grep", "-E", "^(Cap|NoNewPrivs|Seccomp):?", "/proc/self/status")
    fields = dict(line.split(":\t") for line in said.splitlines())
    assert {fields[name] for name in fields if name.startswith("Cap")} == {"0" * 16}
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")


def test_settings_of_the_machine_cannot_be_opened_for_writing(run: Run, backend: str) -> None:
    """Root outside is root to them inside, whatever namespace it is in; nothing is written."""
    names = ["sys/kernel/core_pattern", "sys/vm/drop_caches", "sysrq-trigger", "fs/none"]
    script = f"""
import os
for name in {names}:
    try:
        os.open("/proc/" + name, os.O_WRONLY)
    except OSError as error:
        print(error.errno)
"""
    _, said = run(mild(backend), sys.executable, "-I", "-S", "-c", script, ro=python_paths())
    assert len(said.split()) == len(names), said
    assert set(said.split()) <= {"1", "2", "13", "30"}


def test_descriptors_are_passed_under_their_numbers(launch: Launch, any_backend: str) -> None:
    read, write = os.pipe()
    script = f"import os; os.write({write}, b'through')"
    python = [sys.executable, "-I", "-S", "-c", script]
    child = launch(mild(any_backend), *python, pass_fds=[write], ro=python_paths())
    os.close(write)
    with open(read, "rb") as pipe:
        assert pipe.read() == b"through"
    assert child.wait(20) == 0


def test_no_other_descriptor_of_ours_is_open(run: Run, any_backend: str) -> None:
    with open(os.devnull) as file:
        os.set_inheritable(file.fileno(), True)
        script = f"import os\ntry: os.fstat({file.fileno()})\nexcept OSError: print('closed')"
        _, said = run(
            mild(any_backend), sys.executable, "-I", "-S", "-c", script, ro=python_paths()
        )
    assert said == "closed\n"


def test_it_can_be_talked_to(launch: Launch, any_backend: str) -> None:
    pipe = subprocess.PIPE
    child = launch(mild(any_backend), "cat", stdin=pipe, stdout=pipe)
    stdin, stdout = child.stdin, child.stdout
    assert stdin is not None
    assert stdout is not None
    stdin.write(b"there and back")
    stdin.close()
    assert stdout.read() == b"there and back"
    assert child.wait(20) == 0


def test_all_of_it_can_be_killed(launch: Launch, backend: str, room: Path) -> None:
    script = f"setsid sh -c 'while :; do echo >>{room}/beat; sleep 0.05; done' & sleep 60"
    child = launch(mild(backend), "sh", "-c", script, rw=[str(room)])
    until_s = time.monotonic() + 20
    while not (room / "beat").exists() and time.monotonic() < until_s:
        time.sleep(0.02)
    assert child.poll() is None
    child.kill()
    child.kill()
    assert child.returncode == -signal.SIGKILL
    time.sleep(0.1)
    size = (room / "beat").stat().st_size
    time.sleep(0.3)
    assert (room / "beat").stat().st_size == size


def test_what_it_leaves_behind_ends_with_it(run: Run, backend: str, room: Path) -> None:
    script = f"setsid sh -c 'sleep 0.5; touch {room}/late' & exit 0"
    run(mild(backend), "sh", "-c", script, rw=[str(room)])
    time.sleep(0.8)
    assert not (room / "late").exists()


def test_it_outlives_the_thread_that_started_it(launch: Launch, any_backend: str) -> None:
    """Linux kills the child of a thread that ends, where that is asked for."""
    made: list[Sandboxed] = []
    thread = threading.Thread(target=lambda: made.append(launch(mild(any_backend), "sleep", "30")))
    thread.start()
    thread.join()
    time.sleep(0.5)
    assert made[0].poll() is None


def test_it_does_not_outlive_its_starter(any_backend: str, room: Path) -> None:
    program = f"""
import os, time
from pylightnix.sandbox import Policy, system_paths
from pylightnix.sandbox.start import start
policy = Policy(backend={any_backend!r}, require={{"fs"}}, pids=None)
script = "while :; do echo >>{room}/beat; sleep 0.05; done"
env = {{"PATH": "/usr/bin:/bin"}}
child = start(policy, ["sh", "-c", script], env=env, ro=system_paths(), rw=[{str(room)!r}])
while not os.path.exists("{room}/beat"):
    time.sleep(0.02)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=60, check=False)
    assert done.returncode == -9
    time.sleep(0.3)
    size = (room / "beat").stat().st_size
    time.sleep(0.3)
    assert (room / "beat").stat().st_size == size


def test_its_time_ends(launch: Launch, any_backend: str) -> None:
    ended = launch(mild(any_backend, wall_s=0.5), "sleep", "60").finish()
    assert (ended.status, ended.reason) == (-signal.SIGKILL, "wall_s")
    assert 0.4 < ended.usage.wall_s < 20


def test_its_processor_time_ends(run: Run, any_backend: str) -> None:
    ended, _ = run(mild(any_backend, cpu_s=1, wall_s=60), "sh", "-c", SPIN)
    assert ended.reason == "cpu_s"
    assert ended.status < 0


def test_its_memory_ends(run: Run, any_backend: str) -> None:
    needs(any_backend, "memory")
    policy = mild(any_backend, memory_bytes=100 << 20)
    script = "b = bytearray(b'x') * (200 << 20)"
    ended, said = run(policy, sys.executable, "-I", "-S", "-c", script, ro=python_paths())
    assert ended.reason == "memory_bytes" or "MemoryError" in said
    assert ended.status != 0


def test_its_processes_are_counted(run: Run, any_backend: str) -> None:
    needs(any_backend, "pids")
    script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 2 & done; wait"
    ended, said = run(mild(any_backend, pids=6), "sh", "-c", script)
    assert "fork" in said.lower()
    assert ended.status != 0
    assert run(mild(any_backend, pids=20), "sh", "-c", script.replace("2 &", "0 &"))[0].status == 0


def test_its_files_are_not_longer_than_they_may(run: Run, any_backend: str, room: Path) -> None:
    policy = mild(any_backend, file_bytes=10_000)
    script = f"dd if=/dev/zero of={room}/file bs=1000 count=20"
    ended, _ = run(policy, "sh", "-c", f"exec {script}", rw=[str(room)])
    assert ended.status == -signal.SIGXFSZ
    assert ended.reason == "file_bytes"
    assert (room / "file").stat().st_size == 10_000


def test_its_use_is_told(launch: Launch, any_backend: str) -> None:
    child = launch(mild(any_backend, cpu_s=30), "sh", "-c", SPIN)
    time.sleep(0.5)
    running = child.usage()
    child.kill()
    used = child.usage()
    assert 0.4 < running.wall_s <= used.wall_s
    assert used.cpu_s > 0


def test_a_program_that_is_not_there_is_told(run: Run, any_backend: str) -> None:
    ended, said = run(mild(any_backend), "no-such-program")
    assert ended.status != 0
    assert "no-such-program" in said


def test_what_is_not_there_cannot_be_granted(any_backend: str, room: Path) -> None:
    with pytest.raises(InvalidPolicy, match="is not there"):
        start(mild(any_backend), ["true"], ro=[str(room / "none")])


def test_what_cannot_be_enforced_is_said_and_nothing_runs(room: Path) -> None:
    policy = Policy(backend="rlimits", rw=(room,))
    with pytest.raises(SandboxUnavailable) as caught:
        start(policy, ["touch", str(room / "ran")])
    error = pickle.loads(pickle.dumps(caught.value))
    assert error.backend == "rlimits"
    assert set(error.wanted) == {"fs", "net", "pid", "pids"}
    assert dict(error.reasons).keys() == {"rlimits"}
    assert "it does not enforce fs, net, pid" in str(error)
    assert os.listdir(room) == []


def test_landlock_alone_does_not_hide_processes() -> None:
    with pytest.raises(SandboxUnavailable, match="landlock: it does not enforce pid"):
        usable(Policy(backend="landlock", pids=None))


def test_a_sandbox_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SandboxUnavailable, match="bwrap is not installed"):
        usable(Policy(backend="bubblewrap", pids=None))


def test_the_next_best_is_taken_where_one_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("unshare")
    monkeypatch.setenv("PATH", "/nowhere")
    assert usable(Policy(pids=None)) == "unshare"


def test_the_best_is_taken() -> None:
    found = probe()
    assert found.backends == tuple(name for name in BACKENDS if name not in found.reasons)
    assert set(found.enforces) == set(BACKENDS)
    if found.backends and "fs" in found.enforces[found.backends[0]]:
        assert usable(Policy(pids=None, require={"fs"})) == found.backends[0]
