"""Designing a screen before it is made, and judging the design of one that was."""

from pajamo.protocols.planning.design import design
from pajamo.protocols.planning.plan import Plan

__all__ = ["Plan", "design"]
