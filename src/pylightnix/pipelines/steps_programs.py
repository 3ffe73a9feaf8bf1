"""Steps that run programs, and Python: cmd, cmds, shell, py; and those about the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from pylightnix.api.ambient import environment, set_variable
from pylightnix.core.errors import PipelineError

from .context import Context
from .places import BadInput, lacking

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    _Dict = dict[str, Any]
else:
    _Dict = dict

RUN_KEYS = ("run", "cwd", "save", "bytes", "encoding", "stdout", "stderr", "append", "shell")


class ProgramEnded(PipelineError):
    """A program ended with another status than 0, or could not be started."""

    def __init__(self, command: str, status: int | None, stderr: str) -> None:
        super().__init__(command, status, stderr)
        self.command, self.status, self.stderr = command, status, stderr

    def __str__(self) -> str:
        what = "could not be started" if self.status is None else f"ended with {self.status}"
        said = f": {self.stderr.strip()[-400:]}" if self.stderr.strip() else ""
        return f"{self.command!r:.200} {what}{said}"


class CmdOut(_Dict):
    """What came of a program: `returncode`, `stdout`, `stderr`, as items and as attributes."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


def step_cmd(context: Context) -> None:
    """Run a program, or several one after the other, without a shell."""
    _run_all(context, "cmd", shell=False)


def step_shell(context: Context) -> None:
    """Run a command, or several one after the other, in the shell."""
    _run_all(context, "shell" if "shell" in context else "cmd", shell=True)  # noqa: S604


def step_cmds(context: Context) -> None:
    """Run programs at the same time; a list in the list is run one after the other."""
    from concurrent.futures import ThreadPoolExecutor

    wanted = context.get_formatted("cmds")
    options, commands = _options(wanted, "cmds")
    sys.stdout.flush()
    with ThreadPoolExecutor(max(len(commands), 1)) as pool:
        jobs = [pool.submit(_serially, command, options) for command in commands]
    done = [job.exception() for job in jobs]
    if options.get("save"):
        context["cmdOut"] = [job.result() for job in jobs if job.exception() is None]
    for error in done:
        if error is not None:
            raise error


def _serially(command: Any, options: Mapping[str, Any]) -> Any:
    if isinstance(command, list):
        return [_run(each, options, shell=False) for each in command]
    return _run(command, options, shell=False)


def _options(wanted: Any, step: str) -> tuple[Mapping[str, Any], list[Any]]:
    """Take apart what such a step is given: options, and commands."""
    if not isinstance(wanted, Mapping):
        return {}, wanted if isinstance(wanted, list) else [wanted]
    for key in wanted:
        if key not in RUN_KEYS:
            raise BadInput(lacking(step, key, RUN_KEYS))
    if not wanted.get("run"):
        raise BadInput(f"{step} needs `run`, the command")
    run = wanted["run"]
    return wanted, run if isinstance(run, list) else [run]


def _run_all(context: Context, key: str, *, shell: bool) -> None:
    context.assert_key_exists(key, "shell" if shell else "cmd")
    wanted = context.get_formatted_value(context[key])
    groups = wanted if isinstance(wanted, list) else [wanted]
    sys.stdout.flush()  # what was said before comes before what the program says
    kept = []
    for group in groups:
        options, commands = _options(group, key)
        for command in commands:
            kept_one = bool(options.get("save"))
            out = _run(command, options, shell=shell, context=context if kept_one else None)
            if kept_one:
                kept.append(out)
    if kept:
        context["cmdOut"] = kept[0] if len(kept) == 1 else kept


def _run(
    command: Any, options: Mapping[str, Any], *, shell: bool, context: Context | None = None
) -> CmdOut:
    import shlex
    import subprocess

    saves = bool(options.get("save"))
    words: Any = command
    if not shell and isinstance(command, (str, os.PathLike)):
        words = shlex.split(str(command))
    streams, files = _streams(options, saves)
    is_text = not options.get("bytes")
    try:
        done = subprocess.run(
            words, shell=shell, check=False, cwd=options.get("cwd"), env=dict(environment()),
            encoding=(options.get("encoding") or "utf-8") if is_text else None, **streams,
        )  # fmt: skip
    except OSError as error:
        raise ProgramEnded(str(command), None, str(error)) from error
    finally:
        for file in files:
            file.close()
    out = CmdOut(cmd=words, returncode=done.returncode)
    out |= {"stdout": _tidy(done.stdout), "stderr": _tidy(done.stderr)}
    if done.returncode:
        if context is not None:
            context["cmdOut"] = out
        raise ProgramEnded(str(command), done.returncode, str(out["stderr"] or ""))
    return out


def _streams(options: Mapping[str, Any], saves: bool) -> tuple[dict[str, Any], list[Any]]:
    """Where output goes: kept, to files, nowhere, or where ours goes."""
    import subprocess

    if saves:
        return {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}, []
    streams: dict[str, Any] = {}
    files = []
    for name in ("stdout", "stderr"):
        to = options.get(name)
        if to == "/dev/null":
            streams[name] = subprocess.DEVNULL
        elif to == "/dev/stdout":
            streams[name] = subprocess.STDOUT
        elif to is not None:
            os.makedirs(os.path.dirname(os.path.abspath(to)), exist_ok=True)
            file = open(to, "ab" if options.get("append") else "wb")  # noqa: SIM115
            files.append(file)
            streams[name] = file
    return streams, files


def _tidy(output: Any) -> Any:
    return output.rstrip() if isinstance(output, str) else output


def step_py(context: Context) -> None:
    """Run Python, with the context's keys as names; `save('x', y=1)` puts names back into it."""
    context.assert_key_exists("py", "py")
    names: dict[str, Any] = {**context}

    def save(*keys: str, **values: Any) -> None:
        context.update({key: names[key] for key in keys} | values)

    names["save"] = save
    pipeline = context.current_pipeline
    place = "py" if pipeline is None or pipeline.running is None else pipeline.running.place
    exec(compile(str(context["py"]), f"<{place}>", "exec"), names)  # noqa: S102 - what it is for


def step_env(context: Context) -> None:
    """Read, set and unset variables of this process's environment."""
    wanted = context.get_formatted("env")
    if not isinstance(wanted, Mapping) or not set(wanted) & {"get", "set", "unset"}:
        raise BadInput(f"env needs `get`, `set` or `unset`, not {wanted!r:.60}")
    for key, name in (wanted.get("get") or {}).items():
        if name not in environment():
            raise BadInput(f"env: there is no variable {name}; envget can have a default")
        context[key] = environment()[name]
    for name, value in (wanted.get("set") or {}).items():
        set_variable(str(name), str(value))
    for name in wanted.get("unset") or ():
        set_variable(str(name), None)


def step_envget(context: Context) -> None:
    """Read variables of the environment, with a default for those that are not there."""
    wanted = context.get_formatted("envGet")
    every: Sequence[Any] = [wanted] if isinstance(wanted, Mapping) else wanted
    for each in every:
        if not isinstance(each, Mapping) or not each.get("env") or not each.get("key"):
            raise BadInput(f"envget needs `env` and `key`, and perhaps `default`; got {each!r:.60}")
        if each["env"] in environment():
            context[each["key"]] = environment()[each["env"]]
        elif "default" in each:
            context[each["key"]] = each["default"]
