"""Comparisons with numbers: of models, and of methods."""
