"""What VIX option chain snapshots say: quotes, implied futures, volatilities, skew and term structure."""
