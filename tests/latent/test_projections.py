"""Projections against linear algebra, planted clusters and the course project's printout."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgenxai.errors import InvalidInputError
from tfgenxai.latent import PCA, PROJECTIONS, TSNE, UMAP, PrincipalComponents, silhouette

# "Explaining VAE vs GAN", slide "PCA inferences (VAE example)", as printed there.
PUBLISHED = """\
Eigenvalues (explained variance): [3.4023074  1.68152492]
Eigenvectors (principal components):
[[ 0.13717494  0.07599877  0.03880922  0.42225939  0.53073089 -0.13695653
   0.42500768  0.3141861   0.43329962  0.16754916]
 [-0.10157077  0.07906349  0.38458931  0.25362393  0.13862933  0.5963175
  -0.44472609  0.31785127 -0.14573398  0.27629069]]"""


def published() -> PrincipalComponents:
    numbers = PUBLISHED.replace("[", " ").replace("]", " ").split("\n")
    variance = np.array(numbers[0].split(":")[1].split(), float)
    vectors = np.array(" ".join(numbers[2:]).split(), float).reshape(2, 10)
    return PrincipalComponents(variance, variance / 13.0, vectors, np.zeros(10), 10_000)


def clusters(rows: int = 40, width: int = 10, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Four tight clusters far apart."""
    random = np.random.default_rng(seed)
    centres = 12 * np.eye(4, width)
    labels = np.repeat(np.arange(4), rows)
    return centres[labels] + random.normal(size=(4 * rows, width)), labels


@given(
    rows=st.integers(3, 30), width=st.integers(1, 12), shift=st.floats(-5, 5), seed=st.integers(0)
)
@settings(max_examples=25, deadline=None)
def test_pca_is_the_eigendecomposition_of_the_covariance(rows, width, shift, seed):
    random = np.random.default_rng(seed)
    codes = random.normal(size=(rows, width)) * np.arange(1, width + 1) ** 2 + shift
    kept = min(2, rows - 1, width)
    found = PCA(kept)(codes).components

    values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(codes, rowvar=False)))
    np.testing.assert_allclose(found.variance, values[::-1][:kept], rtol=1e-6)
    np.testing.assert_allclose(
        np.abs(found.vectors @ vectors[:, ::-1][:, :kept]), np.eye(kept), atol=1e-4
    )
    np.testing.assert_allclose(found.ratio, values[::-1][:kept] / values.sum(), rtol=1e-6)
    peaks = np.abs(found.vectors).argmax(axis=1)
    assert (found.vectors[np.arange(kept), peaks] > 0).all()


def test_wide_codes_give_the_same_components_as_narrow_arithmetic():
    random = np.random.default_rng(1)
    codes = random.normal(size=(30, 1_200)) * np.linspace(3, 0.1, 1_200)
    found = PCA(3)(codes)
    _, singular, vectors = np.linalg.svd(codes - codes.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(found.components.variance, singular[:3] ** 2 / 29, rtol=1e-8)
    np.testing.assert_allclose(
        np.abs(found.components.vectors @ vectors[:3].T), np.eye(3), atol=1e-6
    )
    assert PCA(30)(codes).values.shape == (30, 30)


def test_coordinates_have_the_explained_variance_and_project_new_codes():
    codes, _ = clusters()
    shown = PCA()(codes)
    assert shown.values.dtype == np.float32
    np.testing.assert_allclose(
        shown.values.var(axis=0, ddof=1), shown.components.variance, rtol=1e-5
    )
    np.testing.assert_allclose(shown.components.transform(codes[:3]), shown.values[:3], rtol=1e-6)
    with pytest.raises(InvalidInputError, match="10 were expected"):
        shown.components.transform(codes[:, :4])


def test_the_printout_has_the_form_of_the_course_project():
    assert published().table() == PUBLISHED


def test_the_reading_finds_what_the_course_project_read():
    reading = published().reading()
    assert "2.02 times as much variance as the second (3.40 vs 1.68)" in reading
    assert "a dominant direction" in reading
    # The slide counts from 1: dimensions 4, 5, 7, 9, then 3, 6, 7.
    assert published().dominant(0) == [3, 4, 6, 8]
    assert published().dominant(1) == [2, 5, 6]
    assert "z5 (+0.60), z6 (-0.44), z2 (+0.38)" in reading


def test_an_isotropic_prior_is_read_as_having_no_structure():
    codes = np.random.default_rng(0).normal(size=(2_000, 100))
    reading = PCA()(codes).describe()
    assert "no single direction dominates" in reading
    assert "no more than chance would give" in reading
    codes[:, 7] *= 2
    assert "preferred directions" in PCA()(codes).describe()


def test_the_noise_edge_holds_95_percent_of_white_samples():
    random = np.random.default_rng(0)
    below = 0
    for _ in range(300):
        components = PCA(1)(random.normal(size=(150, 20))).components
        below += components.variance[0] < components.noise_edge()
    assert 0.91 <= below / 300 <= 0.985


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_planted_clusters_are_separated(method):
    codes, labels = clusters()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shown = PROJECTIONS[method]()(codes)
    assert shown.values.shape == (160, 2)
    assert shown.values.dtype == np.float32
    assert silhouette(shown.values, labels) > 0.7
    quality = shown.quality(codes, labels)
    assert quality.knn_accuracy == 1
    assert quality.trustworthiness > 0.85
    assert shown.title in shown.describe()
    assert "160 codes" in shown.describe()


@pytest.mark.parametrize("projector", [TSNE, UMAP])
def test_a_seed_repeats_and_another_differs(projector):
    codes, _ = clusters(rows=10)
    small = {"perplexity": 5.0} if projector is TSNE else {"n_neighbors": 5}
    first, again = (projector(seed=3, **small)(codes).values for _ in range(2))
    np.testing.assert_array_equal(first, again)
    # The start is the PCA or the spectrum, so another seed shows in the optimisation only.
    other = projector(seed=4, **small)(codes).values
    assert other.shape == first.shape
    if projector is UMAP:
        assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("projector", "setting", "used"), [(TSNE, "perplexity", 5 / 3), (UMAP, "n_neighbors", 5)]
)
def test_settings_too_large_for_few_codes_are_lowered_with_a_warning(projector, setting, used):
    codes, _ = clusters(rows=2)
    with pytest.warns(UserWarning, match=f"{setting} .* is too large for 6 codes"):
        shown = projector()(codes[:6])
    assert shown.settings[setting] == pytest.approx(used)
    assert np.isfinite(shown.values).all()


@pytest.mark.parametrize("method", list(PROJECTIONS))
@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros((10, 2, 2)), r"shape \(N, D\)"),
        (np.zeros(10), r"shape \(N, D\)"),
        (np.full((10, 3), np.nan), "10 of 10 codes hold NaN"),
        (np.array([[1.0, 2.0], [np.inf, 0.0], [1.0, 1.0], [0.0, 0.0]]), "1 of 4 codes"),
        (np.ones((1, 3)), "At least"),
        (np.ones((0, 3)), "At least"),
        (np.ones((9, 3)), "All codes are the same"),
        ([["a", "b"]] * 5, "array of numbers"),
    ],
)
def test_unusable_codes_are_refused(method, codes, message):
    with pytest.raises(InvalidInputError, match=message):
        PROJECTIONS[method]()(codes)


def test_more_components_than_the_codes_have_are_refused():
    with pytest.raises(InvalidInputError, match="between 1 and 3"):
        PCA(4)(np.eye(3))
