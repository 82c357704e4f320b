"""Keras archives: the same outputs, and training that goes on as if never interrupted."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.models import MODELS
from tfgenxai.models.words import WordModel


def built(name: str, steps: int = 2):
    """A model after some steps, a batch for it, and an input of its `call`."""
    entry = MODELS[name]
    keras.utils.set_random_seed(4)
    model = entry.load_class()(**entry.config, seed=4)
    model.compile(optimizer=model.default_optimizer(1e-3), jit_compile=False)
    rng = np.random.default_rng(5)
    of_words = isinstance(model, WordModel)
    images = rng.random((4, 32, 32, 1) if of_words else (4, *model.image_shape), np.float32)
    labels = tf.constant([[3, 1], [4, 1], [5, 9], [2, 6]] if of_words else [3, 1, 4, 1])
    batch = (tf.constant(images), labels)
    for _ in range(steps):
        model.train_step(batch)
    inputs = images
    if hasattr(model, "generator"):
        inputs = rng.standard_normal((4, model.latent_dim)).astype(np.float32)
    if name in ("cvae-conditional", "cgan", "info-cgan", "scrabble-gan"):
        inputs = (inputs, labels.numpy())
    return model, batch, inputs


@pytest.mark.parametrize("name", sorted(MODELS.keys() - {"cvae-2d", "gan", "sagan"}))
def test_load_model_goes_on_with_training(name, tmp_path):
    model, batch, inputs = built(name)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    assert loaded.get_config() == model.get_config()
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
    assert int(loaded.steps) == int(model.steps) == 2

    for one in (model, loaded):
        one.train_step(batch)
    for one, other in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy(), err_msg=one.path)


def test_the_archive_of_a_dcgan_keeps_both_optimizers(tmp_path):
    model, batch, _ = built("dcgan", steps=0)
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        discriminator_optimizer=keras.optimizers.RMSprop(2e-3),
        jit_compile=False,
    )
    model.train_step(batch)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for name in ("optimizer", "discriminator_optimizer"):
        saved, restored = getattr(model, name), getattr(loaded, name)
        assert type(saved) is type(restored)
        assert float(saved.learning_rate) == float(restored.learning_rate)
        assert len(saved.variables) == len(restored.variables)
        for one, other in zip(saved.variables, restored.variables, strict=True):
            np.testing.assert_array_equal(one.numpy(), other.numpy(), err_msg=one.path)
    assert loaded.discriminator_optimizer is not loaded.optimizer
