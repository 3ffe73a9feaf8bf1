"""The walk-through of older pods, steps 3 to 6, with a pod.py as they have it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pylightnix import InvalidValue
from pylightnix.pods import (
    PodLoader,
    PyPodNotFound,
    PyPodNotStartedError,
    PyPodResponseError,
    RemoteError,
)
from pylightnix.pods.agentfile import agent_text
from pylightnix.pods.documents import decode, encode
from wheels_for_tests import greetings

POD = '''\
# Template pod.py file inside the hello_world_pod pod.
from pods.hello_world_pod.module_test import foo_in_module_test

"""
Write your module's functions in this area.
"""
def foo(x, y):
    return x + y

# Don't change anything here!
if __name__ == "__main__":
    from pypods.pods import PodListener
    pl = PodListener()  # PodListener will send output back to the pod client.
    msg = (
        pl.read_stdin()
    )  # Pod client writes function name and parameters to pod's stdin.
    if msg:
        # Unpack stdin to get function data
        function_name, args, kwargs = msg["name"], msg["args"], msg["kwargs"]
        try:
            # Check if function exists in pod module's namespace.
            # If yes, execute the function and send output back to the pod client.
            # If no, send error back to the pod client.
            if function_name in globals():
                function_output = globals()[function_name](*args, **kwargs)
                pl.write_stdout(function_output)
            else:
                pl.write_stderr(f"Function {function_name} does not exist in pod")
        except Exception as e:
            # Any error that occurs while calling the function is sent back to pod client.
            pl.write_stderr(str(e))
'''
CLIENT = """\
# client.py will communicate with the hello_world_pod pod
from pylightnix.pods import PodLoader

# name of the pod, and namespace to inject pod's functions.
pl = PodLoader("hello_world_pod", globals())
pl.load_pod()   # Load pod's namespace (This will now load the foo function).
foo_output = hello_world_pod.foo(1, 2) # Expected output = 1 + 2 = 3.
module_func_output = hello_world_pod.foo_in_module_test() # Expected output = "foo_in_module_test"
pl.unload_pod() # Unload pod's namespace
print(foo_output, module_func_output, "hello_world_pod" in globals(), sep="|")
"""
FIRST = """\
from pylightnix.pods import PodLoader

pl = PodLoader("hello_world_pod", globals())
pl.load_pod()   # Creates pod if not exist and then load pod namespace
pl.unload_pod() # Unload pod namespace
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder, which is the working folder, and a store that is not there yet."""
    monkeypatch.setenv("PYLIGHTNIX_ROOT", str(tmp_path / "root"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(greetings(tmp_path / "wheels")))
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def write_pod(here: Path) -> Path:
    folder = here / "pods" / "hello_world_pod"
    (folder / "module_test").mkdir(parents=True)
    (folder / "module_test" / "__init__.py").write_text(
        'def foo_in_module_test():\n    return "foo_in_module_test"\n'
    )
    (folder / "pod.py").write_text(POD)
    return folder


def test_the_walk_through_runs_as_written(here: Path) -> None:
    run(FIRST)
    folder = here / "pods" / "hello_world_pod"
    assert {"pod.py", "requirements.txt", "venv"} <= {path.name for path in folder.iterdir()}
    assert (folder / "venv" / "bin" / "python").exists()
    assert (folder / "venv" / "pyvenv.cfg").exists()
    (folder / "pod.py").unlink()
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    write_pod(here)
    assert run(CLIENT) == "3|foo_in_module_test|False"


def test_the_template_is_a_pod(here: Path) -> None:
    space: dict[str, Any] = {}
    loader = PodLoader("fresh_pod", space)
    loader.load_pod()
    loader.unload_pod()
    assert "fresh_pod" not in space
    path = here / "pods" / "fresh_pod" / "pod.py"
    path.write_text(path.read_text().replace("\n\n\n#", "\n\ndef one():\n    return 1\n\n\n#", 1))
    loader.load_pod()
    assert space["fresh_pod"].one() == 1
    loader.unload_pod()
    loader.unload_pod()


def test_an_error_in_a_function_is_a_response(here: Path) -> None:
    write_pod(here)
    space: dict[str, Any] = {}
    loader = PodLoader("hello_world_pod", space)
    loader.load_pod()
    with pytest.raises(PyPodResponseError, match="unsupported operand") as caught:
        space["hello_world_pod"].foo(1, "x")
    assert isinstance(caught.value.__cause__, RemoteError)
    with pytest.raises(AttributeError, match="no function bar"):
        space["hello_world_pod"].bar()
    loader.unload_pod()


def test_changed_requirements_give_another_environment(here: Path) -> None:
    folder = write_pod(here)
    (folder / "requirements.txt").write_text("pypods\ngreet<2\n")
    (folder / "pod.py").write_text("import greet\n\n\ndef version():\n    return greet.VERSION\n")
    space: dict[str, Any] = {}
    loader = PodLoader("hello_world_pod", space)
    for asked, version in (("pypods\ngreet<2\n", "1.0"), ("pypods==1.1\ngreet>=2\n", "2.0")):
        (folder / "requirements.txt").write_text(asked)
        loader.load_pod()
        assert space["hello_world_pod"].version() == version
        packages = (folder / "venv").glob("lib/python*/site-packages/greet-*")
        assert [path.name for path in packages] == [f"greet-{version}.dist-info"]
    loader.unload_pod()


def test_what_is_wrong_with_a_pod_is_said(here: Path) -> None:
    with pytest.raises(InvalidValue, match="an identifier"):
        PodLoader("not a name", {}).load_pod()
    folder = here / "pods" / "hollow"
    folder.mkdir(parents=True)
    with pytest.raises(PyPodNotFound, match=r"no pod\.py"):
        PodLoader("hollow", {}).load_pod()
    (folder / "pod.py").write_text("import not_there\n")
    with pytest.raises(PyPodNotStartedError, match="No module named 'not_there'"):
        PodLoader("hollow", {}).load_pod()
    (folder / "pod.py").write_text("")
    (folder / "requirements.txt").write_text("greet>9\n")
    with pytest.raises(PyPodNotStartedError, match="unsatisfiable"):
        PodLoader("hollow", {}).load_pod()


def test_the_listener_reads_one_call_and_writes_one_answer(tmp_path: Path) -> None:
    program = agent_text().replace('if __name__ == "__main__":\n    main()\n', "")
    program += "pl = PodListener()\nmsg = pl.read_stdin()\npl.write_stdout(sum(msg['args']))\n"
    (tmp_path / "listen.py").write_text(program)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "listen.py")],
        input=encode({"name": "add", "args": [1, 2], "kwargs": {}}),
        capture_output=True,
        check=True,
    )
    assert decode(done.stdout) == {"response": 3}
