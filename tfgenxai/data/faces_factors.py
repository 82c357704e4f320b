"""The factors that a drawn face is made of, and how they are drawn by lot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CHUNK = 1000  # faces whose factors come from one random stream


@dataclass(frozen=True)
class Factor:
    """One independent factor: its values, what the drawing library calls them, their odds."""

    name: str
    values: dict[str, str]  # our value -> name in python-avatars, or a colour
    first_odds: float | None = None  # chance of the first value; the others share the rest

    @property
    def odds(self) -> np.ndarray:
        """float64 (values,), summing to 1."""
        count = len(self.values)
        if self.first_odds is None:
            return np.full(count, 1.0 / count)
        rest = (1.0 - self.first_odds) / (count - 1)
        return np.array([self.first_odds] + [rest] * (count - 1))


def _same(*names: str) -> dict[str, str]:
    return {name: name.upper() for name in names}


# Hair styles are those whose drawing leaves the beard and the glasses where they are, so that
# the same face with and without hair differs in the hair alone.
FACTORS: tuple[Factor, ...] = (
    Factor("skin", _same("pale", "light", "brown", "dark_brown", "black")),
    Factor(
        "hair",
        _same("none", "sides", "buzzcut", "short_flat", "quiff", "pixie", "mohawk", "mowgli")
        | _same("wild", "bob", "curvy", "fro")
        | {"straight": "STRAIGHT_1", "dreads": "SHORT_DREADS_1"},
    ),
    Factor(
        "hair_color",
        _same("black", "brown", "auburn", "blonde", "red", "platinum") | {"silver": "SILVER_GRAY"},
    ),
    Factor(
        "beard",
        {
            "none": "NONE",
            "light": "BEARD_LIGHT",
            "medium": "BEARD_MEDIUM",
            "long": "BEARD_MAGESTIC",
            "moustache": "MOUSTACHE_MAGNUM",
            "fancy_moustache": "MOUSTACHE_FANCY",
        },
        first_odds=0.5,
    ),
    Factor(
        "glasses",
        {
            "none": "NONE",
            "round": "ROUND",
            "square": "PRESCRIPTION_2",
            "light_frame": "PRESCRIPTION_1",
            "sunglasses": "SUNGLASSES",
            "wayfarers": "WAYFARERS",
        },
        first_odds=0.5,
    ),
    Factor(
        "eyes",
        _same("default", "happy", "closed", "side", "squint", "surprised", "wink", "eye_roll"),
    ),
    Factor(
        "eyebrows",
        {
            "default": "DEFAULT",
            "natural": "DEFAULT_NATURAL",
            "flat": "FLAT_NATURAL",
            "raised": "RAISED_EXCITED",
            "angry": "ANGRY_NATURAL",
            "sad": "SAD_CONCERNED_NATURAL",
        },
    ),
    Factor(
        "mouth",
        {
            "open": "DEFAULT",
            "smile": "SMILE",
            "twinkle": "TWINKLE",
            "serious": "SERIOUS",
            "sad": "SAD",
            "concerned": "CONCERNED",
            "grimace": "GRIMACE",
            "scream": "SCREAM_OPEN",
            "tongue": "TONGUE",
        },
    ),
    Factor(
        "clothes",
        {
            "crew_neck": "SHIRT_CREW_NECK",
            "v_neck": "SHIRT_V_NECK",
            "scoop_neck": "SHIRT_SCOOP_NECK",
            "hoodie": "HOODIE",
            "collar_sweater": "COLLAR_SWEATER",
            "blazer": "BLAZER_SHIRT",
            "overall": "OVERALL",
        },
    ),
    Factor(
        "clothes_color",
        {
            "black": "BLACK",
            "white": "WHITE",
            "gray": "GRAY_02",
            "navy": "BLUE_03",
            "blue": "BLUE_02",
            "green": "PASTEL_GREEN",
            "yellow": "PASTEL_YELLOW",
            "pink": "PINK",
            "red": "RED",
        },
    ),
    Factor(
        "background",
        {
            "sky": "#A9CFF0",
            "mint": "#BFE3C8",
            "sand": "#EBDDBB",
            "rose": "#F1C6CE",
            "lilac": "#CDC4EC",
            "gray": "#C9CDD2",
        },
    ),
)
NAMES: tuple[str, ...] = tuple(factor.name for factor in FACTORS)
VALUES: dict[str, tuple[str, ...]] = {factor.name: tuple(factor.values) for factor in FACTORS}
_SPLITS = {"train": 0, "test": 1}


def chunk_codes(split: str, seed: int, chunk: int) -> np.ndarray:
    """int64 (1000, factors): the factor codes of faces 1000·chunk … 1000·chunk + 999.

    Factors are independent of one another. The background alone is then moved so that no
    combination of the other factors with a background is in both splits: the sum of all codes
    is a multiple of the number of backgrounds in test faces, and in no train face. `hair_color`
    counts neither way: a bald face without a beard does not show it.
    """
    rng = np.random.default_rng([seed, _SPLITS[split], chunk])
    uniform = rng.random((CHUNK, len(FACTORS)))
    codes = np.empty(uniform.shape, np.int64)
    for column, factor in enumerate(FACTORS):
        edges = np.cumsum(factor.odds)[:-1]
        codes[:, column] = np.searchsorted(edges, uniform[:, column], side="right")
    backgrounds = len(FACTORS[-1].values)
    others = [i for i, name in enumerate(NAMES) if name not in ("hair_color", "background")]
    if split == "test":
        remainder = np.zeros(CHUNK, np.int64)
    else:
        remainder = 1 + (uniform[:, -1] * (backgrounds - 1)).astype(np.int64)
    codes[:, -1] = (remainder - codes[:, others].sum(axis=1)) % backgrounds
    return codes


def codes_of(split: str, seed: int, size: int) -> np.ndarray:
    """int64 (size, factors): the first `size` faces of a split; a longer one only adds faces."""
    chunks = [chunk_codes(split, seed, chunk) for chunk in range(-(-size // CHUNK))]
    return np.concatenate(chunks)[:size]
