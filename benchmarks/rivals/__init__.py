"""What people use today, as small as it can honestly be: each a script of its own that a measurement runs."""
