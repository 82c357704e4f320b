import io
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
import resvg_py
from PIL import Image
from scipy.stats import chi2_contingency, chisquare

import tfgenxai.data as data
from tfgenxai.data import faces_draw
from tfgenxai.data.faces_factors import FACTORS, NAMES, VALUES, chunk_codes, codes_of
from tfgenxai.errors import UsageError

COUNT = 24


@pytest.fixture(scope="session")
def codes():
    return codes_of("train", 0, COUNT)


@pytest.fixture
def faces(session_cache):
    return data.load("faces", size=COUNT, progress=False)


def test_images_and_factors(faces, codes):
    assert faces.pixels.shape == (COUNT, 128, 128, 3) and faces.pixels.dtype == np.uint8
    assert faces.source == "drawn" and "seed 0" in faces.source_detail
    assert faces.labels is None and faces.factor_names == NAMES
    for column, name in enumerate(NAMES):
        assert faces.factors[name].tolist() == [VALUES[name][c] for c in codes[:, column]]
    assert all(len(np.unique(image)) > 8 for image in faces.pixels)


def test_a_larger_size_only_adds_faces(own_cache):
    few = data.load("faces", "test", size=3, seed=5, progress=False)
    more = data.load("faces", "test", size=7, seed=5, progress=False)
    again = data.load("faces", "test", size=2, seed=5, progress=False)
    drawn = np.stack([faces_draw.draw(row) for row in codes_of("test", 5, 7)])
    assert np.array_equal(more.pixels, drawn)
    assert np.array_equal(few.pixels, drawn[:3]) and np.array_equal(again.pixels, drawn[:2])


def test_factors_do_not_depend_on_the_size():
    assert np.array_equal(codes_of("train", 3, 2500)[:1700], codes_of("train", 3, 1700))


