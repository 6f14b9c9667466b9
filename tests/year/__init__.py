"""A year of unattended nights on the simulated market: what is played, how it is judged, what came of it."""
