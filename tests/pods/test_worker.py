"""What a pod's worker does: calls, streams, errors, and what becomes of it when they go wrong."""

from __future__ import annotations

import inspect
import os
import pickle
import sys
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from pylightnix.pods import (
    CannotCross,
    PodClosed,
    PodError,
    PodTimeout,
    RemoteError,
    WorkerDied,
    agentfile,
)
from pylightnix.pods.channel import LIMIT
from pylightnix.pods.codec import codec
from pylightnix.pods.process import Program
from pylightnix.pods.worker import Worker, written

SOURCE = '''
import os, sys, time, warnings

LOUD = 7

def add(x: int, /, y=2, *rest, by: float = LOUD, **more) -> int:
    """Add."""
    return x + y

def echo(x):
    return x

def rows(n):
    for number in range(n):
        yield number

def endless():
    while True:
        yield b"x" * 1000

def fail(text):
    raise KeyError(text)

def leave():
    sys.exit(3)

def crash():
    os.abort()

def quit(status):
    os._exit(status)

def noise():
    print("printed")
    print("complained", file=sys.stderr)
    warnings.warn("warned")
    os.write(1, b"raw\\n")
    return 1

def nap(s):
    time.sleep(s)
    return s

def pid():
    return os.getpid()

COUNT = [0]

def count():
    COUNT[0] += 1
    return COUNT[0]

async def later(x):
    return x

def thing():
    return object()

def fork_and_return():
    os.fork()
    return "once"

def _hidden():
    return 1
'''


def test_an_argument_may_have_any_name(opened: Any) -> None:
    with opened(SOURCE) as pod:
        assert pod.add(1, self=1, function=2, args=3) == 3
        assert pod.add.submit(1, self=1).result(10) == 3


def test_a_function_has_its_signature_and_docstring(opened: Any) -> None:
    with opened(SOURCE) as pod:
        assert str(inspect.signature(pod.add)) == (
            "(x: 'int', /, y=2, *rest, by: 'float' = 7, **more) -> 'int'"
        )
        assert pod.add.__doc__ == "Add." and pod.add.__name__ == "add"
        assert "_hidden" not in dir(pod) and "rows" in dir(pod)
        with pytest.raises(AttributeError, match="no function gone: it has"):
            _ = pod.gone


