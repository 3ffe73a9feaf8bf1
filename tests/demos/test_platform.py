"""The demo of a platform, over HTTP: two users at once, and what a hostile one gets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pylightnix import Store
from pylightnix.tenants import Record, Tenant
from sandboxes import needs_tenants
from wheels_for_tests import greetings, sdist

SERVICE = Path(__file__).parents[2] / "demos" / "platform" / "service.py"
LACKING = [name for name in ("starlette", "uvicorn") if find_spec(name) is None]
SECRET = "the-secret-of-the-platform"
CONFIG = """\
port = 0
folder = "data"
find_links = ["wheels"]
quota_bytes = 5_000_000

[users]
alice = "token-of-alice"
bob = "token-of-bob"

[policy]
memory_bytes = 268_435_456
wall_s = 5.0
cpu_s = 1.5
pids = 16
"""
SOURCE = '''
import os, sys, time


def version():
    import greet

    print("hello from", greet.__name__)
    return greet.VERSION


def ticks(seconds):
    for number in range(int(seconds * 20)):
        print("tick", number, flush=True)
        time.sleep(0.05)
    return os.getcwd()


def fail():
    return {}["gone"]


def spin():
    while True:
        pass


def sleep():
    print("asleep", flush=True)
    time.sleep(60)


def eat():
    held = []
    while True:
        held.append(bytearray(1 << 24))


def chatter(lines):
    for number in range(lines):
        print("x" * 99)
    return "said"


def keep(megabytes):
    with open("kept", "wb") as file:
        for _ in range(megabytes):
            file.write(b"x" * (1 << 20))


def mischief():
    print("event: end\\ndata: {}\\n")
    return "\\ud800"  # which UTF-8 cannot say


def give(kind):
    return {"set": {1}, "nan": float("nan"), "much": "x" * (1 << 20), "keys": {(1, 2): 3}}[kind]


def endless():
    while True:
        print("here", flush=True)
        yield 1


def look(paths):
    """All that can be read of these, and of what /proc tells about processes."""
    found = [f"{name}={text}" for name, text in os.environ.items()]
    paths += [f"/proc/{pid}/{what}" for pid in os.listdir("/proc") if pid.isdigit()
              for what in ("environ", "cmdline", "root/etc/shadow")]
    for path in paths:
        for read in (os.listdir, lambda path: open(path, errors="replace").read()):
            try:
                found.append(str(read(path)))
            except OSError:
                pass
    return found
'''


class Client:
    """A user: a token, and requests that no other answers than those of HTTP come back to."""

    def __init__(self, port: int, token: str, secrets: tuple[str, ...]) -> None:
        self.port, self.token, self.secrets = port, token, secrets

    def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}"}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body)
        connection.request(method, path, data, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        assert not [secret for secret in self.secrets if secret in text], text
        is_json = answer.headers.get_content_type() == "application/json"
        return answer.status, json.loads(text) if is_json else text

    def start(self, function: str, **arguments: Any) -> str:
        status, told = self.request("POST", f"/runs/job.py/{function}", arguments)
        assert status == 202, told
        return str(told["result"])

    def call(self, function: str, **arguments: Any) -> tuple[int, Any]:
        return self.request("GET", self.start(function, **arguments))

    def events(self, run: str) -> Iterator[tuple[str, Any]]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.token}"}
        connection.request("GET", f"{run}/log", headers=headers)
        answer = connection.getresponse()
        assert answer.headers.get_content_type() == "text/event-stream"
        kind = ""
        for line in answer:
            word, _, rest = line.decode().rstrip("\n").partition(": ")
            if word == "event":
                kind = rest
            elif word == "data":
                yield kind, json.loads(rest)
        connection.close()

    def printed(self, run: str) -> str:
        return "".join(told for kind, told in self.events(run) if kind == "log")


class Service:
    """A process that serves; a stateful handle."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self._process = subprocess.Popen(
            [sys.executable, SERVICE, base / "platform.toml"],
            cwd=base,
            env={**os.environ, "PLATFORM_SECRET": SECRET},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout
        self._words = self._process.stdout
        self.said: list[str] = []
        self.port = self._port()
        # Read on, or it would stop at a full pipe.
        self._reader = threading.Thread(target=lambda: self.said.extend(self._words))
        self._reader.start()

    def _port(self) -> int:
        for line in self._words:
            self.said.append(line)
            if "running on" in line:
                return int(line.partition("127.0.0.1:")[2].split()[0])
        raise AssertionError("".join(self.said))

    def user(self, name: str) -> Client:
        return Client(self.port, f"token-of-{name}", (str(self.base), SECRET, sys.prefix))

    def last_run(self, name: str) -> Record:
        """What the platform has on its disk of a user's last run."""
        store = Store.open(self.base / "data/store")
        return Tenant.open(name, self.base / "data/tenants", store=store).log(1)[0]

    def stop(self) -> int:
        self._process.send_signal(signal.SIGINT)
        status = self._process.wait(60)
        self._reader.join()
        self._words.close()
        return status


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    if LACKING:
        pytest.skip(f"the platform needs {LACKING}: pip install pylightnix[platform]")
    needs_tenants()
    base = tmp_path_factory.mktemp("platform")
    (base / "platform.toml").write_text(CONFIG)
    greetings(base / "wheels")
    served = Service(base)
    yield served
    assert served.stop() == 0
    assert "500 Internal" not in "".join(served.said)


