"""A timeline in letters, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from pajamo.data.history import REST
from pajamo.protocols.drawing.arms import Act, Arm

WIDTH = 64
"""Letters of the axis of time."""
MARGIN = 20
"""Letters before it."""
SHADES = " ░▒▓█"
"""None of the cells, up to a third, up to two thirds, most, all: in how many an edit acts."""


def to_text(arms: Sequence[Arm]) -> str:
    """Each arm as a few lines: media, where each edit acts, when cells were taken, and the axis of time."""
    return "\n\n".join("\n".join(_lines(arm)) for arm in arms) + f"\n\n{_legend(arms)}"


def _lines(arm: Arm) -> list[str]:
    return [
        arm.title,
        _row("medium", _media(arm)),
        *(_row(act.label, _acting(arm, act)) for act in arm.acts),
        _row("measured", _harvests(arm)),
        _row(f"time{f' ({arm.unit}s)' if arm.unit else ''}", _axis(arm)),
    ]


def _legend(arms: Sequence[Arm]) -> str:
    shades = "▽ delivered, █ acts in all cells that carry it" if any(arm.acts for arm in arms) else ""
    spread = any("▒" in _acting(arm, act) for arm in arms for act in arm.acts)
    shades += " (░▒▓ in some, not yet or no longer in all)" if spread else ""
    return f"{shades}{', ' if shades else ''}◆ cells taken"


def _row(label: str, drawn: str) -> str:
    shown = label if len(label) < MARGIN else f"{label[: MARGIN - 2]}…"
    return f"  {shown:<{MARGIN}}{drawn.rstrip()}"


def _column(arm: Arm, time: float) -> int:
    return WIDTH if time == REST else round(WIDTH * time / arm.length)


def _media(arm: Arm) -> str:
    line = ["─"] * (WIDTH + 1)
    for label, start, end in arm.stays:
        first, last = _column(arm, start), _column(arm, end)
        line[first], line[last] = "├" if first == 0 else "┼", "┤"
        room = last - first - 3
        text = f" {label} " if len(label) + 2 <= room else f" {label[: max(0, room - 2)]}… "
        if room >= 4:
            line[first + 1 : first + 1 + len(text)] = text
    last = max((_column(arm, end) for _, _, end in arm.stays), default=0)
    return "".join(line[: last + 1]) + ("⋯ rest" if any(end == REST for _, _, end in arm.stays) else "")


def _acting(arm: Arm, act: Act) -> str:
    last = _column(arm, max(end for _, _, end in arm.stays))
    shares = [act.acting((column + 0.5) * arm.length / WIDTH) for column in range(last + 1)]
    line = [SHADES[0 if share <= 0 else min(4, 1 + int(3 * share + 1e-6))] for share in shares]
    line[_column(arm, act.at)] = "▽"
    return "".join(line)


def _harvests(arm: Arm) -> str:
    line = [" "] * (WIDTH + 1)
    for time in arm.harvests:
        line[_column(arm, time)] = "◆"
    return "".join(line)


def _axis(arm: Arm) -> str:
    """Times as the screen's clock shows them, where there is room; harvests first."""
    line = [" "] * (WIDTH + 12)
    edges = sorted({time for stay in arm.stays for time in stay[1:]} | {act.at for act in arm.acts})
    for time in dict.fromkeys((*arm.harvests, 0.0, *edges)):
        text = "rest" if time == REST else f"{time - arm.zero:g}"
        first = max(0, _column(arm, time) - len(text) // 2)
        if all(letter == " " for letter in line[max(0, first - 1) : first + len(text) + 1]):
            line[first : first + len(text)] = text
    return "".join(line)
