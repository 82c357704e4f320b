"""What attacks give back: numbers by their definitions, and files."""

import json

import numpy as np
import pytest

from tfgenxai.attacks import FGSM, Adversarial, LatentAttack, Redirected
from tfgenxai.errors import DataNotFoundError, InvalidInputError


@pytest.fixture(scope="module")
def found(linear, images):
    return FGSM(linear.graph, eps=0.3)(images, target=1, progress=False)


def test_norms_and_table(found):
    frame = found.to_frame()
    assert list(frame.columns) == [
        *("seen", "confidence", "seen_after", "confidence_after", "target", "success"),
        *("linf", "l2", "pixels"),
    ]
    for n, delta in enumerate(found.adversarial - found.images):
        assert frame.linf[n] == pytest.approx(np.abs(delta).max())
        assert frame.l2[n] == pytest.approx(np.sqrt((delta**2).sum()), rel=1e-5)
        assert frame.pixels[n] == (delta != 0).sum()
        assert frame.confidence[n] == found.before[n].max()
    np.testing.assert_allclose(found.after.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("kind", [Adversarial, Redirected])
def test_files(kind, found, vae, images, tmp_path):
    made = found
    if kind is Redirected:
        made = LatentAttack(vae.graphs)(images, images[::-1])
        assert list(made.to_frame().columns[:3]) == ["distance", "distance_after", "closed"]
    path = made.save(tmp_path / "deep" / "a.npz")
    again = kind.load(path)
    assert (again.attack, again.settings) == (made.attack, made.settings)
    for name, value in vars(made).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(again, name), value)
    other = Adversarial if kind is Redirected else Redirected
    with pytest.raises(InvalidInputError, match="not written by"):
        other.load(path)
    with np.load(path) as archive:
        assert json.loads(str(archive["about"]))["attack"] == made.attack
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InvalidInputError, match="damaged"):
        kind.load(path)
    with pytest.raises(DataNotFoundError, match="There is no file"):
        kind.load(tmp_path / "none.npz")
