"""Contexts are frozen."""

from __future__ import annotations

import pytest

from pylightnix.core.context import mkcontext
from strategies import node, results


def test_a_context_is_frozen_and_keeps_the_order_of_the_matcher() -> None:
    chosen = {node(0): list(results(node(0), (2, 1)))}
    context = mkcontext(chosen)
    chosen[node(0)].pop()
    assert dict(context) == {node(0): results(node(0), (2, 1))}
    with pytest.raises(TypeError):
        context[node(0)] = ()  # type: ignore[operator]


def test_equal_contexts_are_equal_and_can_be_keys() -> None:
    chosen = {node(0): results(node(0), (1,)), node(1): ()}
    assert len({mkcontext(chosen), mkcontext(dict(reversed(chosen.items())))}) == 1
