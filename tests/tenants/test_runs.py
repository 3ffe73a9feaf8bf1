"""Runs: what they see, how they end, and what is recorded of each."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from inspect import signature
from pathlib import Path

import pytest

from lying_pods import LIARS, LYING
from pylightnix import Store, gc, store_drefs
from pylightnix.pods import CannotCross
from pylightnix.pods.failures import WorkerDied
from pylightnix.pods.hostile import SET, SOURCE
from pylightnix.sandbox.policy import Policy
from pylightnix.sandbox.start import SandboxUnavailable
from pylightnix.tenants import (
    JobClosed,
    QuotaExceeded,
    RunFailed,
    RunStopped,
    RunTimeout,
    Tenant,
    TenantError,
)
from pylightnix.tenants.run import _functions
from tenants.conftest import POLICY, Making, scratch_of, written

JOB = '''
import os, sys, time

def main(x: int = 1, *, name: str = "you") -> str:
    """Greet."""
    print("greeting", name)
    return f"hello {name}" * x

def where():
    return os.getcwd(), sys.prefix, __file__, __name__, sorted(os.environ)

def count(n):
    for i in range(n):
        print("item", i)
        yield i

def fail():
    import json
    json.loads("{")

def later(path):
    time.sleep(0.2)
    return os.path.exists(path)

def loop():
    while True:
        pass

def die():
    os.kill(os.getpid(), 9)

def leave():
    raise SystemExit(3)

def eat():
    return len(bytearray(b"x") * (1 << 30))

def put(name, text):
    with open(name, "a") as file:
        file.write(text)

def get(name):
    return open(name).read()

def drop(name):
    os.unlink(name)

def fill(n):
    with open("big", "wb", buffering=0) as file:
        for _ in range(n):
            file.write(b"x" * 4096)

def remember():
    global seen
    seen = globals().get("seen", 0) + 1
    return seen

def quiet():
    sys.stdout.write("no line end")
    os.write(2, b"\\xff")

async def soon():
    return "async"
'''


def test_a_function_is_called_with_its_own_signature(make: Making, policy: Policy) -> None:
    with make("one", JOB, policy=policy).load("job.py") as job:
        assert str(signature(job.main)) == "(x: 'int' = 1, *, name: 'str' = 'you') -> 'str'"
        assert job.main.__doc__ == "Greet."
        assert job.main(2, name="me") == "hello mehello me"
        assert job.soon() == "async"
        assert list(job.count(3)) == job.count.submit(3).result() == [0, 1, 2]
        assert list(job.main.map([1, 2])) == ["hello you", "hello youhello you"]
        assert "main" in dir(job) and "put" in repr(job)
        with pytest.raises(AttributeError, match="has no function nothing"):
            _ = job.nothing
    with pytest.raises(JobClosed, match="main"):
        job.main()


def test_a_run_sees_the_same_places_whoever_it_is_of(make: Making, policy: Policy) -> None:
    told = [make(name, JOB, policy=policy).load("job.py").where() for name in ("one", "two")]
    assert told[0] == told[1]
    cwd, prefix, file, name, variables = told[0]
    assert (cwd, prefix, file, name) == ("/scratch", "/env", "/code/job.py", "job")
    assert set(variables) <= {"HOME", "LANG", "LC_CTYPE", "PATH", "PWD", "TMPDIR"}


def test_modules_are_found_beside_each_other_and_in_folders(make: Making) -> None:
    one = make(
        "one", "from helper import f\nfrom tools.deep import g\ndef main(): return f(), g()\n"
    )
    written(one, "helper.py", "def f(): return 1\n")
    written(one, "tools/deep.py", "import helper\ndef g(): return helper.f() + 1\n")
    written(one, "tools/job.py", "from .deep import g\ndef main(): return g()\n")
    assert one.load("job.py").main() == (1, 2)
    assert one.load("tools/job.py").main() == 2


def test_a_loaded_job_is_what_it_was_when_its_file_is_changed(make: Making) -> None:
    one = make("one", "def main(): return 1\n")
    job = one.load("job.py")
    written(one, "job.py", "def main(): return 2\n")
    assert [job.main(), job.main(), one.load("job.py").main()] == [1, 1, 2]


def test_scratch_is_kept_from_run_to_run_and_seen_from_outside(
    make: Making, policy: Policy
) -> None:
    one = make("one", JOB, policy=policy)
    with one.load("job.py") as job:
        job.put("file", "a")
        job.put("file", "b")
        assert job.get("file") == "ab"
        assert (scratch_of(one) / "file").read_text() == "ab"
        (scratch_of(one) / "given").write_text("from outside")
        assert job.get("given") == "from outside"
        job.drop("given")
    assert os.listdir(scratch_of(one)) == ["file"]
    with one.load("job.py") as job:
        assert job.get("file") == "ab"


def test_no_run_remembers_another_one(make: Making) -> None:
    with make("one", JOB).load("job.py") as job:
        assert [job.remember() for _ in range(3)] == [1, 1, 1]


def test_an_exception_has_the_users_traceback_and_no_other(make: Making, policy: Policy) -> None:
    one = make("one", JOB, policy=policy)
    with one.load("job.py") as job, pytest.raises(RunFailed) as caught:
        job.fail()
    error = caught.value
    assert (error.function, error.type_name) == ("fail", "json.decoder.JSONDecodeError")
    lines = error.traceback.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == '  File "/code/job.py", line 19, in fail'
    own = (sys.base_prefix,) if sys.base_prefix.count("/") > 1 else ()  # not that in /usr
    for word in ("agent", "pylightnix", one.folder, *own):
        assert word not in error.traceback
    assert str(error.__cause__).strip() == error.traceback.strip()
    assert one.log()[-1].detail.startswith("json.decoder.JSONDecodeError: Expecting")


def test_arguments_that_do_not_fit_are_the_callers_mistake_told_without_frames(
    make: Making,
) -> None:
    with make("one", JOB).load("job.py") as job, pytest.raises(RunFailed) as caught:
        job.main(1, 2, 3)
    assert "positional argument" in caught.value.message
    assert "File" not in caught.value.traceback


@pytest.mark.parametrize("function, kind, reason", [
    ("loop", RunTimeout, "wall_s"),
    ("die", RunStopped, ""),
    ("leave", RunFailed, "SystemExit"),
    ("eat", (RunStopped, RunFailed), ""),
])  # fmt: skip
def test_a_bad_end_is_named_and_the_next_call_is_answered(
    function: str, kind: type[Exception], reason: str, make: Making, policy: Policy
) -> None:
    one = make("one", JOB, policy=replace(policy, wall_s=3.0))
    with one.load("job.py") as job:
        with pytest.raises(kind) as caught:
            getattr(job, function)()
        assert reason in str(caught.value)
        assert job.main() == "hello you"
    assert one.log()[0].state in ("stopped", "raised")


def test_what_a_run_wrote_before_it_was_stopped_is_kept(make: Making, policy: Policy) -> None:
    text = "def main():\n open('part', 'w').write('so far')\n while True: pass\n"
    one = make("one", text, policy=replace(policy, wall_s=1.0))
    with one.load("job.py") as job, pytest.raises(RunTimeout):
        job.main()
    assert (scratch_of(one) / "part").read_text() == "so far"


def test_a_timeout_is_a_timeout(make: Making) -> None:
    one = make("one", JOB, policy=replace(POLICY, wall_s=0.5))
    with one.load("job.py") as job, pytest.raises(TimeoutError):
        job.loop()


def test_every_run_is_recorded(make: Making, policy: Policy) -> None:
    one = make("one", JOB, policy=policy)
    with one.load("job.py") as job:
        job.main(name="me")
        with pytest.raises(RunFailed):
            job.fail()
        list(job.count(2))
    found = one.log()
    assert [(one.function, one.state) for one in found] == [
        ("main", "done"), ("fail", "raised"), ("count", "done"),
    ]  # fmt: skip
    first = found[0]
    assert (first.tenant, first.file, first.pid) == ("one", "job.py", os.getpid())
    assert first.source.startswith("rref:") and first.env.endswith("-pod-env")
    assert first.text() == "greeting me\n"
    assert found[2].text() == "item 0\nitem 1\n"
    assert abs(first.begun_s - time.time()) < 60 and 0 < first.wall_s < 30
    assert [one.run for one in found] == sorted(one.run for one in found)
    assert one.log(1) == found[-1:]


def test_what_is_printed_without_a_line_end_is_in_the_log(make: Making, policy: Policy) -> None:
    one = make("one", JOB, policy=policy)
    with one.load("job.py") as job:
        job.quiet()
    assert sorted(one.log()[-1].text()) == sorted("no line end\ufffd")


def test_a_loaded_file_that_nobody_calls_is_a_run_too(make: Making) -> None:
    one = make("one", "print('imported')\n")
    with one.load("job.py"):
        assert [one.state for one in one.log()] == ["running"]
    (record,) = one.log()
    assert (record.function, record.state, record.text()) == ("", "done", "imported\n")


def test_output_is_heard_while_it_is_made(make: Making) -> None:
    text = "import time\ndef main():\n print('first')\n time.sleep(5)\n"
    one, heard = make("one", text), threading.Event()
    pieces: list[tuple[str, bytes]] = []

    def listen(run: str, piece: bytes) -> None:
        pieces.append((run, piece))
        if piece:
            heard.set()

    with one.load("job.py", on_output=listen) as job:
        future = job.main.submit()
        assert heard.wait(4.0) and not future.done()
        run = one.log()[-1]
        assert pieces == [(run.run, b""), (run.run, b"first\n")]
        assert (run.state, run.text()) == ("running", "first\n")


def test_who_wants_no_more_of_a_generator_ends_its_run(make: Making, policy: Policy) -> None:
    one = make("one", JOB, policy=policy)
    with one.load("job.py") as job:
        rows = job.count(10**9)
        assert [next(rows), next(rows)] == [0, 1]
        rows.close()
        assert job.main() == "hello you"
    first = one.log()[0]
    assert (first.function, first.state, first.detail) == (
        "count",
        "done",
        "its caller wanted no more",
    )


def test_a_generator_without_an_end_has_no_more_time_than_any_call(
    make: Making, policy: Policy
) -> None:
    one = make("one", JOB, policy=replace(policy, wall_s=0.5))
    with one.load("job.py") as job, pytest.raises(RunTimeout):
        for _ in job.count(10**9):
            pass
    assert one.log()[-1].state == "stopped"


def test_what_is_collected_of_a_generator_has_a_limit(
    make: Making, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pylightnix.tenants.job.MOST_COLLECTED_BYTES", 1000)
    one = make("one", JOB)
    with one.load("job.py") as job:
        assert job.count.submit(10).result() == list(range(10))
        with pytest.raises(RunStopped, match="it gave more than 1000 bytes"):
            job.count.submit(10**9).result()


def test_a_service_may_collect_while_jobs_are_open(make: Making, store: Store) -> None:
    one = make("one", JOB)

    def sources() -> list[str]:
        return [dref for dref in store_drefs(store) if dref.endswith("-tenant-source")]

    with one.load("job.py") as job:
        written(one, "job.py", JOB.replace("hello", "bye"))
        with one.load("job.py") as other:
            gc(grace_s=0, store=store)
            assert len(sources()) == 2
            assert (job.main(), other.main()) == ("hello you", "bye you")
    gc(grace_s=0, store=store)
    assert len(sources()) == 1


def test_an_argument_that_cannot_be_sent_is_the_callers_mistake(make: Making) -> None:
    one = make("one", JOB)
    with one.load("job.py") as job:
        with pytest.raises(CannotCross):
            job.main(object())
        assert job.main() == "hello you"
    assert [record.state for record in one.log()] == ["stopped", "done"]


def test_ctrl_c_ends_a_run(make: Making, store: Store) -> None:
    one = make("one", JOB)
    program = """
    import os, signal, threading, time
    def interrupt():
        while not one.log()[-1].function:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)
    with one.load("job.py") as job:
        threading.Thread(target=interrupt).start()
        try:
            job.loop()
        except KeyboardInterrupt:
            print("interrupted")
