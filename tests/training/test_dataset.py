import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.training.dataset import steps_per_epoch, training_batches, validation_batches

COUNT, BATCH = 23, 5


@pytest.fixture(scope="module")
def pixels():
    """Images whose every pixel is the image's number."""
    return np.arange(COUNT, dtype=np.uint8).repeat(784).reshape(COUNT, 28, 28, 1)


def order(pixels, seed, epochs):
    """The numbers of the images, batch by batch."""
    data = training_batches(
        pixels,
        np.arange(COUNT) * 10,
        lambda images: images * 255,
        batch_size=BATCH,
        seed=seed,
        epochs=epochs,
    )
    batches = []
    for images, labels in data:
        numbers = np.rint(images[:, 0, 0, 0]).astype(int)
        np.testing.assert_array_equal(labels, numbers * 10)
        batches.append(numbers.tolist())
    return batches


@pytest.mark.parametrize(("count", "steps"), [(1, 1), (5, 1), (6, 2), (23, 5), (25, 5)])
def test_steps(count, steps):
    assert steps_per_epoch(count, 5) == steps


def test_every_epoch_has_every_image_once_in_an_order_of_its_own(pixels):
    batches = order(pixels, 3, range(3))
    assert [len(batch) for batch in batches] == [5, 5, 5, 5, 3] * 3
    epochs = [sum(batches[first : first + 5], []) for first in (0, 5, 10)]
    assert all(sorted(epoch) == list(range(COUNT)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_order_depends_on_seed_and_epoch_alone(pixels):
    whole = order(pixels, 3, range(4))
    tf.random.set_seed(99)
    assert order(pixels, 3, range(4)) == whole
    assert order(pixels, 3, range(2, 4)) == whole[10:]
    assert order(pixels, 3, range(3, 4)) == whole[15:]
    assert order(pixels, 4, range(4))[:5] != whole[:5]


def test_images_are_scaled_then_prepared():
    pixels = np.array([0, 51, 255], np.uint8).repeat(784).reshape(3, 28, 28, 1)
    seen = training_batches(pixels, None, lambda x: 1 - x, batch_size=3, seed=0, epochs=range(1))
    (images,) = seen
    assert images.dtype == tf.float32
    assert sorted(images[:, 0, 0, 0].numpy()) == pytest.approx([0, 0.8, 1])


def test_validation_keeps_the_stored_order(pixels):
    labels = np.arange(COUNT)
    data = validation_batches(pixels, labels, lambda x: x * 255, batch_size=10)
    parts = list(data)
    assert [len(images) for images, _ in parts] == [10, 10, 3]
    np.testing.assert_array_equal(np.concatenate([label for _, label in parts]), labels)
    images = np.concatenate([images for images, _ in parts])
    np.testing.assert_allclose(images[:, 3, 3, 0], labels, atol=1e-4)
    (images,), *_ = validation_batches(pixels, None, lambda x: x, batch_size=30)
    assert images.shape == (COUNT, 28, 28, 1)
