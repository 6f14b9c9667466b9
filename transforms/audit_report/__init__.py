"""The audit's report: the record of ``audit.json`` in, a self-contained HTML page and Markdown out."""

from transforms.audit_report.render import render_audit_html, render_audit_markdown

__all__ = ["render_audit_html", "render_audit_markdown"]
