"""Four conclusions about VAEs and GANs of digits, tested: verdicts, numbers and controls."""

from tfgenxai import compare

found = compare.run("conclusions", size=500)
for row in found.frames["conclusions"].itertuples():
    print(f"{row.verdict:16} {row.model:24} {row.conclusion}\n{'':16} {row.measured}")
found.save("runs/conclusions")
