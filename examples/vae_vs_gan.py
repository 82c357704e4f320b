"""A VAE against a GAN: what was found, the numbers as a frame, one figure and the whole page."""

from tfgenxai import compare, plots

found = compare.run("vae-gan", size=500)
print(*found.findings, sep="\n")
print(found.frames["summary"].to_string(index=False))
plots.save(found.figures["latent-tsne"], "runs/latent-tsne.png")
print(found.save("runs/vae-gan"))
