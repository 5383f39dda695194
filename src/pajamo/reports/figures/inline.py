"""Bring matplotlib's SVG into a form that can stand within a page among others."""

from __future__ import annotations

import re
from collections.abc import Mapping

from markupsafe import Markup

POINTS_TO_PIXELS = 4 / 3

# matplotlib escapes < and > in text, so whatever stands between them is a tag of its own.
_TAG = re.compile(r"<[^>]+>")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_STYLE_ELEMENT = re.compile(r"<defs>\s*<style.*?</style>\s*</defs>", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def inlined(text: str, name: str, colours: Mapping[str, str]) -> Markup:
    """Keep the <svg> element alone, with the page's fonts and colours.

    Parameters
    ----------
    text: a whole SVG file of matplotlib's.
    name: put before each identifier, so that two figures of a page share none.
    colours: each hexadecimal value becomes the CSS variable of its key.
    """
    text = _COMMENT.sub("", _STYLE_ELEMENT.sub("", text[text.index("<svg") :], count=1))
    variables = {value: f"var(--{key})" for key, value in colours.items()}
    text = _TAG.sub(lambda match: _tag(match.group(), name, variables), text)
    return Markup(re.sub(r"\s*\n\s*", "\n", text).strip())


def _tag(tag: str, name: str, variables: Mapping[str, str]) -> str:
    if tag.startswith("<svg"):
        return _opening(tag)
    if tag.startswith("<g "):
        tag = re.sub(r' id="[^"]*"', "", tag)
    if tag.startswith("<path"):
        tag = _LONG_NUMBER.sub(_rounded, tag)
    if tag.startswith("<text"):
        tag = re.sub(r" font-family: [^;\"]*;?", "", tag)
        tag = re.sub(r' transform="rotate\(-0 [^"]*"', "", tag)
    tag = re.sub(r' id="', f' id="{name}-', tag)
    tag = re.sub(r'(="|url\()#', rf"\1#{name}-", tag)
    for value, variable in variables.items():
        tag = tag.replace(f": {value}", f": {variable}")
    return tag


def _opening(tag: str) -> str:
    """The root without a fixed size, so that it shrinks with the page but never grows."""
    box = re.search(r'viewBox="([^"]*)"', tag)
    assert box is not None
    width = float(box.group(1).split()[2]) * POINTS_TO_PIXELS
    return f'<svg viewBox="{box.group(1)}" style="--width:{width:.0f}px" aria-hidden="true">'


def _rounded(match: re.Match[str]) -> str:
    return f"{float(match.group()):.2f}"
