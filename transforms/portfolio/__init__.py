"""The protected portfolio: the condor that is hedged, simulated or the user's own."""
