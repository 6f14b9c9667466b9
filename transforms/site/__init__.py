"""The pages around the session reports: index, compare view, checks, reference. Rows in, HTML text out.

Every page is one file that opens from a disk or behind any static server: no request, no external script.
Two pages have a script of their own, allowed by its hash alone; what a script shows it takes from data that
stand in its page, and it writes text, never markup.
"""
