"""Use cases follow from the numbers, whichever way they point."""

from __future__ import annotations

import pytest

from tfgenxai.compare.use_cases import use_cases, verdict
from tfgenxai.compare.vae_gan_samples import in_short


@pytest.mark.parametrize(
    ("own", "their", "sign", "expected"),
    [
        (0.9, 0.5, 1, "better"),
        (0.5, 0.9, 1, "take the GAN"),
        (0.9, 0.5, -1, "take the GAN"),
        (0.5, 0.9, -1, "better"),
        (1.0, 0.97, 1, "even"),
        (0.0, 0.0, -1, "even"),
    ],
)
def test_verdict(own: float, their: float, sign: int, expected: str) -> None:
    assert verdict(own, their, sign, "GAN") == expected


def test_each_model_is_told_what_it_does_better_and_what_it_cannot_be_compared_on() -> None:
    vae = {"precision": 0.4, "recall": 0.8, "ms_per_sample": 2.0, "active_units": 10}
    gan = {"precision": 0.8, "recall": 0.3, "ms_per_sample": None}
    tables = use_cases({"vae": vae, "gan": gan})
    assert [(r["measure"], r["verdict"]) for r in tables["VAE"]] == [
        ("recall", "better"),
        ("precision", "take the GAN"),
    ]
    assert [(r["measure"], r["verdict"]) for r in tables["GAN"]] == [
        ("precision", "better"),
        ("recall", "take the VAE"),
    ]
    assert tables["GAN"][0]["VAE"] == 0.4 and tables["GAN"][0]["GAN"] == 0.8


def test_overlapping_intervals_are_even() -> None:
    vae = {"precision": 0.4, "precision_low": 0.3, "precision_high": 0.6}
    gan = {"precision": 0.8, "precision_low": 0.5, "precision_high": 0.9}
    assert use_cases({"vae": vae, "gan": gan})["GAN"][0]["verdict"] == "even"
    gan["precision_low"] = 0.61
    assert use_cases({"vae": vae, "gan": gan})["GAN"][0]["verdict"] == "better"


def test_in_short_names_what_each_does_better() -> None:
    vae, gan = {"precision": 0.4, "recall": 0.8}, {"precision": 0.8, "recall": 0.3}
    assert in_short(use_cases({"vae": vae, "gan": gan})) == (
        "Take the VAE to draw all the variety there is. "
        "Take the GAN to draw no image that is unlike real ones."
    )
    assert in_short(use_cases({"vae": vae, "gan": vae})).startswith("Neither")