def test_worker_processes_draw_the_same(monkeypatch, codes):
    alone = faces_draw.draw_many(codes[:8], "hair")
    monkeypatch.setattr(faces_draw, "_IN_PROCESS", 4)
    monkeypatch.setattr(faces_draw.os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    done = []
    shared = faces_draw.draw_many(codes[:8], "hair", done.append)
    assert np.array_equal(alone, shared) and sum(done) == 8 and len(done) > 1


def test_a_script_without_main_guard_may_draw(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import tfgenxai.data as d\n"
        f"print(d.load('faces', size={faces_draw._IN_PROCESS + 2}, seed=9, progress=False))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("ImageData") == 1 and not done.stderr


def test_no_face_is_in_both_splits_and_seeds_differ():
    visible = [i for i, name in enumerate(NAMES) if name != "hair_color"]
    drawn = {
        split: {
            tuple(row)
            for s in range(3)
            for c in range(7)
            for row in chunk_codes(split, s, c)[:, visible]
        }
        for split in ("train", "test")
    }
    assert not drawn["train"] & drawn["test"]
    assert min(map(len, drawn.values())) > 20_000
    assert not np.array_equal(chunk_codes("train", 0, 0), chunk_codes("train", 1, 0))
    assert not np.array_equal(chunk_codes("train", 0, 0), chunk_codes("train", 0, 1))


@pytest.mark.parametrize("split", ["train", "test"])
def test_factors_follow_their_odds_and_are_independent(split):
    codes = codes_of(split, 0, 20_000)
    for i, factor in enumerate(FACTORS):
        counts = np.bincount(codes[:, i], minlength=len(factor.values))
        assert chisquare(counts, factor.odds * len(codes)).pvalue > 1e-5, factor.name
        for j in range(i):
            table = np.zeros((len(factor.values), len(FACTORS[j].values)))
            np.add.at(table, (codes[:, i], codes[:, j]), 1)
            assert chi2_contingency(table).pvalue > 1e-5, (factor.name, FACTORS[j].name)


def rasterise(drawing, background):
    png = resvg_py.svg_to_bytes(
        svg_string=drawing, width=128, height=128, background=background, skip_system_fonts=True
    )
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def with_group_emptied(codes, group):
    """The face with everything inside one group of its SVG deleted."""
    drawing, background = faces_draw.svg(codes)
    root = ElementTree.fromstring(drawing)
    emptied = [e for e in root.iter() if e.get("id", "").endswith(f"_{group}") and len(e)]
    assert len(emptied) <= 1
    for element in emptied:
        for child in list(element):
            element.remove(child)
    return rasterise(ElementTree.tostring(root, encoding="unicode"), background)


@pytest.mark.parametrize(
    ("part", "group"),
    [
        ("beard", "Facial-Hair"),
        ("glasses", "Accessory"),
        ("eyes", "Eyes"),
        ("eyebrows", "Eyebrow"),
        ("mouth", "Mouth"),
        ("clothes", "Clothing"),
    ],
)
def test_a_mask_holds_the_pixels_that_deleting_the_part_changes(faces, codes, part, group):
    masks = faces.masks(part)
    assert masks.dtype == bool and masks.shape == (COUNT, 128, 128)
    for i in range(COUNT):
        without = with_group_emptied(codes[i], group)
        assert np.array_equal(masks[i], (faces.pixels[i] != without).any(-1)), i
        composed = np.where(masks[i][..., None], faces.pixels[i], without)
        assert np.array_equal(composed, faces.pixels[i])


def with_values(codes, **values):
    changed = codes.copy()
    for name, value in values.items():
        changed[NAMES.index(name)] = VALUES[name].index(value)
    return changed


@pytest.mark.parametrize("hair", VALUES["hair"])
def test_leaving_out_the_hair_leaves_a_bald_head(codes, hair):
    for beard, glasses in [("long", "none"), ("none", "round"), ("none", "none")]:
        with_hair = with_values(codes[0], hair=hair, beard=beard, glasses=glasses)
        bald = with_values(with_hair, hair="none")
        assert np.array_equal(faces_draw.draw(with_hair, "hair"), faces_draw.draw(bald))


@pytest.mark.parametrize("part", ["hair", "beard", "glasses"])
def test_a_mask_is_empty_exactly_when_the_part_is_absent(faces, part):
    assert np.array_equal(faces.masks(part).any((1, 2)), faces.factors[part] != "none")


@pytest.mark.parametrize("part", ["eyes", "mouth", "clothes", "skin", "background", "eyebrows"])
def test_masks_are_where_the_part_is(faces, part):
    rows = faces.masks(part).any((0, 2)).nonzero()[0]
    low, high = {
        "eyes": (45, 75),
        "eyebrows": (36, 55),
        "mouth": (65, 105),
        "clothes": (95, 127),
        "skin": (5, 127),
        "background": (0, 127),
    }[part]
    assert faces.masks(part).any((1, 2)).mean() > 0.8
    assert low <= rows.min() and rows.max() <= high


@pytest.mark.parametrize(("part", "factor"), [("skin", "skin"), ("background", "background")])
def test_no_other_colour_of_a_part_reaches_beyond_its_mask(faces, codes, part, factor):
    masks = faces.masks(part)
    column = NAMES.index(factor)
    for i in range(6):
        union = np.zeros((128, 128), bool)
        for value in range(len(VALUES[factor])):
            changed = codes[i].copy()
            changed[column] = value
            union |= (faces_draw.draw(changed) != faces.pixels[i]).any(-1)
        assert not (union & ~masks[i]).any()
        assert union.sum() > 0.95 * masks[i].sum()  # few pixels need a more distant colour


def test_masks_of_a_selection(faces):
    whole = faces.masks("clothes")
    assert np.array_equal(faces.masks("clothes", [5, 2]), whole[[5, 2]])
    assert np.array_equal(faces[3:6].masks("clothes"), whole[3:6])
    assert np.array_equal(faces[3:6].masks("clothes", slice(1, 2)), whole[4:5])
    with pytest.raises(UsageError, match="eyebrows"):
        faces.masks("nose")


@pytest.mark.parametrize("damage", ["truncated", "flipped", "foreign"])
def test_a_damaged_chunk_is_drawn_again(own_cache, damage):
    good = data.load("faces", size=3, progress=False).pixels
    (chunk,) = own_cache.rglob("*.npz")
    content = bytearray(chunk.read_bytes())
    if damage == "truncated":
        chunk.write_bytes(content[:-50])
    elif damage == "flipped":
        content[len(content) // 2] ^= 0xFF
        chunk.write_bytes(content)
    else:
        np.savez(chunk, faces=np.zeros((3, 64, 64, 3), np.uint8))
    assert np.array_equal(data.load("faces", size=3, progress=False).pixels, good)


def test_progress_goes_to_stderr(own_cache, capsys):
    data.load("faces", size=2, progress=True)
    assert capsys.readouterr().out == ""
