"""What each figure shows, read back from its axes."""

from __future__ import annotations

import io
from types import SimpleNamespace

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from PIL import Image

from tfgenxai import plots
from tfgenxai.attribution.result import Attribution
from tfgenxai.errors import InvalidInputError
from tfgenxai.latent import PCA
from tfgenxai.plots.style import COLOURS

RANDOM = np.random.default_rng(0)
GREY = RANDOM.random((3, 8, 8, 1)).astype(np.float32)
COLOUR = RANDOM.random((3, 8, 8, 3)).astype(np.float32)


def titles(figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes if axes.get_title()]


def test_figures_leave_no_global_state_and_repeat_byte_for_byte(tmp_path):
    before = dict(matplotlib.rcParams)
    figure = plots.image_grid(GREY, title="Samples")
    first = plots.png(figure)
    assert plots.png(plots.image_grid(GREY, title="Samples")) == first
    path = plots.save(figure, tmp_path / "new folder" / "grid.png")
    assert path.read_bytes() == first
    assert [each.name for each in path.parent.iterdir()] == ["grid.png"]
    assert dict(matplotlib.rcParams) == before
    from matplotlib import pyplot

    assert pyplot.get_fignums() == []
    with Image.open(io.BytesIO(plots.png(figure, dpi=150))) as shown:
        assert shown.width == round(figure.get_size_inches()[0] * 150)


def test_scatter_colours_and_names_every_class():
    codes = RANDOM.normal(size=(60, 4))
    labels = np.repeat([0, 1, 2], 20)
    figure = plots.scatter(PCA()(codes), labels, ["zero", "one", "two"], title="Codes")
    axes = figure.axes[0]
    assert titles(figure) == ["Codes"]
    assert axes.get_xlabel().startswith("component 1 (")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["zero", "one", "two"]
    dots = axes.collections[0]
    points = np.asarray(dots.get_offsets())
    values = PCA()(codes).values
    for point, colour in zip(points, dots.get_facecolors(), strict=True):
        source = np.abs(values - point).sum(axis=1).argmin()
        np.testing.assert_allclose(colour[:3], to_rgba(COLOURS[labels[source]])[:3])


def test_scatter_draws_quantities_on_a_scale_and_points_without_labels():
    points = RANDOM.normal(size=(30, 2))
    scaled = plots.scatter(points, np.linspace(0, 1, 30))
    assert len(scaled.axes) == 2
    assert not scaled.legends
    assert len(plots.scatter(points).axes[0].collections[0].get_offsets()) == 30
    named = plots.scatter(points, np.array(["a", "b"] * 15))
    assert [text.get_text() for text in named.legends[0].get_texts()] == ["a", "b"]


