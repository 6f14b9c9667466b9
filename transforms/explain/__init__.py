"""Why the layers stand where they stand, and what would move them: facts in, one plain explanation out.

Submodules are imported by name (``transforms.explain.build``); none of them loads pandas or NumPy, so that
``alvh explain`` answers at once.
"""
