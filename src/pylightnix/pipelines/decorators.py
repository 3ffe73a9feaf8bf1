"""What a step's decorators do: while, foreach, run, skip, retry, swallow, onError, in order."""

from __future__ import annotations

from .context import Context, truth
from .flow import Control, LoopMaxExhausted
from .invoking import invoke, note_error
from .model import Pipeline, Retry, Step, While
from .places import BadInput, guess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BACKOFFS = ("fixed", "jitter", "linear", "linearjitter", "exponential", "exponentialjitter")


def run_decorated(step: Step, pipeline: Pipeline, context: Context) -> None:
    """Run a step as often, and under the conditions, that its decorators say."""
    if step.loop is not None:
        _while(step.loop, step, pipeline, context)
    else:
        _foreach(step, pipeline, context)


def _while(loop: While, step: Step, pipeline: Pipeline, context: Context) -> None:
    most = context.get_formatted_value(loop.max)
    most = None if most is None else number(most, "while.max")
    count = 0
    while most is None or count < most:
        count += 1
        context["whileCounter"] = count
        _foreach(step, pipeline, context)
        if loop.stop is not None and truth(context.get_formatted_value(loop.stop)):
            return
        sleep_s = number(context.get_formatted_value(loop.sleep), "while.sleep")
        if sleep_s and (most is None or count < most):
            context.session.sleep(sleep_s)
    if truth(context.get_formatted_value(loop.error_on_max)):
        raise LoopMaxExhausted(count)


def _foreach(step: Step, pipeline: Pipeline, context: Context) -> None:
    if step.foreach is None:
        _conditional(step, pipeline, context)
        return
    for item in items_of(step, context):
        context["i"] = item
        _conditional(step, pipeline, context)


def items_of(step: Step, context: Context) -> Any:
    """What `foreach` goes over.

    Raises:
        BadInput: nothing that one can go over.
    """
    items = context.get_formatted_value(step.foreach)
    if isinstance(items, (str, int, float, bool)) or not hasattr(items, "__iter__"):
        raise BadInput(f"`foreach` takes a list, not {type(items).__name__} {items!r:.60}")
    return items


def wanted(step: Step, context: Context) -> bool:
    """Tell whether `run` and `skip` let a step run; says its description."""
    runs = truth(context.get_formatted_value(step.run)) and not truth(
        context.get_formatted_value(step.skip)
    )
    if step.description:
        text = context.get_formatted_value(step.description)
        context.session.say(text if runs else f"(skipping): {text}")
    return runs


def _conditional(step: Step, pipeline: Pipeline, context: Context) -> None:
    if not wanted(step, context):
        return
    try:
        if step.retry is None:
            invoke(step, pipeline, context)
        else:
            _retry(step.retry, step, pipeline, context)
    except Control:
        raise
    except Exception as error:
        swallowed = truth(context.get_formatted_value(step.swallow))
        note_error(step, context, error, swallowed=swallowed)
        if not swallowed:
            raise
        context.session.warn(f"{step.place}: {step.name}: swallowed {_kind(error)}: {error}")


def _retry(retry: Retry, step: Step, pipeline: Pipeline, context: Context) -> None:
    most = context.get_formatted_value(retry.max)
    most = None if most is None else number(most, "retry.max")
    pause = pauses(retry, context)
    count = 0
    while True:
        count += 1
        context["retryCounter"] = count
        try:
            invoke(step, pipeline, context)
        except Control:
            raise
        except Exception as error:
            if (most is not None and count >= most) or not _again(retry, context, error):
                raise
            told = f"{step.place}: {step.name}: attempt {count} failed: {_kind(error)}: {error}"
            context.session.warn(told)
            context.session.sleep(pause(count))
        else:
            return


def _again(retry: Retry, context: Context, error: Exception) -> bool:
    """Tell whether an error is one to try again after."""
    names = {type(error).__name__, f"{type(error).__module__}.{type(error).__qualname__}"}
    stop_on, retry_on = (
        set([found] if isinstance(found, str) else found or ())
        for found in map(context.get_formatted_value, (retry.stop_on, retry.retry_on))
    )
    return not names & stop_on and (not retry_on or bool(names & retry_on))


def pauses(retry: Retry, context: Context) -> Any:
    """Make the function that tells how long to wait after the attempt of a number, in seconds.

    Raises:
        BadInput: there is no such backoff, or a number is none.
    """
    found = context.get_formatted_value(retry.sleep)
    row = [number(each, "retry.sleep") for each in (found if isinstance(found, list) else [found])]
    kind = str(context.get_formatted_value(retry.backoff))
    if kind not in BACKOFFS:
        raise BadInput(f"there is no backoff {kind!r}{guess(kind, BACKOFFS, 'there are')}")
    longest = context.get_formatted_value(retry.sleep_max)
    jrc = number(context.get_formatted_value(retry.jrc), "retry.jrc")
    args = context.get_formatted_value(retry.backoff_args) or {}
    base = number(args.get("base", 2), "retry.backoffArgs.base")

    def pause(count: int) -> float:
        wait_s: float = row[min(count, len(row)) - 1]
        if kind.startswith("linear"):
            wait_s *= count
        elif kind.startswith("exponential"):
            wait_s *= base**count
        if longest is not None:
            wait_s = min(wait_s, number(longest, "retry.sleepMax"))
        if kind.endswith("jitter"):
            import random

            # Chance is what keeps many from trying again at the same moment; no secret hangs on it.
            wait_s = random.uniform(wait_s * jrc, wait_s)  # noqa: S311
        return wait_s

    return pause


def number(value: Any, what: str) -> Any:
    """Take a number, or text that is one.

    Raises:
        BadInput: it is none.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    try:
        return float(value) if "." in str(value) else int(value)
    except (TypeError, ValueError):
        raise BadInput(f"`{what}` takes a number, not {value!r:.60}") from None


def _kind(error: Exception) -> str:
    return type(error).__name__
