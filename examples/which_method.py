"""Which attribution method for the classifier: the faithful ones that pass the sanity check."""

from tfgenxai import compare

found = compare.run("methods", size=8)
table = found.frames["classifier"].set_index("method")
sane = table[(table["insertion_gain_low"] > 0) & (table["randomisation"] < 0.5)]
shown = ["insertion_gain", "relevance_mass", "max_sensitivity", "seconds_per_map"]
print(sane.sort_values("insertion_gain", ascending=False)[shown])
found.save("runs/methods")
