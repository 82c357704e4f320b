"""Moving pictures, read back frame by frame."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.latent.directions.gif import save_gif

GREYS = (np.arange(5)[:, None, None, None] * np.ones((1, 4, 3, 1)) / 4).astype(np.float32)


def test_it_goes_there_and_back_without_end(tmp_path):
    path = save_gif(tmp_path / "new" / "walk.gif", GREYS, seconds=1.6, enlarge=2)
    with Image.open(path) as found:
        assert found.n_frames == 8 and found.info["loop"] == 0 and found.size == (6, 8)
        shown = []
        for frame in range(8):
            found.seek(frame)
            assert found.info["duration"] == 200
            shown.append(np.asarray(found.convert("RGB")))
    for pixels, level in zip(shown, [0, 1, 2, 3, 4, 3, 2, 1]):
        assert (pixels == round(255 * level / 4)).all()


def test_several_images_stand_side_by_side(tmp_path):
    both = np.stack([GREYS, 1 - GREYS], axis=1)
    with Image.open(save_gif(tmp_path / "two.gif", both, enlarge=1)) as found:
        assert found.size == (7, 4)  # with a line between them
        first = np.asarray(found.convert("RGB"))
    assert (first[:, :3] == 0).all() and (first[:, 4:] == 255).all()


def test_what_cannot_move_is_refused(tmp_path):
    path = tmp_path / "no.gif"
    for frames in (GREYS[:1], GREYS[0]):
        with pytest.raises(InvalidInputError, match="two frames or more"):
            save_gif(path, frames)
    with pytest.raises(InvalidInputError, match="NaN"):
        save_gif(path, GREYS * np.nan)
    for options in ({"seconds": 0.01}, {"enlarge": 0}):
        with pytest.raises(UsageError, match="hundredth"):
            save_gif(path, GREYS, **options)
    assert not path.exists()
