"""A timeline as SVG: plain text, so that it needs no drawing library and can be edited."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from pajamo.data.history import REST
from pajamo.protocols.drawing.arms import Act, Arm

LEFT, AXIS, ROW = 190, 560, 26
"""Room for labels, length of the axis of time, height of a row, in pixels."""
MEDIA = ("#dfe9f3", "#f6e6c8", "#dcefdc", "#eadff0", "#f3dede")
"""Colours of media, one after the other."""
INK, OUTSIDE, EDIT = "#222222", "currentColor", "#b03a2e"
STEPS = 80
"""Pieces in which the share of cells in which an edit acts is drawn."""


def to_svg(arms: Sequence[Arm]) -> str:
    """All arms below one another as one SVG document."""
    parts: list[str] = []
    top = 12.0
    media = list(dict.fromkeys(label for arm in arms for label, _, _ in arm.stays))
    for arm in arms:
        parts += _arm(arm, top, media)
        top += ROW * (len(arm.acts) + 4.5)
    width = LEFT + AXIS + 60
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top:.0f}" width="{width}" '
        f'height="{top:.0f}" role="img" font-family="sans-serif" font-size="12" fill="{OUTSIDE}">'
    )
    described = "; ".join(arm.title for arm in arms)
    return "\n".join(
        [head, f"<title>{escape(f'Timeline of the protocol: {described}')}</title>", *parts, "</svg>", ""]
    )


def _arm(arm: Arm, top: float, media: Sequence[str]) -> Iterator[str]:
    yield _text(8, top + 12, arm.title, "start", weight="bold")
    row = top + ROW
    yield _text(LEFT - 10, row + 14, "medium", "end")
    for label, start, end in arm.stays:
        first, last = _x(arm, start), _x(arm, end)
        yield _box(first, row, last - first, ROW - 6, MEDIA[media.index(label) % len(MEDIA)], stroke=True)
        yield _text((first + last) / 2, row + 14, label, "middle", fill=INK)
    for act in arm.acts:
        row += ROW
        yield from _act(arm, act, row)
    row += ROW
    yield _text(LEFT - 10, row + 14, "measured", "end")
    for time in arm.harvests:
        x = _x(arm, time)
        yield f'<path d="M{x:.1f} {row + 3:.1f} l6 6 l-6 6 l-6 -6 z"/>'
        yield f'<path d="M{x:.1f} {top + ROW:.1f} V{row + 3:.1f}" stroke="{OUTSIDE}" stroke-dasharray="2 3"/>'
        yield _text(x, row + 30, "rest" if time == REST else f"{time - arm.zero:g}", "middle")
    yield _text(LEFT - 10, row + 30, f"time ({arm.unit}s)" if arm.unit else "time", "end")


def _act(arm: Arm, act: Act, row: float) -> Iterator[str]:
    yield _text(LEFT - 10, row + 14, act.label, "end")
    last = max(end for _, _, end in arm.stays)
    length = _x(arm, last) - LEFT
    for piece in range(STEPS):
        at = LEFT + length * piece / STEPS
        share = act.acting((at + length / STEPS / 2 - LEFT) * arm.length / AXIS)
        if share > 0:
            yield _box(at, row + 4, length / STEPS + 0.5, ROW - 14, EDIT, opacity=share)
    yield f'<path d="M{_x(arm, act.at):.1f} {row + 16:.1f} l-6 -12 h12 z" fill="white" stroke="{EDIT}"/>'


def _x(arm: Arm, time: float) -> float:
    return LEFT + (AXIS if time == REST else AXIS * time / arm.length)


def _box(
    x: float, y: float, width: float, height: float, fill: str, *, opacity: float = 1.0, stroke: bool = False
) -> str:
    line = f' stroke="{INK}" stroke-width="0.5"' if stroke else ""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}" '
        f'fill-opacity="{opacity:.2f}"{line}/>'
    )


def _text(x: float, y: float, text: str, anchor: str, *, weight: str = "normal", fill: str = OUTSIDE) -> str:
    shown = escape("".join(letter for letter in text if letter.isprintable()))
    style = f'text-anchor="{anchor}" font-weight="{weight}" fill="{fill}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{shown}</text>'
