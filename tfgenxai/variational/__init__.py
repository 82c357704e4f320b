"""Variational explanations of one prediction: mixtures over the pixels of an image."""
