"""Run a pipeline, plan or check one: run; and `why` of one."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stdout

from pylightnix import pipelines

from .exits import DONE, NOT_SO
from .out import complain, say_json, say_lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pylightnix.store.layout import Store


def run(args: Namespace) -> int:
    """Run a pipeline, or what else is asked about it."""
    if args.check or args.graph:
        return _check(args)
    return _plan(args) if args.dry_run else _run(args)


def _run(args: Namespace) -> int:
    options: dict[str, Any] = {} if args.jobs is None else {"jobs": args.jobs}
    if args.events == "none":
        context = _ran(args, options)
    else:
        from .listeners import listener_for

        with listener_for(args.events) as listener:
            context = _ran(args, {**options, "on_event": listener})
    if args.json:
        import json

        say_json({"context": json.loads(json.dumps(context, default=str))})
    return DONE


def _ran(args: Namespace, options: Any) -> pipelines.Context:
    with redirect_stdout(sys.stderr if args.json else sys.stdout):
        return pipelines.run(
            args.pipeline,
            args_in=args.arguments or None,
            groups=args.groups,
            success_group=args.success,
            failure_group=args.failure,
            loader=args.loader,
            py_dir=args.dir,
            store=_store(args),
            **options,
        )


def _store(args: Namespace) -> Store | None:
    """The store that is named; the current one is looked for when something is derived."""
    if args.store is None:
        return None
    from .pick import store_of

    return store_of(args)


def _check(args: Namespace) -> int:
    found = pipelines.check(args.pipeline, loader=args.loader, py_dir=args.dir)
    if args.json:
        issues = [
            {
                "column": issue.place.column,
                "file": issue.place.file,
                "line": issue.place.line,
                "text": issue.text,
            }
            for issue in found.issues
        ]
        say_json({"edges": found.edges, "issues": issues})
        return NOT_SO if found.issues else DONE
    if args.graph:
        say_lines(found.mermaid().splitlines())
    for issue in found.issues:
        complain(str(issue))
    return NOT_SO if found.issues else DONE


def _planned(args: Namespace, pipeline: str, store: Store, **more: Any) -> pipelines.Planned:
    with redirect_stdout(sys.stderr):
        return pipelines.planned(
            pipeline, args_in=args.arguments or None, store=store, write=False, **more
        )


def _plan(args: Namespace) -> int:
    from pylightnix.api.foresight import plan

    from .pick import browsed, short

    with browsed(args) as store:
        made = _planned(
            args,
            args.pipeline,
            store,
            groups=args.groups,
            loader=args.loader,
            py_dir=args.dir,
        )
        found = plan(made.closure)
    if args.json:
        say_json({**found.json(), "places": made.places, "skipped": made.skipped})
        return DONE
    marks = {short(dref): place for dref, place in made.places.items()}
    say_lines(_marked(str(found).splitlines(), marks))
    say_lines(f"not run: {step}" for step in made.skipped)
    return DONE


def why(args: Namespace) -> int:
    """Tell why what a pipeline derives would be built, with the lines of its text."""
    from pylightnix.api.foresight import why as why_of

    from .pick import browsed
    from .text import shown

    with browsed(args) as store:
        made = _planned(args, args.what, store)
        found = why_of(made.closure)
    if args.json:
        say_json(found.json())
    else:
        say_lines(_marked(shown(str(found)).splitlines(), made.places))
    return DONE


def _marked(lines: Iterable[str], marks: Mapping[Any, str]) -> Iterator[str]:
    """Add to each line the place where what it is about was written."""
    for line in lines:
        about = line.removeprefix("because of ").strip()
        place = next((place for mark, place in marks.items() if _is_about(about, mark)), None)
        yield line if place is None else f"{line}  [{place}]"


def _is_about(line: str, mark: str) -> bool:
    """Tell whether a line of `why` or of a plan is about a derivation: by its name or its hash."""
    from pylightnix.core.refs import isrref, rref2dref

    words = line.split()
    if mark.startswith("dref:"):
        word = words[0].rstrip(":,") if words else ""
        return word == mark or (isrref(word) and rref2dref(word) == mark)
    return len(words) > 2 and words[2].rstrip(":,") == mark
