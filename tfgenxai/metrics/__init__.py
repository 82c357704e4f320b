"""Numbers for models: likelihood, reconstruction, generation; and for explanations of them."""

#: The parts of `tfgenxai.metrics.generation.generation_report`, each of which can be skipped.
GENERATION_PARTS = ("classes", "stacked", "distances", "manifold", "memorisation")

#: How many images are drawn where nothing else is said.
GENERATED_IMAGES = 2000