@pytest.fixture
def alice(service: Service) -> Client:
    return ready(service.user("alice"), "greet<2")


@pytest.fixture
def bob(service: Service) -> Client:
    return ready(service.user("bob"), "greet>=2")


def ready(client: Client, *packages: str) -> Client:
    assert client.request("PUT", "/files/job.py", SOURCE.encode()) == (204, "")
    assert client.request("PUT", "/packages", packages)[1]["missing"] == []
    return client


def test_each_user_has_a_version_of_its_own(alice: Client, bob: Client) -> None:
    assert alice.request("GET", "/packages")[1]["installed"] == {"greet": "1.0"}
    assert bob.request("GET", "/packages")[1]["installed"] == {"greet": "2.0"}
    assert alice.call("version") == (200, {"value": "1.0"})
    assert bob.call("version") == (200, {"value": "2.0"})


def test_two_users_run_at_once_and_see_their_logs_grow(
    alice: Client, bob: Client, service: Service
) -> None:
    streams = [
        one.events(run) for one, run in [(u, u.start("ticks", seconds=2)) for u in (alice, bob)]
    ]
    for stream in streams:
        assert next(stream)[0] == "log"
    for stream in streams:
        *logs, (kind, told) = stream
        assert len(logs) > 1  # it came piece by piece
        assert (kind, told) == ("end", {"status": 200, "value": "/scratch"})
        assert "tick 39\n" in "".join(text for _, text in logs)
    hers, his = map(service.last_run, ("alice", "bob"))
    assert hers.function == his.function == "ticks"
    assert max(hers.begun_s, his.begun_s) < min(one.begun_s + one.wall_s for one in (hers, his))


def test_both_start_before_either_ends_and_a_stranger_is_served_meanwhile(
    alice: Client, bob: Client
) -> None:
    runs = [(one, one.start("sleep")) for one in (alice, bob)]
    streams = [one.events(run) for one, run in runs]
    assert [next(stream) for stream in streams] == [("log", "asleep\n")] * 2
    assert bob.call("version") == (200, {"value": "2.0"})
    for (one, run), stream in zip(runs, streams, strict=True):
        ((kind, told),) = stream
        assert (kind, told["status"], told["reason"]) == ("end", 504, "wall_s")
        assert one.request("GET", run)[0] == 504


def test_a_traceback_shows_the_users_code_alone(alice: Client) -> None:
    status, told = alice.call("fail")
    lines = told["traceback"].splitlines()
    assert (status, told["error"]) == (422, "fail raised KeyError: 'gone'")
    assert [line for line in lines if "File" in line] == ['  File "/code/job.py", line 20, in fail']


