import numpy as np
import pytest
import tensorflow as tf

from tfgenxai.errors import InvalidInputError, UsageError
from tfgenxai.latent.directions.reconstructor import make_reconstructor


def trainable(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def test_lenet_counted_by_hand():
    """Kernels without bias, and a scale and a bias of each normalisation."""
    trunk = 2 * 25 * 6 + 2 * 6 + 6 * 25 * 16 + 2 * 16 + 16 * 25 * 120 + 2 * 120
    heads = 2 * (120 * 84 + 2 * 84) + 84 * 20 + 20 + 84 + 1
    assert trainable(make_reconstructor("lenet", 20, (28, 28, 1))) == trunk + heads


def test_conv_counted_by_hand():
    trunk = 2 * 25 * 64 + 2 * 64 + 64 * 25 * 128 + 2 * 128
    head = 128 * 9 * 256 + 2 * 256 + 256 * 9 * 512 + 2 * 512 + 512 * 250 + 2 * 250
    last = 250 * 20 + 20 + 250 + 1
    assert trainable(make_reconstructor("conv", 20, (28, 28, 1))) == trunk + 2 * head + last


@pytest.mark.parametrize(
    ("name", "widths"), [("resdown", (32, 64, 128)), ("resdown-full", (256, 512, 1024))]
)
def test_resdown_counted_by_hand_reads_any_width(name, widths):
    before, trunk = 2, 0
    for width in widths:
        trunk += before * 9 * width + width * 9 * width + before * width + 4 * width
        before = width
    head = before * 250 + 2 * 250
    model = make_reconstructor(name, 10, (32, 64, 1))
    assert trainable(model) == trunk + 2 * head + 250 * 10 + 10 + 250 + 1
    narrow = make_reconstructor(name, 10, (32, 16, 1))
    assert trainable(narrow) == trainable(model)


@pytest.mark.parametrize(
    ("name", "shape"), [("lenet", (36, 40, 3)), ("conv", (9, 12, 1)), ("resdown", (32, 16, 1))]
)
def test_answers(name, shape):
    model = make_reconstructor(name, 4, shape, seed=1)
    pair = tf.random.stateless_uniform((2, 5, *shape), (1, 2))
    logits, sizes = model((pair[0], pair[1]))
    assert logits.shape == (5, 4) and sizes.shape == (5,)
    swapped, _ = model((pair[1], pair[0]))
    assert not np.allclose(logits, swapped)  # the order matters: it tells the sign of epsilon
    again, _ = make_reconstructor(name, 4, shape, seed=1)((pair[0], pair[1]))
    other, _ = make_reconstructor(name, 4, shape, seed=2)((pair[0], pair[1]))
    np.testing.assert_array_equal(logits, again)
    assert not np.allclose(logits, other)


def test_layers_start_apart():
    """One seed, and yet no two kernels of one shape are the same."""
    model = make_reconstructor("lenet", 1, (28, 28, 1))
    heads = [head.layers[0].kernel.numpy() for head in (model.direction_head, model.size_head)]
    assert not np.allclose(*heads)


def test_errors():
    with pytest.raises(
        UsageError, match="no reconstructor 'resnet'; choose from lenet, conv, resdown"
    ):
        make_reconstructor("resnet", 3, (28, 28, 1))
    with pytest.raises(InvalidInputError, match="28 x 28 or more, not 28 x 27; take 'conv'"):
        make_reconstructor("lenet", 3, (28, 27, 1))
