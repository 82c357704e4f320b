import hashlib
import string
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import tfgenxai.data as data
from tfgenxai.data import iam, iam_files
from tfgenxai.data.iam_files import Word, read_words
from tfgenxai.errors import DataNotFoundError, InvalidInputError, UsageError

HEADER = """#--- words.txt ---------------------------------------------------------------#
#
# iam database word information
#
#     a01-000u-00-00 ok 154 1 408 768 27 51 AT A
#
"""
# identity -> (segmentation, text, width, height)
WORDS = {
    "a01-000u-00-00": ("ok", "A", 28, 64),
    "a01-000u-00-01": ("ok", "MOVE", 90, 40),
    "a01-000u-01-00": ("ok", "to", 30, 32),
    "a01-003-00-00": ("ok", "stop", 64, 48),
    "b05-017a-02-01": ("ok", "Gaitskell", 150, 33),
    "b05-017a-02-02": ("ok", "from", 50, 32),
}
LEFT_OUT = {
    "a01-000u-01-01": ("err", "Mr", 28, 32),
    "a01-000u-01-02": ("ok", "the", 3 * 18 + 1, 32),  # too wide by a pixel
    "a01-000u-01-03": ("ok", "the", 3 * 10 - 1, 32),
    "a01-000u-01-04": ("ok", "it's", 56, 32),
    "a01-000u-01-05": ("ok", "B B C", 60, 32),
    "a01-000u-01-06": ("ok", "constitution", 150, 32),
}
TRUNCATED, MISSING = "b05-017a-02-03", "b05-017a-02-04"
MALFORMED = ("a01-000u-02-00 ok 154", "../../x ok 154 408 768 27 51 AT A", "one two")


def handwriting(identity, width, height):
    """Grey noise that is the same for the same word."""
    seed = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:4], "big")
    return np.random.default_rng(seed).integers(0, 256, (height, width)).astype(np.uint8)


def line(identity, segmentation, text):
    return f"{identity} {segmentation} 154 408 768 27 51 AT {text}"


def save(folder, identity, width, height):
    form = identity.rsplit("-", 2)[0]
    path = folder / "words" / identity[:3] / form / f"{identity}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(handwriting(identity, width, height)).save(path)
    return path


@pytest.fixture
def copy(tmp_path):
    """A copy of IAM without a flaw, and with official sets that put b05 into the test set."""
    lines = []
    for identity, (segmentation, text, width, height) in (WORDS | LEFT_OUT).items():
        lines.append(line(identity, segmentation, text))
        save(tmp_path, identity, width, height)
    (tmp_path / "words.txt").write_text(HEADER + "\n".join(lines) + "\n")
    sets = tmp_path / "task"
    sets.mkdir()
    (sets / "trainset.txt").write_text("a01-000u-00\na01-000u-01\n")
    (sets / "validationset1.txt").write_text("a01-003-00\n")
    (sets / "validationset2.txt").write_text("")
    (sets / "testset.txt").write_text("b05-017a-02\n")
    return tmp_path


@pytest.fixture
def flawed(copy):
    """The same with a truncated and a missing image, and lines that are no words."""
    path = save(copy, TRUNCATED, 60, 32)
    path.write_bytes(path.read_bytes()[:200])
    with (copy / "words.txt").open("a") as file:
        for identity in (TRUNCATED, MISSING):
            file.write(line(identity, "ok", "over") + "\n")
        file.write("\n".join(MALFORMED) + "\n")
    return copy