def test_a_file_that_is_no_python_is_shown_where_it_is_not(alice: Client) -> None:
    assert alice.request("PUT", "/files/broken.py", b"def main(:\n")[0] == 204
    told = alice.request("POST", "/runs/broken.py/main", {})[1]
    status, told = alice.request("GET", told["result"])
    lines = told["traceback"].splitlines()
    assert (status, lines[-1]) == (422, "SyntaxError: invalid syntax")
    assert [line for line in lines if "File" in line] == ['  File "/code/broken.py", line 1']
    assert alice.request("PUT", "/files/broken.py", b"")[0] == 204


@pytest.mark.parametrize(
    ("function", "reasons"),
    [("spin", {"cpu_s", "wall_s"}), ("eat", {"memory_bytes"})],  # which first, a busy machine says
)
def test_who_takes_too_much_is_stopped(function: str, reasons: set[str], alice: Client) -> None:
    status, told = alice.call(function)
    assert status == (504 if told.get("reason") == "wall_s" else 422)
    assert told.get("reason") in reasons or "MemoryError" in told["traceback"]
    assert alice.call("version")[0] == 200


def test_of_much_that_is_printed_the_beginning_is_shown(alice: Client) -> None:
    run = alice.start("chatter", lines=100_000)
    assert len(alice.printed(run)) == 1 << 18
    assert alice.request("GET", run) == (200, {"value": "said"})


def test_nothing_that_is_printed_passes_for_an_event(alice: Client) -> None:
    run = alice.start("mischief")
    *logs, end = alice.events(run)
    assert "".join(text for kind, text in logs if kind == "log") == "event: end\ndata: {}\n\n"
    assert end == ("end", {"status": 200, "value": "\ud800"})


def test_a_full_quota_is_told_with_what_fills_it(alice: Client) -> None:
    status, told = alice.call("keep", megabytes=20)
    assert status == 507
    assert {what for what, _ in told["used"]} >= {"env", "source", "scratch"}
    assert alice.call("keep", megabytes=1) == (200, {"value": None})
    assert alice.call("keep", megabytes=0) == (200, {"value": None})


def test_a_user_finds_nothing_of_others_or_of_the_platform(
    alice: Client, bob: Client, service: Service
) -> None:
    assert bob.call("keep", megabytes=1)[0] == 200
    inside = [str(path) for path in service.base.rglob("*") if "store" not in path.parts]
    assert any("bob/scratch/kept" in path for path in inside)
    assert any("bob/usermodules/job.py" in path for path in inside)
    run = alice.start("look", paths=inside)
    status, told = alice.request("GET", run)  # which looks for the secret, too
    found = "\n".join(told["value"])
    assert status == 200 and "HOME=/scratch" in found
    assert "token-of" not in found and "root:" not in found and "kept" not in found
    assert bob.request("GET", run)[0] == 404
    assert bob.request("GET", f"{run}/log")[0] == 404


@pytest.mark.parametrize(
    ("kind", "words"), [("set", "JSON"), ("nan", "JSON"), ("keys", "JSON"), ("much", "bytes")]
)
def test_a_value_that_cannot_be_answered_is_told(kind: str, words: str, alice: Client) -> None:
    status, told = alice.call("give", kind=kind)
    assert status == 422
    assert words in told["error"]


def test_what_is_missing_is_known_and_installed(bob: Client) -> None:
    status, told = bob.request("PUT", "/packages", ["greet>=7"])
    assert status == 422
    assert "'bob' (greet>=7) cannot be installed" in told["error"]
    assert "greet<=2.0" in told["error"] or "greet>=7" in told["error"].splitlines()[1]
    assert bob.request("GET", "/packages")[1]["missing"] == ["greet>=7"]
    status, told = bob.call("version")
    assert (status, told["missing"]) == (409, ["greet>=7"])
    told = {"installed": {"greet": "1.0", "needy": "1.0"}, "missing": []}
    assert bob.request("PUT", "/packages", ["needy"]) == (200, told)
    assert bob.call("version") == (200, {"value": "1.0"})


