"""Numbers for models: likelihood bounds, reconstruction, active units, coverage of the modes."""