def test_scatters_share_one_legend_and_take_the_method_as_title():
    codes = RANDOM.normal(size=(30, 4))
    labels = np.repeat([0, 1], 15)
    shown = PCA()(codes)
    figure = plots.scatters([("VAE", shown, labels), ("", shown, labels + 1)])
    assert titles(figure) == ["VAE", "PCA"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["0", "1", "2"]
    first, second = (axes.collections[0].get_facecolors() for axes in figure.axes)
    shared = {tuple(colour) for colour in first} & {tuple(colour) for colour in second}
    assert len(shared) == 1


@pytest.mark.parametrize(
    ("points", "labels", "names", "message"),
    [
        (np.zeros((5, 1)), None, None, "shape"),
        (np.zeros((5, 2)), np.zeros(4), None, "as many labels"),
        (np.zeros((5, 2)), np.arange(5), ["a"], "no name"),
    ],
)
def test_scatter_refuses_what_does_not_fit(points, labels, names, message):
    with pytest.raises(InvalidInputError, match=message):
        plots.scatter(points, labels, names)


def test_components_are_drawn_as_they_are():
    components = PCA(3)(RANDOM.normal(size=(50, 6)) * np.arange(1, 7)).components
    heights = [bar.get_height() for bar in plots.eigenvalues(components).axes[0].patches]
    np.testing.assert_allclose(heights, components.variance)
    figure = plots.loadings(components)
    assert len(figure.axes) == 2
    bars = figure.axes[1].patches
    np.testing.assert_allclose([bar.get_height() for bar in bars], components.vectors[1])
    coloured = [d for d, bar in enumerate(bars) if bar.get_facecolor() == to_rgba(COLOURS[0])]
    assert coloured == components.dominant(1)


@pytest.mark.parametrize("images", [GREY, COLOUR])
def test_image_figures_show_the_images(images):
    figure = plots.image_grid(images, ["a", "b", "c"], columns=2)
    assert titles(figure) == ["a", "b", "c"]
    for axes, image in zip(figure.axes, images, strict=True):
        shown = axes.images[0].get_array() / 255.0
        np.testing.assert_allclose(shown, np.broadcast_to(image, (8, 8, 3)), atol=0.003)
    pairs = plots.reconstructions(images, 1 - images)
    errors = ((images - (1 - images)) ** 2).mean(axis=(1, 2, 3))
    written = [float(axes.get_xlabel().split()[1]) for axes in pairs.axes[3:]]
    np.testing.assert_allclose(written, errors, atol=0.003)


def test_a_manifold_has_the_values_on_its_axes():
    images = RANDOM.random((3, 4, 8, 8, 1))
    axes = plots.manifold_2d(images, [-1, 0, 1, 2], [1, 0, -1]).axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["-1", "0", "1", "2"]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["1", "0", "-1"]
    corner = axes.images[0].get_array()[16:, 24:, 0] / 255.0
    np.testing.assert_allclose(corner, images[2, 3, ..., 0], atol=0.003)
    with pytest.raises(InvalidInputError, match="3 rows and 2 columns"):
        plots.manifold_2d(images, [0, 1], [1, 0, -1])


@pytest.mark.parametrize("images", [GREY, COLOUR])
@pytest.mark.parametrize("shape", [(3, 8, 8), (3, 8, 8, 1), (3, 2, 4, 4), (3, 2, 8, 8, 3)])
@pytest.mark.parametrize("over", [True, False])
def test_overlay_takes_every_shape_of_attribution(images, shape, over):
    values = RANDOM.normal(size=shape)
    figure = plots.overlay(values, images, over=over)
    targets = 2 if len(shape) == 5 or shape[1] == 2 else 1
    assert len(figure.axes) == 3 * (1 + targets) + 1
    drawn = figure.axes[1].images[-1]
    assert drawn.get_array().shape == (8, 8)
    assert drawn.norm.vmin == -drawn.norm.vmax


def test_overlay_scales_each_map_or_all_of_them():
    values = np.stack([np.full((8, 8), 1.0), np.full((8, 8), 4.0), np.zeros((8, 8))])
    each = plots.overlay(values, GREY)
    assert [each.axes[i].images[-1].get_array().max() for i in (1, 3, 5)] == [1, 1, 0]
    raw = plots.overlay(values, GREY, scale="figure")
    assert [raw.axes[i].images[-1].get_array().max() for i in (1, 3, 5)] == [1, 4, 0]
    assert raw.axes[1].images[-1].norm.vmin == 0
    assert raw.axes[1].images[-1].norm.vmax == 4


def test_overlay_reads_an_attribution_and_picks_targets():
    attribution = SimpleNamespace(
        values=RANDOM.random((3, 4, 2, 2)), target_names=("z0", "z1", "z2", "z3"), method="CAM"
    )
    figure = plots.overlay(attribution, GREY, targets=[3, 1], row_names=["a", "b", "c"])
    assert titles(figure) == ["input", "z3", "z1"]
    assert figure.get_suptitle() == "CAM"
    assert figure.axes[3].get_ylabel() == "b"
    opacity = figure.axes[1].images[-1].get_alpha()
    assert opacity.min() >= 0
    assert opacity.max() == pytest.approx(0.85)


def test_an_attribution_says_which_axis_is_the_target():
    values = RANDOM.random((3, 8, 8, 3)).astype(np.float32)
    one = Attribution(values, "saliency", ("z0",), (8, 8, 3))
    np.testing.assert_allclose(
        plots.overlay(one, COLOUR, scale="figure").axes[1].images[-1].get_array(),
        values[0].sum(axis=-1),
        rtol=1e-5,
    )
    names = tuple(f"z{i}" for i in range(8))
    family = Attribution(values, "CAM", names, (8, 8, 3), family=True)
    assert titles(plots.overlay(family, COLOUR)) == ["input", *names]
    shown = plots.latent_heatmaps(COLOUR, family, [6], mean=False)
    assert titles(shown) == ["input", "z6"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros((2, 8, 8)), "do not fit 3 images"),
        (np.zeros((8, 8)), "do not fit"),
        (0.0, "do not fit"),
        (np.full((3, 8, 8), np.inf), "infinite"),
        (np.zeros((3, 200, 2, 2)), "too many panels"),
    ],
)
def test_overlay_refuses_what_cannot_be_drawn(values, message):
    with pytest.raises(InvalidInputError, match=message):
        plots.overlay(values, GREY)


