"""Saliency against LRP on the classifier alone: noise, faithfulness, sums, sanity."""

from tfgenxai.compare.saliency_lrp import compare_saliency_lrp
from tfgenxai.compare.subjects import Subjects

found = compare_saliency_lrp(Subjects.load(), size=24, only=("classifier",))
print(found.frames["claims"][["claim", "verdict here"]].to_string())
print(
    found.frames["noise"][["measure", "Saliency", "SmoothGrad", "LRP", "LRP-epsilon"]].to_string()
)
print(found.frames["sums"][["measure", "LRP", "LRP-epsilon"]].to_string())
for name, figure in found.figures.items():
    figure.savefig(f"{name}.png")
found.save("runs/saliency-lrp")  # compare.run("saliency-lrp") looks at all three networks
