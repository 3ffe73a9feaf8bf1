"""What a program holds of pods: names, weight, and what opening one gives up again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pylightnix.pods as published
from pylightnix import InvalidValue, Store
from pylightnix.core.errors import PylightnixError
from pylightnix.pods import PodFunction, RemoteError, pod, pod_env, pod_open


def test_every_error_has_a_category_and_survives_a_trip() -> None:
    import pickle

    kinds = [getattr(published, name) for name in published.__all__]
    errors = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(errors) > 10
    for kind in errors:
        if issubclass(kind, Warning):
            continue
        count = kind.__init__.__code__.co_argcount - 1 if "__init__" in vars(kind) else 1
        given = {"PodTimeout": ("f", 7.0), "WorkerDied": ("f", -9, "", "log")}
        error = kind(*given.get(kind.__name__, ["7"] * count))
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is kind and vars(again) == vars(error) and str(again) == str(error)
        assert issubclass(kind, (PylightnixError, TypeError))


def test_an_open_pod_leaves_nothing_behind(current: Store, tmp_path: Path) -> None:
    (tmp_path / "quiet.py").write_text("import os\n\n\ndef pid():\n    return os.getpid()\n")
    stage = pod(tmp_path / "quiet.py", pod_env([]))
    with pod_open(stage) as opened:
        pid = opened.pid()
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with pod_open(stage) as opened:
            opened.pid()
    assert set(os.listdir("/proc/self/fd")) <= before
    assert not [name for name in os.listdir(f"{current.var}/logs") if name.startswith("pod-quiet")]
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_pod_ends_with_its_host(current: Store, tmp_path: Path) -> None:
    import signal
    import time

    source = (
        "import os\n\n\ndef pid():\n    return os.getpid()\n\n\ndef nap():\n    while 1: pass\n"
    )
    (tmp_path / "napping.py").write_text(source)
    program = (
        "from pylightnix import Store\n"
        "from pylightnix.pods import pod, pod_env, pod_open\n"
        f"store = Store.open({str(Path(current.var).parent)!r})\n"
        f"p = pod_open(pod({str(tmp_path / 'napping.py')!r}, pod_env([])), store=store)\n"
        "print(p.pid(), flush=True)\n"
        "p.nap()\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert child.stdout is not None
    pid = int(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the worker outlived its host by ten seconds")


def test_arguments_of_opening_are_looked_at(current: Store, tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("def one():\n    return 1\n")
    stage = pod(tmp_path / "one.py")
    with pytest.raises(InvalidValue, match="at least 1 worker"):
        pod_open(stage, workers=0)
    with pytest.raises(InvalidValue, match="no RRef"):
        pod_open(str(tmp_path))
    with pod_open(stage) as opened:
        assert type(opened.one) is PodFunction
        assert repr(opened) == "<pod one: one>"
        assert repr(opened.one) == "<function one of a pod>"
        with pytest.raises(RemoteError, match="TypeError"):
            opened.one(2)
