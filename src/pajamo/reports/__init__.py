"""Figures and one self-contained HTML page a run."""

from pajamo.reports.page import render_report

__all__ = ["render_report"]
