"""SavedModels: written with `write.export`, read with `read.load`, described by their card."""
