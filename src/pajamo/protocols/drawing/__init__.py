"""The timeline of a protocol as a drawing: in a terminal, and as SVG."""

from pajamo.protocols.drawing.arms import Arm, arms_of
from pajamo.protocols.drawing.svg import to_svg
from pajamo.protocols.drawing.text import to_text

__all__ = ["Arm", "arms_of", "to_svg", "to_text"]
