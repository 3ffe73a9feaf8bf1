"""Run a pipeline, plan or check one: run."""

from __future__ import annotations

import sys
from argparse import Namespace
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
        from pylightnix.api.listeners import listener_for

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


def _plan(args: Namespace) -> int:
    from pylightnix.api.foresight import plan

    from .marks import marked
    from .pick import browsed

    with browsed(args) as store:
        with redirect_stdout(sys.stderr):
            made = pipelines.planned(
                args.pipeline,
                args_in=args.arguments or None,
                groups=args.groups,
                loader=args.loader,
                py_dir=args.dir,
                store=store,
                write=False,
            )
        found = plan(made.closure)
    if args.json:
        say_json({**found.json(), "places": made.places, "skipped": made.skipped})
        return DONE
    say_lines(marked(str(found).splitlines(), made.places))
    say_lines(f"not run: {step}" for step in made.skipped)
    return DONE
