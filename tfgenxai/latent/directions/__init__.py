"""Directions in a code space: found, judged, measured and named."""