def test_calls_give_values(opened: Any) -> None:
    with opened(SOURCE) as pod:
        assert pod.add(1) == 3
        assert pod.add(1, y=5, other=1) == 6
        assert pod.later(4) == 4
        assert pod.echo({(1, 2): {3}}) == {(1, 2): {3}}


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 1 << 20, 5 << 20])
@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_buffers_of_any_size_arrive(opened: Any, kind: Any, size: int) -> None:
    with opened(SOURCE) as pod:
        value = kind(b"ab" * (size // 2) + b"c" * (size % 2))
        for _ in range(3):
            got = pod.echo([value, (value, 1)])
            assert got == [value, (value, 1)] and type(got[0]) is kind


def test_long_lists_of_numbers_arrive(opened: Any) -> None:
    with opened(SOURCE) as pod:
        for value in (list(range(20_000)), [0.5] * 20_000, [2**70] * 20, ["text"] * 5_000):
            assert pod.echo(value) == value


def test_numpy_arrays_arrive(opened: Any) -> None:
    np = pytest.importorskip("numpy")
    with opened(SOURCE) as pod:
        many = np.arange(60_000, dtype="f4").reshape(200, 300)
        fields = np.zeros(3, dtype=[("a", "i4"), ("b", "M8[s]")])
        for value in (many, many.T, many[::2, ::3], np.zeros((0, 3)), fields, np.array(1)):
            got = pod.echo(value)
            assert got.dtype == value.dtype and got.shape == value.shape
            assert (got == value).all()
        assert pod.echo(np.float32(0.1)) == np.float32(0.1)
        with pytest.raises(CannotCross, match="an array of object"):
            pod.echo(np.array([object()]))


def test_futures_and_pipelines(opened: Any) -> None:
    with opened(SOURCE) as pod:
        futures = [pod.add.submit(number, 1) for number in range(500)]
        assert all(isinstance(future, Future) for future in futures)
        assert [future.result(timeout=30) for future in futures] == list(range(1, 501))
        assert list(pod.add.map(range(3_000), range(3_000))) == list(range(0, 6_000, 2))
        assert pod.rows.submit(3).result(timeout=30) == [0, 1, 2]
        assert isinstance(pod.fail.submit("x").exception(timeout=30), RemoteError)
        big = [bytes([number]) * 100_000 for number in range(20)]
        assert list(pod.echo.map(big)) == big


def test_a_stream_comes_while_it_runs_and_can_be_left(opened: Any) -> None:
    with opened(SOURCE) as pod:
        assert list(pod.rows(5)) == [0, 1, 2, 3, 4]
        before = pod.pid()
        for number, row in enumerate(pod.endless()):
            assert len(row) == 1000
            if number == 50:
                break
        assert pod.pid() == before  # it was told to stop, and did


def test_an_error_keeps_its_type_text_and_traceback(opened: Any) -> None:
    with opened(SOURCE) as pod:
        with pytest.raises(RemoteError) as caught:
            pod.fail("gone")
        error = caught.value
        assert (error.type_name, error.message) == ("KeyError", "'gone'")
        assert "raise KeyError(text)" in error.traceback and "agent.py" not in error.traceback
        assert "raise KeyError(text)" in str(error.__cause__)
        assert isinstance(error, PodError)
        assert pickle.loads(pickle.dumps(error)).traceback == error.traceback
        with pytest.raises(RemoteError) as left:
            pod.leave()
        assert left.value.type_name == "SystemExit"
        with pytest.raises(RemoteError, match="cannot leave its process"):
            pod.thing()
        with pytest.raises(RemoteError, match="TypeError"):
            pod.add()
        assert pod.add(1) == 3


def test_what_a_pod_prints_is_in_its_log(opened: Any, tmp_path: Path) -> None:
    with opened(SOURCE) as pod:
        assert pod.noise() == 1
        assert pod.noise() == 1
        log = (tmp_path / "pod.log").read_text()
    for word in ("printed", "complained", "warned", "raw"):
        assert word in log


def test_a_worker_that_died_is_named_and_replaced(opened: Any) -> None:
    with opened(SOURCE) as pod:
        with pytest.raises(WorkerDied) as caught:
            pod.crash()
        assert caught.value.signal == 6
        assert pod.add(1) == 3
        with pytest.raises(WorkerDied) as left:
            pod.quit(3)
        assert (left.value.status, left.value.signal) == (3, None)
        assert pickle.loads(pickle.dumps(left.value)).status == 3
        assert pod.add(1) == 3


def test_only_the_call_that_killed_the_worker_fails(opened: Any) -> None:
    with opened(SOURCE) as pod:
        futures = [pod.add.submit(1), pod.crash.submit(), pod.add.submit(2), pod.add.submit(3)]
        kinds = [type(future.exception(timeout=30)) for future in futures]
        assert kinds == [type(None), WorkerDied, type(None), type(None)]


def test_a_call_that_takes_too_long_is_ended(opened: Any) -> None:
    with opened(SOURCE, limit_s=0.3) as pod:
        with pytest.raises(PodTimeout) as caught:
            pod.nap(60)
        assert isinstance(caught.value, TimeoutError)
        assert pod.add(1) == 3
        with pytest.raises(PodTimeout):
            pod.nap.submit(60).result(timeout=30)
        assert pod.nap(0.01) == 0.01


def test_a_fresh_process_for_each_call(opened: Any) -> None:
    with opened(SOURCE) as pod:
        assert [pod.count(), pod.count()] == [1, 2]
    with opened(SOURCE, fresh=True) as pod:
        assert [pod.count(), pod.count()] == [1, 1]
        with pytest.raises(WorkerDied) as caught:
            pod.crash()
        assert caught.value.signal == 6
        assert list(pod.rows(3)) == [0, 1, 2]


def test_a_fork_that_returns_answers_once(opened: Any) -> None:
    with opened(SOURCE) as pod:
        assert pod.fork_and_return() == "once"
        assert pod.add(1) == 3


def test_workers_share_the_calls(opened: Any) -> None:
    with opened(SOURCE, workers=2) as pod:
        futures = [pod.nap.submit(0.2) for _ in range(2)]
        assert [future.result(timeout=30) for future in futures] == [0.2, 0.2]
        found: set[int] = set()

        def ask() -> None:
            found.add(pod.pid())
            pod.nap(0.2)
            found.add(pod.pid())

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(found) == 2
        assert list(pod.add.map(range(300), range(300))) == list(range(0, 600, 2))


def test_a_closed_pod_says_so(opened: Any) -> None:
    with opened(SOURCE) as pod:
        function = pod.add
    with pytest.raises(PodClosed, match="inside the `with`"):
        function(1)


def test_a_pod_that_cannot_be_imported_says_why(opened: Any) -> None:
    missing = pytest.raises(RemoteError, match="ModuleNotFoundError: No module named 'not_there'")
    with missing, opened("import not_there\n"):
        pass


def test_what_a_pod_offers_can_be_listed_by_itself(opened: Any) -> None:
    with opened("from os.path import join\n__all__ = ['join']\n") as pod:
        assert dir(pod) == ["join"] and pod.join("a", "b") == "a/b"


def test_no_name_of_the_agent_is_there_twice() -> None:
    """Its modules become one file: what two of them define would be the later one in both."""
    import ast

    names: list[str] = []
    for module in agentfile.MODULES:
        path = Path(agentfile.__file__).with_name(f"{module}.py")
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                names.append(node.name)
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found = [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
                names += [name for name in found if name != "TYPE_CHECKING"]
    # What is the same in both may be there twice.
    twice = {name for name in names if names.count(name) > 1}
    assert twice == set()


def test_a_message_that_is_too_large_is_refused_before_it_is_sent(opened: Any) -> None:
    with opened("def much(n):\n    return bytes(n)\n") as pod:
        with pytest.raises(RemoteError, match="more than"):
            pod.much(LIMIT + 1)
        assert pod.much(3) == b"\0\0\0"


def older_pythons() -> list[str]:
    """Interpreters from 3.8 on that are on this machine, beside this one."""
    import shutil
    import subprocess

    found = []
    homes = sorted(Path(sys.base_prefix).parent.glob("3.*/bin/python3"))
    for minor in (8, 9, 10, 12, 13):
        candidates = [shutil.which(f"python3.{minor}")]
        candidates += [str(p) for p in homes if p.parts[-3].startswith(f"3.{minor}.")]
        for path in filter(None, candidates):
            done = subprocess.run([path, "-c", "0"], capture_output=True, check=False)
            if done.returncode == 0:
                found.append(path)
                break
    return found


def test_the_agent_runs_on_other_versions_of_python(opened: Any) -> None:
    pythons = older_pythons()
    if not pythons:
        pytest.skip("no other Python from 3.8 on is here")
    source = "def echo(x):\n    return x\n\ndef rows(n):\n    yield from range(n)\n"
    for python in pythons:
        with opened(source, python=python) as pod:
            value = {(1, 2): b"x" * 100_000, "set": {2**80}}
            assert pod.echo(value) == value, python
            assert list(pod.rows(3)) == [0, 1, 2], python


def test_the_working_folder_is_handed_out_before_any_code_of_the_pod_runs(
    tmp_path: Path, agent_file: Path
) -> None:
    source, handed = tmp_path / "source", []
    source.mkdir()
    (source / "job.py").write_text("import os\nseen = os.listdir('.')\ndef f(): return seen\n")

    def prepare(fd: int) -> None:
        os.close(os.open("given", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
        handed.append(os.readlink(f"/proc/self/fd/{fd}"))
        os.close(fd)

    # Without a sandbox a worker works where we do.
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        log = str(tmp_path / "log")
        program = Program(sys.executable, str(agent_file), str(source), "demo", log, file="job.py")
        worker = Worker(program, prepare)
        told = worker.describe(20.0)
    finally:
        os.chdir(here)
    assert handed == [str(tmp_path)]
    assert "given" in worker.call(written(codec()[0], 1, "f", (), {}))
    assert set(told["functions"]) == {"f"}
    worker.close()


def test_who_cannot_prepare_leaves_no_process(tmp_path: Path, agent_file: Path) -> None:
    program = Program(sys.executable, str(agent_file), str(tmp_path), "demo", str(tmp_path / "log"))
    before = len(os.listdir("/proc/self/fd"))

    def prepare(fd: int) -> None:
        os.close(fd)
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        Worker(program, prepare)
    assert len(os.listdir("/proc/self/fd")) == before
