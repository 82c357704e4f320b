"""Measurements against peers: same weights, same machine, one run."""
