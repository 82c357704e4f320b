"""SHAP against LIME: which claims hold, and which latents make an eight."""

from tfgenxai import compare

found = compare.run("shap-lime")
for sentence in found.findings:
    print("-", sentence)
print(found.frames["stability"][["measure", "case", "SHAP", "LIME"]].to_string())
print(found.frames["overall"].set_index("latent")[["SHAP", "LIME", "effect"]].round(3))
found.figures["budget-images"].savefig("budget.png")
found.save("runs/shap-lime")
