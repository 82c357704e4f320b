import dataclasses
import json

import numpy as np
import pytest

from tfgenxai.attribution import Attribution
from tfgenxai.errors import DataNotFoundError, InvalidInputError, UsageError


@pytest.fixture
def family():
    values = np.random.default_rng(0).random((3, 2, 4, 5), dtype=np.float32)
    return Attribution(
        values,
        "latent_grad_cam",
        ("z0", "z1"),
        input_shape=(8, 10, 1),
        family=True,
        layer="conv_1",
        convergence_delta=np.arange(6, dtype=np.float32).reshape(3, 2),
        settings={"seed": 3},
    )


@pytest.fixture
def single():
    values = np.arange(2 * 2 * 3 * 1, dtype=np.float32).reshape(2, 2, 3, 1)
    return Attribution(values, "saliency", ("class 1",), input_shape=(2, 3, 1))


def same(a, b):
    np.testing.assert_array_equal(a.values, b.values)
    assert (a.convergence_delta is None) == (b.convergence_delta is None)
    if a.convergence_delta is not None:
        np.testing.assert_array_equal(a.convergence_delta, b.convergence_delta)
    for name in ("method", "target_names", "input_shape", "family", "layer", "settings"):
        assert getattr(a, name) == getattr(b, name), name


def test_save_and_load(family, single, tmp_path):
    for attribution in (family, single):
        path = attribution.save(tmp_path / "deep" / "a.npz")
        same(Attribution.load(path), attribution)
    assert [path.name for path in path.parent.iterdir()] == ["a.npz"]


def test_load_says_what_is_wrong(family, tmp_path):
    with pytest.raises(DataNotFoundError):
        Attribution.load(tmp_path / "none.npz")
    path = family.save(tmp_path / "a.npz")
    whole = path.read_bytes()
    for broken in (whole[:100], whole[: len(whole) // 2], b"", b"no zip file at all"):
        path.write_bytes(broken)
        with pytest.raises(InvalidInputError, match="damaged"):
            Attribution.load(path)
    np.savez(path, other=np.zeros(3))
    with pytest.raises(InvalidInputError, match="not written by Attribution.save"):
        Attribution.load(path)


def test_samples(family):
    assert len(family) == 3 and family.map_shape == (4, 5)
    np.testing.assert_array_equal(family[1:].values, family.values[1:])
    np.testing.assert_array_equal(family[[2, 0]].convergence_delta, [[4, 5], [0, 1]])
    np.testing.assert_array_equal(family[-1].values, family.values[2:])
    np.testing.assert_array_equal(family[np.array([True, False, True])].values, family.values[::2])
    with pytest.raises(UsageError, match="no sample 3"):
        family[3]


def test_targets(family, single):
    for target in (1, "z1"):
        found = family.target(target)
        np.testing.assert_array_equal(found.values, family.values[:, 1])
        np.testing.assert_array_equal(found.convergence_delta, [1, 3, 5])
        assert (found.target_names, found.family) == (("z1",), False)
    same(single.target(0), single)
    with pytest.raises(UsageError, match="'z7'; there are z0, z1"):
        family.target("z7")
    with pytest.raises(UsageError, match="no target 2"):
        family.target(2)
    with pytest.raises(UsageError, match="no target 1"):
        single.target(1)


def test_mean_map(family, single):
    found = family.mean_map()
    np.testing.assert_allclose(found.values, family.values.mean(axis=1))
    assert found.target_names == ("mean of 2 targets",) and not found.family
    same(single.mean_map(), single)


def test_at_input_resolution(family, single):
    """Bilinear with aligned pixel centres, re-derived with np.interp along each axis."""
    found = family.at_input_resolution(2, "z1")
    expected = family.values[2, 1]
    for axis, size in enumerate((8, 10)):
        old = expected.shape[axis]
        places = np.clip((np.arange(size) + 0.5) * old / size - 0.5, 0, old - 1)
        expected = np.apply_along_axis(
            lambda line, places=places: np.interp(places, np.arange(len(line)), line),
            axis,
            expected,
        )
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_array_equal(single.at_input_resolution(1), single.values[1])


def test_to_frame(family, single):
    frame = family.to_frame()
    assert list(frame.columns) == ["sample", "target", "y", "x", "value"]
    assert len(frame) == family.values.size
    row = frame[(frame["sample"] == 2) & (frame.target == "z1") & (frame.y == 3) & (frame.x == 4)]
    assert row["value"].item() == family.values[2, 1, 3, 4]
    assert list(single.to_frame().columns) == ["sample", "target", "y", "x", "channel", "value"]
    codes = Attribution(np.ones((2, 3), np.float32), "saliency", ("f",), input_shape=(3,))
    assert list(codes.to_frame().columns) == ["sample", "target", "feature", "value"]


def test_repr(family, single):
    assert repr(family) == (
        "Attribution(latent_grad_cam, 2 targets, 3 maps of (4, 5), layer='conv_1')"
    )
    assert repr(single) == "Attribution(saliency, class 1, 2 maps of (2, 3, 1))"


def test_values_may_stay_in_the_file_that_they_streamed_to(family, tmp_path):
    np.save(tmp_path / "maps.npy", family.values)
    streamed = dataclasses.replace(family, values=np.load(tmp_path / "maps.npy", mmap_mode="r"))
    path = streamed.save(tmp_path / "a.npz", values=False)
    found = Attribution.load(path)
    assert isinstance(found.values, np.memmap)
    same(found, family)
    same(found.target("z1")[1:], family.target("z1")[1:])
    same(Attribution.load(streamed.save(tmp_path / "whole.npz")), family)

    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("a.npz", "maps.npy"):
        (tmp_path / name).rename(moved / name)
    same(Attribution.load(moved / "a.npz"), family)
    (moved / "maps.npy").write_bytes(b"no array")
    with pytest.raises(InvalidInputError, match="damaged"):
        Attribution.load(moved / "a.npz")
    (moved / "maps.npy").unlink()
    with pytest.raises(DataNotFoundError, match=r"are in .*maps\.npy, which is not there"):
        Attribution.load(moved / "a.npz")
    np.save(moved / "maps.npy", family.values)
    mapped = dataclasses.replace(family, values=np.load(moved / "maps.npy", mmap_mode="r"))
    for elsewhere in (family, streamed, mapped[1:], mapped[::-1], mapped.target(0)):
        with pytest.raises(UsageError, match=r"in no \.npy file beside"):
            elsewhere.save(moved / "b.npz", values=False)
    assert sorted(file.name for file in moved.iterdir()) == ["a.npz", "maps.npy"]


def test_a_file_that_names_values_elsewhere_is_not_followed(family, tmp_path):
    np.save(tmp_path / "secret.npy", family.values)
    (tmp_path / "sub").mkdir()
    about = json.dumps(
        {
            "method": "saliency",
            "target_names": ["z0", "z1"],
            "input_shape": [8, 10, 1],
            "family": True,
            "values_file": "../secret.npy",
        }
    )
    np.savez(tmp_path / "sub" / "a.npz", about=np.array(about))
    with pytest.raises(InvalidInputError, match="damaged"):
        Attribution.load(tmp_path / "sub" / "a.npz")
