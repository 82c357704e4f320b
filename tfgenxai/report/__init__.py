"""The HTML report."""

from tfgenxai.report.html import Report

__all__ = ["Report"]
