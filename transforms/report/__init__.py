"""The nightly report: inputs in, one context, and from it the HTML page, the mail text and the JSON file.

Submodules are imported by name (``transforms.report.context``, ``transforms.report.render``), so that
a caller that only needs the context does not load the plotting library.
"""