"""
    assert platform(program, one, store) == "interrupted\n"
    (record,) = one.log()
    assert (record.state, record.detail) == ("stopped", "KeyboardInterrupt")


def test_who_listens_badly_stops_nothing(make: Making) -> None:
    def listen(run: str, piece: bytes) -> None:
        raise ValueError("deaf")

    one = make("one", JOB)
    with one.load("job.py", on_output=listen) as job:
        assert job.main() == "hello you"
    assert one.log()[-1].text() == "greeting you\n"


def test_a_log_is_cut_where_it_gets_too_long(make: Making) -> None:
    one = make("one", "import os\ndef main():\n for _ in range(64): os.write(1, b'x' * 65536)\n")
    with one.load("job.py") as job:
        job.main()
    assert "the log is full" in one.log()[-1].text()
    assert os.stat(one.log()[-1].log).st_size < 300_000


def test_only_the_last_runs_are_kept(make: Making, monkeypatch: pytest.MonkeyPatch) -> None:
    from pylightnix.tenants import records

    monkeypatch.setattr(records, "KEPT", 3)
    one = make("one", JOB)
    with one.load("job.py") as job:
        for _ in range(6):
            job.main()
    assert len(one.log()) <= 4
    assert len(os.listdir(f"{one.folder}/runs")) <= 8


def test_a_write_beyond_the_quota_is_refused_while_it_is_made(make: Making, policy: Policy) -> None:
    one = make("one", JOB, policy=policy, quota_bytes=1 << 20)
    with one.load("job.py") as job:
        job.fill(100)
        with pytest.raises(QuotaExceeded) as caught:
            job.fill(1000)
        used = dict(caught.value.used)
        assert used["scratch"] == 100 * 4096 and used["env"] > 0
        assert used["what the run wrote"] > 0
        assert caught.value.used_bytes <= 1 << 20  # the kernel let no page more be written
    # What was there before is as it was.
    assert (scratch_of(one) / "big").stat().st_size == 100 * 4096
    assert [record.state for record in one.log()][-1] == "refused"


def test_two_runs_at_once_cannot_share_out_one_quota_twice(make: Making) -> None:
    text = "import time\ndef main(n):\n open(n, 'wb').write(b'x' * 600_000)\n time.sleep(0.5)\n"
    one = make("one", text, quota_bytes=1 << 20)
    with one.load("job.py") as job:
        futures = [job.main.submit(name) for name in ("a", "b")]
        came = [future.exception() for future in futures]
    assert sorted(type(error).__name__ for error in came) == ["NoneType", "QuotaExceeded"]
    assert one.quota().used_bytes <= 1 << 20


def test_scratch_that_is_full_can_still_be_emptied(make: Making) -> None:
    one = make("one", JOB, quota_bytes=1 << 20)
    one.load("job.py").main()
    for number in range(1000):
        (scratch_of(one) / f"small{number}").write_text("x")
    left = one.quota().left_bytes
    assert left is not None
    (scratch_of(one) / "file").write_bytes(b"x" * (left + 10_000))
    with one.load("job.py") as job:
        job.drop("file")
    assert not (scratch_of(one) / "file").exists()


def test_two_tenants_do_not_wait_for_each_other(make: Making) -> None:
    text = "import time\ndef main(s):\n time.sleep(s)\n return time.time()\n"
    slow, fast = make("slow", text), make("fast", text)
    with slow.load("job.py") as one, fast.load("job.py") as two:
        waiting = one.main.submit(3.0)
        two.main(0.0)
        assert not waiting.done()


def test_a_policy_that_cannot_be_enforced_runs_nothing(make: Making) -> None:
    for policy in (Policy(backend="rlimits", require=()), Policy(backend="landlock", require=())):
        one = make("one" + policy.backend, JOB)
        one.change(policy=policy)
        with pytest.raises(SandboxUnavailable):
            one.load("job.py")
        assert one.log() == ()


def test_what_a_policy_grants_is_granted(make: Making, tmp_path: Path, policy: Policy) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared/data").write_text("granted")
    granted = replace(policy, ro=(str(tmp_path / "shared"),), env={"COLOUR": "red"})
    text = "import os\ndef main(path): return open(path).read(), os.environ['COLOUR']\n"
    with make("one", text, policy=granted).load("job.py") as job:
        assert job.main(str(tmp_path / "shared/data")) == ("granted", "red")


PLATFORM = """
import os, sys
from pylightnix import Store, use_store
from pylightnix.tenants import Tenant