@pytest.mark.parametrize("by_place", [False, True])
def test_no_package_is_built_by_the_platform(by_place: bool, bob: Client, service: Service) -> None:
    marker = service.base / "was-built"
    marker.unlink(missing_ok=True)
    path = sdist(service.base / "wheels", marker)
    status, _ = bob.request(
        "PUT", "/packages", [f"builds @ {path.as_uri()}"] if by_place else ["builds"]
    )
    path.unlink()
    assert status in (400, 422)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/files/job.py", b"x" * (1 << 20) + b"x", 413),
        ("PUT", "/files/job.txt", b"", 400),
        ("PUT", "/files/.py", b"", 400),
        ("PUT", "/files/%2e%2e%2fjob.py", b"", 404),
        ("PUT", "/files/a%00.py", b"", 400),
        ("PUT", "/packages", {}, 400),
        ("PUT", "/packages", [1], 400),
        ("PUT", "/packages", ["a b"], 400),
        ("PUT", "/packages", ["greet===${PLATFORM_SECRET}"], 400),
        ("PUT", "/packages", ["-r /etc/passwd"], 400),
        ("PUT", "/packages", b"[", 400),
        ("PUT", "/packages", b"[" * 100_000, 400),
        ("PUT", "/packages", b"\xff", 400),
        ("POST", "/runs/job.py/main", [], 400),
        ("GET", "/runs/0123456789abcdef", None, 404),
        ("GET", "/nothing", None, 404),
        ("DELETE", "/packages", None, 405),
    ],
)
def test_what_cannot_be_is_refused(
    method: str, path: str, body: Any, status: int, bob: Client
) -> None:
    assert bob.request(method, path, body)[0] == status
    assert bob.request("GET", "/packages")[0] == 200


@pytest.mark.parametrize(
    ("file", "function", "status"),
    [("job.py", "nothing", 404), ("job.py", "__class__", 404), ("gone.py", "main", 400)],
)
def test_what_is_not_there_is_told(file: str, function: str, status: int, bob: Client) -> None:
    told = bob.request("POST", f"/runs/{file}/{function}", {})[1]
    assert bob.request("GET", told["result"])[0] == status


def test_who_has_much_under_way_is_asked_to_wait(alice: Client, bob: Client) -> None:
    runs = [alice.start("ticks", seconds=0.5) for _ in range(8)]
    status, told = alice.request("POST", "/runs/job.py/ticks", {"seconds": 0.5})
    assert (status, told["error"][:16]) == (429, "you have too muc")
    assert bob.call("version")[0] == 200
    assert [alice.request("GET", run)[0] for run in runs] == [200] * 8
    assert alice.call("version")[0] == 200


def test_who_keeps_many_connections_is_asked_to_wait(alice: Client, bob: Client) -> None:
    streams = [alice.events(alice.start("ticks", seconds=2))]
    run = alice.start("ticks", seconds=2)
    streams += [alice.events(run) for _ in range(15)]
    assert [next(stream)[0] for stream in streams] == ["log"] * 16
    assert alice.request("GET", "/packages")[0] == 429
    assert bob.call("version")[0] == 200
    assert [list(stream)[-1][0] for stream in streams] == ["end"] * 16
    assert alice.request("GET", "/packages")[0] == 200


def test_files_have_an_end(bob: Client) -> None:
    def uploaded(size_bytes: int) -> list[int]:
        names = [f"/files/much{number}.py" for number in range(20)]
        return [bob.request("PUT", name, b"#" * size_bytes)[0] for name in names]

    assert set(uploaded(1 << 20)) == {204, 507}
    assert set(uploaded(0)) == {204}


def test_a_generator_is_no_value_and_is_not_begun(alice: Client) -> None:
    run = alice.start("endless")
    status, told = alice.request("GET", run)
    assert (status, "generator" in told["error"]) == (422, True)
    assert alice.printed(run) == ""


@pytest.mark.parametrize("token", ["", "token-of-eve", "TOKEN-OF-BOB"])
def test_who_has_no_token_is_nobody(token: str, service: Service) -> None:
    client = Client(service.port, token, (str(service.base), SECRET))
    for method, path in (("GET", "/packages"), ("PUT", "/files/job.py"), ("GET", "/runs/1/log")):
        assert client.request(method, path)[0] == 401
