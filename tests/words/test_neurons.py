"""`tfgenxai neurons` on a recogniser: what is measured, and layers that have no picture."""

from pathlib import Path

import numpy as np
from matplotlib.text import Text

from tfgenxai.neurons.effects import ScoreShift
from tfgenxai.neurons.looks import look_at_ablation, look_at_activations
from tfgenxai.neurons.request import EFFECTS, NeuronsRequest
from tfgenxai.neurons.subject import Subject


def test_units_of_a_recogniser(reader):
    images = np.random.default_rng(1).random((4, 32, 32, 1), dtype=np.float32)
    request = NeuronsRequest(path="reader@02", out=Path("none"), how="zero")
    values = {"image": images}
    about = Subject(request, "recognise", reader, "image", values, None, None, None, "conv", {})
    found = look_at_activations(about)
    # Its columns (7, 6) are no feature map: a row of the table, and no picture.
    assert {"conv", "columns"} <= set(found.tables["activations"]["layer"])
    drawn = {text.get_text() for text in found.figures["activations"].findobj(Text)}
    assert any("conv" in text for text in drawn) and not any("columns" in text for text in drawn)
    effect = about.effect(None)
    assert isinstance(effect, ScoreShift) and "reading" in EFFECTS
    ranking = look_at_ablation(about).tables["ranking"]
    probable = reader.function("image", "log_probabilities")(images)
    parts = reader.after("conv")
    maps = reader.function("image", "conv")(images).numpy()
    for unit in range(6):
        less = maps.copy()
        less[..., unit] = 0
        moved = np.abs(parts.function("conv", "log_probabilities")(less) - probable).mean()
        row = ranking.set_index("unit").loc[unit]
        np.testing.assert_allclose(row["effect"], moved, rtol=1e-4, atol=1e-7)
    assert ranking["effect"].max() > 1e-3