def load(folder, split="train", **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return data.load("iam", split, folder=folder, progress=False, **options)


def by_pillow(identity):
    """A word as it should come out, step by step."""
    _, text, width, height = WORDS[identity]
    image = Image.fromarray(handwriting(identity, width, height))
    per_character = (width * 32 / height) / len(text)
    assert 10 <= per_character <= 18
    return np.array(image.resize((16 * len(text), 32), Image.Resampling.LANCZOS))


def test_words_of_the_official_sets(copy):
    train, test = load(copy), load(copy, "test")
    assert train.texts.tolist() == ["A", "MOVE", "to", "stop"]
    assert test.texts.tolist() == ["Gaitskell", "from"]
    assert train.shape == (32, 64, 1) and test.shape == (32, 144, 1)
    assert train.labels is None and train.class_names == tuple(string.ascii_letters.swapcase())
    for found, names in ((train, list(WORDS)[:4]), (test, list(WORDS)[4:])):
        for pixels, text, identity in zip(found.pixels, found.texts, names, strict=True):
            n = 16 * len(text)
            np.testing.assert_array_equal(pixels[:, :n, 0], by_pillow(identity))
            assert (pixels[:, n:] == 255).all()
    assert train.source == "folder" and "official sets" in train.source_detail
    assert "1 segmented wrongly" in train.source_detail
    assert "2 with other characters" in train.source_detail
    assert "1 longer than 10" in train.source_detail
    assert "2 not from 10 to 18 pixels wide per character" in train.source_detail
    assert "broken and skipped: none" in train.source_detail
    assert "left out: none" in test.source_detail


def test_what_is_broken_is_skipped_counted_and_said_once(flawed):
    with pytest.warns(UserWarning) as caught:
        test = data.load("iam", "test", folder=flawed, progress=False)
    assert test.texts.tolist() == ["Gaitskell", "from"]
    (warning,) = caught
    said = str(warning.message)
    assert warning.filename == __file__
    for part in ("1 unreadable (b05", f"{TRUNCATED}.png", "1 missing", MISSING):
        assert part in said
    assert "3 malformed (" in said and "one two" in said
    for part in ("3 malformed", "1 unreadable", "1 missing"):
        assert part in test.source_detail


def test_only_the_first_few_are_named(copy):
    with (copy / "words.txt").open("a") as file:
        for i in range(9):
            file.write(line(f"a01-000u-00-{10 + i}", "ok", "gone") + "\n")
    with pytest.warns(UserWarning, match="9 missing") as caught:
        assert len(data.load("iam", folder=copy, progress=False)) == 4
    assert "a01-000u-00-12.png, ...)" in str(caught[0].message)
    assert "a01-000u-00-13" not in str(caught[0].message)


def test_another_alphabet(copy):
    small = load(copy, alphabet="optsA")
    assert small.texts.tolist() == ["A", "to", "stop"]
    assert small.class_names == tuple("optsA")
    spaced = load(copy, alphabet=string.ascii_letters + "' ")
    assert spaced.texts.tolist() == ["A", "MOVE", "to", "stop", "it's", "B B C"]
    for alphabet in ("", "abca"):
        with pytest.raises(UsageError, match="different characters"):
            load(copy, alphabet=alphabet)
    with pytest.raises(UsageError, match="words takes no alphabet"):
        data.load("words", alphabet="01")


def test_size_is_that_of_usable_words(copy, monkeypatch):
    monkeypatch.setattr(iam, "_BLOCK", 2)
    everything = load(copy)
    for size in (1, 3, 4):
        some = load(copy, size=size)
        assert some.texts.tolist() == everything.texts[:size].tolist()
        longest = 16 * max(map(len, some.texts))
        np.testing.assert_array_equal(some.pixels, everything.pixels[:size, :, :longest])
    with pytest.raises(DataNotFoundError, match="iam has 4 train images here"):
        load(copy, size=5)


def test_without_official_sets_forms_stay_together_and_where_they_are(copy):
    for path in (copy / "task").iterdir():
        path.unlink()
    forms = [f"c0{i % 9}-{100 + i}" for i in range(120)]
    with (copy / "words.txt").open("a") as file:
        for form in forms:
            for i in range(2):
                save(copy, f"{form}-00-0{i}", 30, 32)
                file.write(line(f"{form}-00-0{i}", "ok", "no" if i else "or") + "\n")
    train, test = load(copy), load(copy, "test")
    assert len(train) + len(test) == 2 * len(forms) + len(WORDS)
    assert "a tenth of the forms" in train.source_detail
    # A form's two words are in one split.
    assert (test.texts == "or").sum() == (test.texts == "no").sum()
    # Binomial(122, 0.1) has less than 2 or more than 28 once in a thousand.
    assert 2 <= (test.texts == "or").sum() <= 28
    # One form less moves none of the others.
    lines = (copy / "words.txt").read_text().splitlines()
    (copy / "words.txt").write_text("\n".join(lines[:-2]))
    again = load(copy).texts.tolist(), load(copy, "test").texts.tolist()
    whole = train.texts.tolist(), test.texts.tolist()
    assert sorted(len(a) - len(b) for a, b in zip(whole, again, strict=True)) == [0, 2]
    assert all(a[: len(b)] == b for a, b in zip(whole, again, strict=True))


def test_lines_in_no_official_set_are_left_out(copy):
    (copy / "task" / "trainset.txt").write_text("a01-000u-00\n")
    train = load(copy)
    assert train.texts.tolist() == ["A", "MOVE", "stop"]
    assert "7 in no official set" in train.source_detail


def test_official_sets_that_do_not_fit(copy):
    (copy / "task" / "testset.txt").write_text("b05-017a-02 a01-003-00\n")
    with pytest.raises(InvalidInputError, match="a01-003-00 is in a training set"):
        load(copy)
    (copy / "task" / "testset.txt").unlink()
    with pytest.raises(DataNotFoundError, match=r"no testset\.txt"):
        load(copy)


def test_what_is_missing_is_named(copy, tmp_path_factory):
    with pytest.raises(UsageError, match="University of Bern"):
        load(None)
    with pytest.raises(UsageError, match="no source 'tfds'"):
        load(copy, source="tfds")
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(DataNotFoundError, match=r"no .*words\.txt.*registration"):
        load(empty)
    (empty / "words.txt").write_text(HEADER)
    with pytest.raises(DataNotFoundError, match=r"no folder .*words\. .*registration"):
        load(empty)
    (empty / "words").mkdir()
    with pytest.raises(DataNotFoundError, match="no train word to use: left out: none"):
        load(empty)
    row = next(row for row in data.sources() if row.name == "iam")
    assert row.source is None and row.shape is None and "IAM Handwriting" in row.how


def test_images_of_other_kinds_are_made_grey_or_refused(copy):
    path = copy / "words" / "a01" / "a01-000u" / "a01-000u-00-00.png"
    grey = handwriting("a01-000u-00-00", 28, 64)
    Image.fromarray(np.repeat(grey[..., None], 3, axis=2)).save(path)
    np.testing.assert_array_equal(load(copy).pixels[0, :, :16, 0], by_pillow("a01-000u-00-00"))
    Image.fromarray(grey.astype(np.uint16) * 257).save(path)
    with pytest.warns(UserWarning, match="1 unreadable"):
        assert len(data.load("iam", folder=copy, progress=False)) == 3


PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)


@settings(max_examples=15, deadline=None)
@given(
    words=st.lists(
        st.tuples(
            st.from_regex(iam_files._IDENTITY, fullmatch=True),
            st.booleans(),
            st.lists(PRINTABLE, min_size=1, max_size=3).map(" ".join),
        ),
        max_size=6,
    ),
    blank=st.integers(0, 2),
)
def test_every_word_that_is_written_is_read(tmp_path_factory, words, blank):
    folder = tmp_path_factory.mktemp("iam")
    lines = [line(who, "ok" if ok else "err", text) for who, ok, text in words]
    (folder / "words.txt").write_text(HEADER + "\n" * blank + "\n".join(lines), "utf-8")
    found, malformed = read_words(folder)
    assert found == [Word(*word) for word in words] and not malformed


def test_the_place_of_a_word():
    word = Word("a01-000u-00-03", True, "nominating")
    assert (word.form, word.line) == ("a01-000u", "a01-000u-00")
    assert word.file.as_posix() == "a01/a01-000u/a01-000u-00-03.png"
