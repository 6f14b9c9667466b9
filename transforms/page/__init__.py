"""What every page shares: words for values, cells and tables, Markdown, drawings, style sheet, macros and templates.

The nightly report, the audit's page, the sweep's page and the pages of the site are built from these parts, so that
they look and read alike. Nothing here knows what a page is about.
"""