with use_store(Store.open(sys.argv[1])):
    one = Tenant.open("one", sys.argv[2])
"""


def platform(program: str, one: Tenant, store: Store) -> str:
    """Run another process of the platform; gives what it printed."""
    words = [os.path.dirname(store.objects), os.path.dirname(one.folder)]
    done = subprocess.run(
        [sys.executable, "-c", PLATFORM + program, *words],
        check=True,
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    return done.stdout


def test_a_run_whose_platform_is_gone_is_lost(make: Making, store: Store) -> None:
    one = make("one", "import time\ndef main(): time.sleep(60)\n")
    program = """
    job = one.load("job.py")
    job.main.submit()
    while not any(record.function for record in one.log()):
        pass
    os._exit(0)
"""
    platform(program, one, store)
    (record,) = one.log()
    assert (record.function, record.state) == ("main", "lost")


def test_who_forgets_to_close_leaves_nothing_running(make: Making, store: Store) -> None:
    one = make("one", JOB)
    program = """
    job, unused = one.load("job.py"), one.load("job.py")
    print(job.main())
"""
    assert platform(program, one, store) == "hello you\n"
    assert [record.state for record in one.log()] == ["done", "done"]


def test_what_runs_is_ended_when_an_exception_leaves_the_block(make: Making) -> None:
    one = make("one", JOB)
    with pytest.raises(KeyError), one.load("job.py") as job:
        future = job.loop.submit()
        while not one.log()[-1].function:
            time.sleep(0.01)
        raise KeyError
    assert isinstance(future.exception(), RunStopped)
    assert one.log()[-1].state == "stopped"


def test_a_block_that_ends_waits_for_its_calls(make: Making) -> None:
    with make("one", JOB).load("job.py") as job:
        future = job.later.submit("nothing")
    assert future.result() is False


@pytest.mark.parametrize("harm", [*SET, *LIARS])
def test_a_process_that_lies_or_breaks_harms_nobody(
    harm: str, make: Making, policy: Policy
) -> None:
    one = make("one", SOURCE + LYING, policy=replace(policy, pids=40, wall_s=3.0))
    with one.load("job.py") as job:
        try:
            getattr(job, harm)()
            came = "value"
        except (RunFailed, RunStopped) as error:
            came = {"RunFailed": "RemoteError", "RunStopped": "WorkerDied"}.get(
                type(error).__name__, "PodTimeout"
            )
            assert "not in a sandbox" not in str(error)
        assert came in {**SET, **LIARS}[harm]
        assert job.ok(harm) == harm


def test_what_is_offered_is_believed_as_far_as_it_can_be() -> None:
    told = {"functions": {"good": {}, "no name": {}, 7: {}, "bad": 3}, "other": 1}
    assert _functions(told) == {"good": {}}
    lies: list[object] = [None, [], {}, {"functions": 3}]
    for lie in lies:
        with pytest.raises(WorkerDied):
            _functions(lie)


@pytest.mark.parametrize("place", ["scratch", "runs"])
def test_a_link_in_the_place_of_a_folder_is_not_followed(
    place: str, make: Making, tmp_path: Path
) -> None:
    one = make("one", JOB)
    (tmp_path / "elsewhere").mkdir()
    folder = Path(one.folder, place)
    folder.rmdir()
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TenantError, match="no link"):
        one.load("job.py").put("file", "x")
    assert not list((tmp_path / "elsewhere").iterdir())


@pytest.mark.slow
def test_fifty_tenants_run_at_once(make: Making) -> None:
    text = """
import os, time
def main(name):
    held = bytearray(b"x") * (4 << 20)
    open("mine", "w").write(name)
    time.sleep(0.2)
    return open("mine").read(), sorted(os.listdir(".")), len(held)
"""
    policy = replace(POLICY, memory_bytes=64 << 20, wall_s=120.0)
    tenants = [make(f"t{number:02}", text, policy=policy) for number in range(50)]

    def run(tenant: Tenant) -> object:
        with tenant.load("job.py") as job:
            return job.main(tenant.name)

    with ThreadPoolExecutor(50) as threads:
        found = list(threads.map(run, tenants))
    assert found == [(tenant.name, ["mine"], 4 << 20) for tenant in tenants]
    for tenant in tenants:
        (record,) = tenant.log()
        assert record.state == "done" and record.memory_bytes <= 64 << 20
