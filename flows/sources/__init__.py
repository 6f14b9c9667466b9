"""The publishers and the ways to reach them."""
