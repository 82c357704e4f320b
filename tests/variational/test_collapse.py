"""Small models that see digits together or in turn."""

import numpy as np
import pytest

from tfgenxai.errors import InvalidInputError
from tfgenxai.models.cluster_vae import ClusterVAE
from tfgenxai.variational.collapse import drawn_after


@pytest.fixture
def seen(monkeypatch):
    """What `fit` is given instead of a training: batches, settings, and the model."""
    found = {}

    def fit(model, batches, **settings):
        found.update(settings, model=model, batches=[batch.numpy() for batch in batches])

    monkeypatch.setattr(ClusterVAE, "fit", fit)
    return found


def planted(rng, count=60):
    """Images that hold their class in the first pixel."""
    labels = rng.integers(0, 3, count)
    images = np.zeros((count, 28, 28, 1), np.float32)
    images[:, 0, 0, 0] = labels
    return images, labels


def test_one_after_another_an_epoch_has_one_class(seen):
    images, labels = planted(np.random.default_rng(1))
    drawn = drawn_after(images, labels, order="one after another", steps=4, count=7, seed=2)
    assert drawn.shape == (7, 28, 28, 1) and drawn.min() >= 0 and drawn.max() <= 1
    assert seen["epochs"] == 3 and seen["steps_per_epoch"] == 4 and not seen["shuffle"]
    classes = [{float(v) for v in batch[:, 0, 0, 0]} for batch in seen["batches"]]
    assert len(classes) == 12 and all(len(each) == 1 for each in classes)
    epochs = [set.union(*classes[4 * e : 4 * e + 4]) for e in range(3)]
    assert all(len(each) == 1 for each in epochs) and set.union(*epochs) == {0.0, 1.0, 2.0}


def test_together_every_epoch_has_all_and_settings_reach_the_model(seen):
    images, labels = planted(np.random.default_rng(1))
    drawn_after(
        images, labels, order="together", hold=3.0, hold_over="prior", steps=2, latent_dim=4
    )
    for epoch in range(3):
        held = np.concatenate(seen["batches"][2 * epoch : 2 * epoch + 2])
        assert set(held[:, 0, 0, 0]) == {0.0, 1.0, 2.0}
    model = seen["model"]
    assert (model.hold, model.hold_over, model.latent_dim) == (3.0, "prior", 4)
    with pytest.raises(InvalidInputError, match="one after another, together"):
        drawn_after(images, labels, order="at random")
