"""The calling sequences of TensorFlow's tutorials for the CVAE and the DCGAN, and `Model.fit`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.models.base import log_normal_pdf
from tfgenxai.models.classifier import Classifier
from tfgenxai.models.cvae import CVAE, preprocess_images
from tfgenxai.models.dcgan import (
    DCGAN,
    discriminator_loss,
    generator_loss,
    make_discriminator_model,
    make_generator_model,
)


def bars(count: int = 32) -> np.ndarray:
    """Grey levels 0..255 (count, 28, 28): a bright bar at one of four places."""
    levels = np.full((count, 28, 28), 20, np.uint8)
    for index, image in enumerate(levels):
        image[:, 7 * (index % 4) : 7 * (index % 4) + 5] = 230
    return levels


def test_preprocessing_makes_binary_images():
    levels = np.array([0, 127, 128, 255] * 196, np.uint8).reshape(1, 28, 28)
    images = preprocess_images(levels)
    assert images.dtype == np.float32 and images.shape == (1, 28, 28, 1)
    np.testing.assert_array_equal(images.ravel()[:4], [0, 0, 1, 1])


def test_the_cvae_in_a_loop_of_the_users_own():
    data = preprocess_images(bars())
    train = tf.data.Dataset.from_tensor_slices(data).shuffle(32, seed=0).batch(16)
    model = CVAE(2)
    optimizer = tf.keras.optimizers.Adam(1e-3)

    def compute_loss(model, x):
        mean, logvar = model.encode(x)
        z = model.reparameterize(mean, logvar)
        logits = model.decode(z)
        errors = tf.nn.sigmoid_cross_entropy_with_logits(logits=logits, labels=x)
        log_likelihood = -tf.reduce_sum(errors, axis=[1, 2, 3])
        log_prior = log_normal_pdf(z, 0.0, 0.0)
        return -tf.reduce_mean(log_likelihood + log_prior - log_normal_pdf(z, mean, logvar))

    @tf.function
    def train_step(model, x, optimizer):
        with tf.GradientTape() as tape:
            loss = compute_loss(model, x)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))

    before = float(compute_loss(model, data))
    for _ in range(12):
        for batch in train:
            train_step(model, batch, optimizer)
    after = keras.metrics.Mean()
    for batch in train:
        after(compute_loss(model, batch))
    assert -after.result() > -before + 100

    seed = tf.random.normal([16, 2])
    drawn = model.sample(seed)
    assert drawn.shape == (16, 28, 28, 1)
    np.testing.assert_allclose(drawn, model.decode(seed, apply_sigmoid=True))
    np.testing.assert_allclose(drawn, tf.sigmoid(model.decode(seed)))
    assert model.sample().shape == (100, 28, 28, 1)

    mean, logvar = model.encode(data[:4])
    predictions = model.sample(model.reparameterize(mean, logvar))
    assert predictions[0, :, :, 0].shape == (28, 28)
    assert not np.array_equal(
        model.reparameterize(mean, logvar), model.reparameterize(mean, logvar)
    )


def test_the_dcgan_in_a_loop_of_the_users_own_and_its_checkpoint(tmp_path):
    data = bars(16).reshape(-1, 28, 28, 1).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((data - 127.5) / 127.5).batch(8)

    def everything():
        parts = {
            "generator_optimizer": tf.keras.optimizers.Adam(1e-4),
            "discriminator_optimizer": tf.keras.optimizers.Adam(1e-4),
            "generator": make_generator_model(),
            "discriminator": make_discriminator_model(),
        }
        return parts, tf.train.Checkpoint(**parts)

    parts, checkpoint = everything()
    generator, discriminator = parts["generator"], parts["discriminator"]

    @tf.function
    def train_step(images):
        noise = tf.random.normal([8, 100])
        with tf.GradientTape() as gen_tape, tf.GradientTape() as disc_tape:
            generated = generator(noise, training=True)
            real_output = discriminator(images, training=True)
            fake_output = discriminator(generated, training=True)
            gen_loss = generator_loss(fake_output)
            disc_loss = discriminator_loss(real_output, fake_output)
        for tape, loss, network in (
            (gen_tape, gen_loss, "generator"),
            (disc_tape, disc_loss, "discriminator"),
        ):
            variables = parts[network].trainable_variables
            gradients = tape.gradient(loss, variables)
            parts[f"{network}_optimizer"].apply_gradients(zip(gradients, variables))

    before = generator.get_weights()
    for images in data:
        train_step(images)
    assert any(not np.array_equal(a, b) for a, b in zip(before, generator.get_weights()))
    pictures = generator(tf.random.normal([16, 100]), training=False)
    assert pictures.shape == (16, 28, 28, 1)
    assert np.abs(pictures).max() <= 1

    checkpoint.save(file_prefix=str(tmp_path / "ckpt"))
    fresh, restored = everything()
    restored.restore(tf.train.latest_checkpoint(str(tmp_path)))
    for name in ("generator", "discriminator"):
        fresh[f"{name}_optimizer"].build(fresh[name].trainable_variables)
        for part, attribute in ((name, "weights"), (f"{name}_optimizer", "variables")):
            saved, read = (getattr(these[part], attribute) for these in (parts, fresh))
            for one, other in zip(saved, read, strict=True):
                np.testing.assert_array_equal(one.numpy(), other.numpy(), err_msg=one.path)
        assert int(fresh[f"{name}_optimizer"].iterations) == 2


def test_fit_in_plain_python():
    keras.utils.set_random_seed(0)
    images = preprocess_images(bars())
    model = CVAE(2)
    model.compile(optimizer=keras.optimizers.Adam(1e-3))
    history = model.fit(images, batch_size=16, epochs=10, verbose=0).history
    assert history["loss"][-1] < history["loss"][0] - 100
    assert history["elbo"] == pytest.approx([-loss for loss in history["loss"]])
    values = model.evaluate(images, verbose=0, return_dict=True)
    assert values.keys() == {"loss", "elbo", "reconstruction", "kl"}
    assert model.predict(images, verbose=0).shape == images.shape


def test_the_reported_loss_weighs_batches_by_their_size():
    model = CVAE(2)
    model.compile(optimizer=keras.optimizers.SGD(0.0), jit_compile=False)
    images = preprocess_images(bars(5))
    data = tf.data.Dataset.from_tensor_slices(images).batch(4)  # 4 images and 1
    parts = [float(model.losses(batch, None)["loss"]) for batch in data]
    loss = model.evaluate(data, verbose=0, return_dict=True)["loss"]
    assert loss == pytest.approx((4 * parts[0] + parts[1]) / 5, rel=1e-5)


def test_fit_with_labels():
    images = bars(8).reshape(-1, 28, 28, 1).astype("float32") / 255
    classifier = Classifier(num_classes=4)
    classifier.compile(optimizer="adam", jit_compile=False)
    losses = classifier.fit(images, np.arange(8) % 4, epochs=6, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_one_step_of_the_dcgan_is_the_tutorials():
    """With plain gradient descent, the change of the weights is the gradient itself."""
    keras.utils.set_random_seed(1)
    model = DCGAN(seed=3)
    for layer in model.discriminator.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    model.compile(optimizer=keras.optimizers.SGD(1.0), jit_compile=False)
    images = bars(4).reshape(-1, 28, 28, 1).astype("float32") / 255
    noise = model.noise((4, 100))
    with tf.GradientTape(persistent=True) as tape:
        fakes = model.generator(noise, training=True)
        fake_output = model.discriminator(fakes)
        g_loss = generator_loss(fake_output)
        d_loss = discriminator_loss(model.discriminator(2 * images - 1), fake_output)
    networks = ((model.generator, g_loss), (model.discriminator, d_loss))
    expected = [
        (variable, variable.numpy() - gradient.numpy())
        for network, loss in networks
        for variable, gradient in zip(
            network.trainable_variables, tape.gradient(loss, network.trainable_variables)
        )
    ]
    values = model.train_step(tf.constant(images))
    assert float(values["generator_loss"]) == pytest.approx(float(g_loss), rel=1e-4)
    assert float(values["discriminator_loss"]) == pytest.approx(float(d_loss), rel=1e-4)
    for variable, value in expected:
        np.testing.assert_allclose(variable.numpy(), value, atol=2e-5, err_msg=variable.path)
