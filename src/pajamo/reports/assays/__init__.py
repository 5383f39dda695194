"""The report of a run on an assay: rendered from the tables that the run left, at any later time."""

from pajamo.reports.assays.page import assay_report, render_assay_report

__all__ = ["assay_report", "render_assay_report"]
