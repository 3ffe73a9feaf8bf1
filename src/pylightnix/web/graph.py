"""A picture of who depends on whom, as SVG: layers from what is needed to what needs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from pylightnix.core.graph import topological, users
from pylightnix.core.outlook import COLOURS
from pylightnix.core.refs import DRef

from .markup import Html, joined, tag

Place: TypeAlias = tuple[float, float, float]
"""Left, top and width of a box."""

MOST = 60
_LETTER, _PAD, _HEIGHT, _GAP, _LAYER = 7.2, 12.0, 34.0, 18.0, 62.0
_PLAIN = "#eceff1"
_CHARACTERS = 28
_NEAR = 40.0


def graph(
    needs: Mapping[DRef, Sequence[DRef]],
    targets: Iterable[DRef],
    verdict: Callable[[DRef], str] | None = None,
) -> Html:
    """Draw derivations; what is needed stands above what needs it.

    Args:
        needs: every derivation -> its direct dependencies.
        targets: are drawn with a thick frame, and come first where not all can be drawn.
        verdict: gives the colour of each, as in a plan.
    """
    wanted = tuple(targets)
    shown = _nearest(needs, wanted)
    kept = {node: [dep for dep in needs[node] if dep in shown] for node in needs if node in shown}
    layers = _layers(kept)
    places, width = _places(layers)
    pairs = [(places[dep], places[node]) for node, deps in kept.items() for dep in deps]
    width = max([width, *(start[0] + start[2] / 2 + 4 + _bow(start, end) for start, end in pairs)])
    height = len(layers) * _LAYER - (_LAYER - _HEIGHT) + 2
    edges = [_edge(*pair) for pair in pairs]
    boxes = [
        _box(node, places[node], node in wanted, verdict(node) if verdict else None)
        for node in kept
    ]
    picture = tag(
        "svg",
        *edges,
        *boxes,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=f"{width:.0f}",
        height=f"{height:.0f}",
        role="img",
        class_="pyl-graph",
    )
    left_out = len(needs) - len(kept)
    note = f"and {left_out:,} more that are needed further away" if left_out else None
    return joined(picture, None if note is None else tag("div", note, class_="pyl-note"))


def _nearest(needs: Mapping[DRef, Sequence[DRef]], targets: Sequence[DRef]) -> set[DRef]:
    """Choose what to draw: the targets, what these need, what those need, ..."""
    shown: dict[DRef, None] = dict.fromkeys(targets[:MOST])
    todo = list(shown)
    for node in todo:  # grows while it is walked
        for dep in needs.get(node, ()):
            if dep not in shown and len(shown) < MOST:
                shown[dep] = None
                todo.append(dep)
    return set(shown)


def _layers(needs: Mapping[DRef, Sequence[DRef]]) -> list[list[DRef]]:
    """Put each node one layer below the lowest that it needs; sources just above their users."""
    level: dict[DRef, int] = {}
    order = topological(needs)
    for node in order:
        level[node] = 1 + max((level[dep] for dep in needs[node]), default=-1)
    above = users(needs)
    for node in order:
        if not needs[node] and above[node]:
            level[node] = min(level[user] for user in above[node]) - 1
    layers: list[list[DRef]] = [[] for _ in range(1 + max(level.values(), default=-1))]
    for node in order:
        layers[level[node]].append(node)
    for i, layer in enumerate(layers[1:], 1):  # fewer crossings: each below the middle of its needs
        at = {node: k / max(1, len(layers[i - 1])) for k, node in enumerate(layers[i - 1])}
        layer.sort(key=lambda node: _middle([at[dep] for dep in needs[node] if dep in at]))
    return [layer for layer in layers if layer]


def _middle(places: Sequence[float]) -> float:
    return sum(places) / len(places) if places else 0.5


def _label(node: DRef) -> str:
    name = node[38:]
    return name if len(name) <= _CHARACTERS else f"{name[: _CHARACTERS - 1]}…"


def _width(node: DRef) -> float:
    return max(8, len(_label(node))) * _LETTER + 2 * _PAD


def _places(
    layers: Sequence[Sequence[DRef]],
) -> tuple[dict[DRef, Place], float]:
    """Give left, top and width of each box, and the width of all; layers are centred."""
    widths = [sum(map(_width, layer)) + _GAP * (len(layer) - 1) for layer in layers]
    whole = max(widths, default=0.0) + 4
    places: dict[DRef, Place] = {}
    for i, layer in enumerate(layers):
        left = (whole - widths[i]) / 2
        for node in layer:
            places[node] = (left, 1 + i * _LAYER, _width(node))
            left += _width(node) + _GAP
    return places, whole


def _edge(start: Place, end: Place) -> Html:
    x1, y1 = start[0] + start[2] / 2, start[1] + _HEIGHT
    x2, y2 = end[0] + end[2] / 2, end[1] - 5
    # One that passes other layers is bent aside, or it would be hidden by a box in between.
    bow = _bow(start, end) * 4 / 3
    third = (y2 - y1) / (3 if bow else 2)
    bend = f"C{x1 + bow:.1f} {y1 + third:.1f} {x2 + bow:.1f} {y2 - third:.1f}"
    curve = f"M{x1:.1f} {y1:.1f} {bend} {x2:.1f} {y2:.1f}"
    head = f"M{x2 - 4:.1f} {y2 - 1:.1f} L{x2:.1f} {y2 + 5:.1f} L{x2 + 4:.1f} {y2 - 1:.1f} Z"
    return joined(
        tag("path", d=curve, fill="none", stroke="#90a4ae", stroke_width="1.3"),
        tag("path", d=head, fill="#90a4ae"),
    )


def _bow(start: Place, end: Place) -> float:
    if end[1] - start[1] <= _LAYER or abs(start[0] + start[2] / 2 - end[0] - end[2] / 2) > _NEAR:
        return 0.0
    return max(start[2], end[2]) / 2 + _GAP


def _box(node: DRef, place: Place, is_target: bool, verdict: str | None) -> Html:
    left, top, width = place
    middle = left + width / 2
    colour = COLOURS.get(verdict or "", _PLAIN)
    said = f"{node}: {verdict}" if verdict else node
    text = {"text_anchor": "middle", "fill": "#263238", "font_family": "monospace"}
    return tag(
        "g",
        tag("title", said),
        tag(
            "rect",
            x=f"{left:.1f}",
            y=f"{top:.1f}",
            width=f"{width:.1f}",
            height=f"{_HEIGHT:.0f}",
            rx="5",
            fill=colour,
            stroke="#37474f" if is_target else "#b0bec5",
            stroke_width="1.8" if is_target else "1",
        ),
        tag("text", _label(node), x=f"{middle:.1f}", y=f"{top + 15:.1f}", font_size="12", **text),
        tag("text", node[5:13], x=f"{middle:.1f}", y=f"{top + 28:.1f}", font_size="10", **text),
    )