def test_latent_heatmaps_choose_nodes_and_add_the_mean_of_all():
    maps = RANDOM.random((3, 5, 8, 8))
    figure = plots.latent_heatmaps(COLOUR, maps, [4, 1])
    assert titles(figure) == ["input", "z4", "z1", "mean of all"]
    mean = maps[0].mean(axis=0)
    np.testing.assert_allclose(figure.axes[3].images[-1].get_array(), mean / mean.max(), rtol=1e-5)
    with pytest.raises(InvalidInputError, match="no latent node 5"):
        plots.latent_heatmaps(COLOUR, maps, [5])


def test_a_traversal_shows_values_beside_the_heatmap():
    generated = RANDOM.random((2, 3, 8, 8, 3))
    figure = plots.latent_traversal(
        generated,
        [-2, 0, 2],
        [22, 190],
        heatmaps=RANDOM.random((2, 4, 4)),
        image=COLOUR[0],
    )
    assert titles(figure) == ["Input", "Heatmap", "-2.00", "+0.00", "+2.00"] * 2
    assert [figure.axes[i].get_ylabel() for i in (0, 5)] == ["node 22", "node 190"]
    shown = figure.axes[9].images[0].get_array() / 255.0
    np.testing.assert_allclose(shown, generated[1, 2], atol=0.003)
    assert len(plots.latent_traversal(generated, [-2, 0, 2], [22, 190]).axes) == 6
    with pytest.raises(InvalidInputError, match="1 nodes need"):
        plots.latent_traversal(generated, [-2, 0, 2], [22])


def test_a_history_pairs_training_and_validation():
    history = SimpleNamespace(history={"loss": [3, 2, 1], "val_loss": [4, 3], "elbo": [-1, 0, 1]})
    figure = plots.curve(history)
    loss, elbo = figure.axes
    assert [line.get_label() for line in loss.lines] == ["training", "validation"]
    np.testing.assert_array_equal(loss.lines[1].get_xydata(), [[1, 4], [2, 3]])
    assert elbo.get_ylabel() == "elbo"
    with pytest.raises(InvalidInputError, match="empty"):
        plots.curve({})


def test_curves_show_the_mean_and_its_confidence_band():
    repeated = RANDOM.normal(size=(16, 3))
    figure = plots.curves(
        [0, 1, 2],
        {"LRP": repeated, "random": np.ones(3)},
        title="Deletion",
        xlabel="removed",
        ylabel="score",
        control="random",
    )
    axes = figure.axes[0]
    np.testing.assert_allclose(axes.lines[0].get_ydata(), repeated.mean(axis=0))
    band = axes.collections[0].get_paths()[0].vertices[:, 1]
    half = 1.96 * repeated.std(axis=0, ddof=1) / 4
    assert band.max() == pytest.approx((repeated.mean(axis=0) + half).max())
    assert axes.lines[1].get_linestyle() == "--"
    with pytest.raises(InvalidInputError, match="2 values for 3"):
        plots.curves([0, 1, 2], {"a": [1, 2]}, title="", xlabel="", ylabel="")


def test_bars_and_matrix_show_their_numbers():
    figure = plots.bars([2, -1], ["up", "down"], title="Weights", xlabel="weight")
    drawn = figure.axes[0].patches
    assert [bar.get_width() for bar in drawn] == [2, -1]
    assert drawn[0].get_facecolor() != drawn[1].get_facecolor()
    with pytest.raises(InvalidInputError, match="as many names"):
        plots.bars([1], [], title="", xlabel="")
    table = plots.matrix([[1, -0.5], [np.nan, 0]], "ab", "cd", title="t", label="rho")
    texts = [text.get_text() for text in table.axes[0].texts]
    assert texts == ["1.00", "-0.50", "-", "0.00"]
    assert table.axes[0].images[0].get_clim() == (-1, 1)
    with pytest.raises(InvalidInputError, match="does not fit"):
        plots.matrix(np.zeros((2, 2)), "a", "bc", title="", label="")
