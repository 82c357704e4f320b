"""The comparison with a GAN that takes labels and codes of a prior, beside shipped models."""

import numpy as np
import pytest
import tensorflow as tf

import tfgenxai
from tests.test_gan_commands import SIGNATURES, Coded
from tfgenxai import compare
from tfgenxai.compare import vae_gan_neurons, vae_gan_quality
from tfgenxai.compare.material import gather
from tfgenxai.compare.subjects import Subjects
from tfgenxai.compare.vae_gan import VaeGan
from tfgenxai.compare.vae_gan_heatmaps import add_discriminator_heatmaps
from tfgenxai.compare.vae_gan_neurons import add_neurons
from tfgenxai.compare.vae_gan_quality import add_inversion
from tfgenxai.compare.vae_gan_samples import add_samples
from tfgenxai.errors import UsageError

SIZE = 60
pytestmark = pytest.mark.shipped


@pytest.fixture(scope="module")
def conditional(subjects, tmp_path_factory):
    """The shipped VAE and classifier, and a conditional GAN."""
    folder, module = tmp_path_factory.mktemp("models") / "coded", Coded()
    signatures = {name: getattr(module, name) for name in SIGNATURES[Coded]}
    tf.saved_model.save(module, str(folder), signatures=signatures)
    return Subjects(subjects.vae, tfgenxai.load(folder), subjects.classifier, subjects.data)


def test_it_gets_the_labels_and_codes_that_it_was_made_for(conditional, monkeypatch):
    monkeypatch.setattr(vae_gan_quality, "_INVERTED", 10)
    monkeypatch.setattr(vae_gan_quality, "_STEPS", 4)
    monkeypatch.setattr(vae_gan_neurons, "_STEPS", 3)
    monkeypatch.setattr(vae_gan_neurons, "_ABLATED", 4)
    monkeypatch.setattr(vae_gan_neurons, "_CHANNELS", 1)
    material = gather(conditional, size=SIZE, seed=3)
    comparison = VaeGan(conditional, material, 3)
    for step in (add_samples, add_inversion, add_neurons, add_discriminator_heatmaps):
        step(comparison)

    model, labels = Coded(), np.arange(SIZE) % 10
    random = np.random.default_rng(3)
    random.standard_normal((SIZE, 10))  # the VAE's codes come first
    z = model.prior(random.standard_normal((SIZE, 6)).astype(np.float32))["z"]
    np.testing.assert_allclose(material.noise, z, atol=1e-6)
    images = model.generate(z, labels)["image"].numpy()
    np.testing.assert_allclose(material.gan_samples, images, atol=1e-5)
    share = float(np.mean(material.gan_labels == labels))
    assert comparison.results["asked_label_drawn"] == pytest.approx(share)

    real = model.discriminate(conditional.grey(SIZE), conditional.labels(SIZE))["logits"].numpy()
    fake = model.discriminate(images, labels)["logits"].numpy()
    found = comparison.results["discriminator"]
    assert found["mean_logit_real"] == pytest.approx(real.mean(), rel=1e-4)
    assert found["mean_logit_generated"] == pytest.approx(fake.mean(), rel=1e-4)
    assert found["balanced_accuracy"] == pytest.approx(((real > 0).mean() + (fake < 0).mean()) / 2)
    assert comparison.results["inversion"]["images"] == 10


@pytest.mark.parametrize("name", ["methods", "shap-lime", "saliency-lrp", "conclusions"])
def test_others_refuse_labels(conditional, name):
    with pytest.raises(UsageError, match="coded is a conditional GAN, .* vae-gan"):
        compare.run(name, conditional, size=compare.COMPARISONS[name].least, progress=False)
