"""Layers, shapes and parameters as published."""

import keras
import numpy as np
import pytest

from tfgenxai.errors import UsageError
from tfgenxai.models import MODELS, model_entry
from tfgenxai.models.autoencoder import Autoencoder
from tfgenxai.models.classifier import Classifier
from tfgenxai.models.conv_vae import ConvVAE, make_decoder, make_encoder
from tfgenxai.models.cvae import CVAE
from tfgenxai.models.dcgan import DCGAN, make_discriminator_model, make_generator_model

# "Interpretation of Activation Maps in Generative Modelling" (Stuttgart, 2021), its two tables.
# The published encoder ends in a Lambda layer, which no Keras archive can hold safely.
ENCODER = """
encoder_input   InputLayer  128,128,3  0       -
encoder_conv_0  Conv2D      64,64,32   896     encoder_input
leaky_re_lu     LeakyReLU   64,64,32   0       encoder_conv_0
encoder_conv_1  Conv2D      32,32,64   18496   leaky_re_lu
leaky_re_lu_1   LeakyReLU   32,32,64   0       encoder_conv_1
encoder_conv_2  Conv2D      16,16,64   36928   leaky_re_lu_1
leaky_re_lu_2   LeakyReLU   16,16,64   0       encoder_conv_2
encoder_conv_3  Conv2D      8,8,64     36928   leaky_re_lu_2
leaky_re_lu_3   LeakyReLU   8,8,64     0       encoder_conv_3
flatten         Flatten     4096       0       leaky_re_lu_3
mu              Dense       200        819400  flatten
log_var         Dense       200        819400  flatten
encoder_output  Sampling    200        0       mu+log_var
"""
DECODER = """
decoder_input   InputLayer       200        0       -
dense           Dense            4096       823296  decoder_input
reshape         Reshape          8,8,64     0       dense
decoder_conv_0  Conv2DTranspose  16,16,64   36928   reshape
leaky_re_lu_4   LeakyReLU        16,16,64   0       decoder_conv_0
decoder_conv_1  Conv2DTranspose  32,32,64   36928   leaky_re_lu_4
leaky_re_lu_5   LeakyReLU        32,32,64   0       decoder_conv_1
decoder_conv_2  Conv2DTranspose  64,64,32   18464   leaky_re_lu_5
leaky_re_lu_6   LeakyReLU        64,64,32   0       decoder_conv_2
decoder_conv_3  Conv2DTranspose  128,128,3  867     leaky_re_lu_6
activation      Activation       128,128,3  0       decoder_conv_3
"""


def table(model: keras.Model) -> list[list[str]]:
    """The rows of `model.summary()`, in the form of the tables above."""
    rows = []
    for layer in model.layers:
        output = layer.output[0] if isinstance(layer.output, list) else layer.output
        before = [
            tensor._keras_history.operation.name
            for tensor in keras.tree.flatten(layer.input)
            if tensor._keras_history.operation is not layer
        ]
        shape = ",".join(map(str, output.shape[1:]))
        kind = type(layer).__name__
        rows.append([layer.name, kind, shape, str(layer.count_params()), "+".join(before) or "-"])
    return rows


@pytest.mark.parametrize(
    ("make", "published", "name", "parameters"),
    [
        (make_encoder, ENCODER, "Encoder", 1_732_048),
        (make_decoder, DECODER, "Decoder", 916_483),
    ],
)
def test_stuttgart_summaries(make, published, name, parameters):
    model = make()
    assert model.name == name
    assert table(model) == [line.split() for line in published.strip().splitlines()]
    assert model.count_params() == parameters
    assert sum(np.prod(w.shape) for w in model.trainable_weights) == parameters


@pytest.mark.parametrize(("latent_dim", "parameters"), [(2, 69_989), (10, 119_413)])
def test_cvae_parameters(latent_dim, parameters):
    assert CVAE(latent_dim).count_params() == parameters


def test_dcgan_parameters():
    generator, discriminator = make_generator_model(), make_discriminator_model()
    assert generator.count_params() == 2_330_944
    assert discriminator.count_params() == 212_865
    assert DCGAN().count_params() == 2_330_944 + 212_865
    assert generator.output_shape == (None, 28, 28, 1)
    assert discriminator.output_shape == (None, 1)
    slopes = [x.negative_slope for x in generator.layers if isinstance(x, keras.layers.LeakyReLU)]
    assert slopes == pytest.approx([0.3] * 3)
    rates = [x.rate for x in discriminator.layers if isinstance(x, keras.layers.Dropout)]
    assert rates == [0.3, 0.3]


def test_the_decoder_before_its_sigmoid_shares_the_weights():
    model = ConvVAE(latent_dim=3)
    assert model.count_params() == model.encoder.count_params() + model.decoder.count_params()
    for weight in model.decoder.weights:
        assert any(weight is other for other in model.decoder_logits.weights)


def test_the_autoencoder_is_the_vae_without_its_spread():
    vae, plain = ConvVAE(), Autoencoder()
    log_var = vae.encoder.get_layer("log_var").count_params()
    assert plain.count_params() == vae.count_params() - log_var
    assert [row[:4] for row in table(plain.encoder)[:-1]] == [
        row[:4] for row in table(vae.encoder)[:10]
    ]


def test_published_optimizers():
    rates = {
        cls: float(cls.default_optimizer().learning_rate)
        for cls in (CVAE, DCGAN, ConvVAE, Autoencoder, Classifier)
    }
    assert rates == pytest.approx(
        {CVAE: 1e-4, DCGAN: 1e-4, ConvVAE: 5e-4, Autoencoder: 5e-4, Classifier: 1e-3}
    )
    assert float(CVAE.default_optimizer(0.1).learning_rate) == pytest.approx(0.1)


def test_layer_names_are_stable_whatever_was_built_before():
    for entry in MODELS.values():
        if entry.config.get("num_classes"):
            continue
        first, second = (entry.load_class()(**entry.config) for _ in range(2))
        for one, other in zip(first.layers, second.layers, strict=True):
            names = [layer.name for layer in getattr(one, "layers", [])]
            assert names == [layer.name for layer in getattr(other, "layers", [])]


def test_unknown_model_names_the_others():
    with pytest.raises(UsageError, match="no model 'cave'.*cvae"):
        model_entry("cave")
