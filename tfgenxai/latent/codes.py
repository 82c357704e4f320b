"""The parts of an InfoGAN's code, and images with one part set and the others kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tfgenxai.errors import InvalidInputError, ModelNotFoundError, UsageError

if TYPE_CHECKING:
    from tfgenxai.graph import Graph
    from tfgenxai.latent.generator import Generator

#: Values of a continuous code on a walk: twice as far as the prior goes.
WALK = tuple(np.linspace(-2.0, 2.0, 9))


@dataclass(frozen=True)
class CodeParts:
    """What is what in z = [noise | a category, one-hot | continuous codes] (Chen et al. 2016).

    Attributes:
        noise: dimensions of the noise, which come first.
        categories: those of the one-hot category.
        continuous: number of continuous codes, which come last.
    """

    noise: int
    categories: int
    continuous: int

    @classmethod
    def of(cls, model: Mapping[str, Graph]) -> Self:
        """The parts, as the card of a SavedModel tells them.

        Raises:
            ModelNotFoundError: the card does not speak of such parts.
        """
        config = (getattr(model, "card", None) or {}).get("architecture", {}).get("config", {})
        try:
            return cls(*(int(config[name]) for name in ("noise", "categories", "continuous")))
        except KeyError as error:
            raise ModelNotFoundError(
                f"{getattr(model, 'path', 'The model')} has no card that tells the parts of its "
                f"code ({error.args[0]!r} is missing); load an InfoGAN, or give CodeParts(...)."
            ) from None

    @property
    def width(self) -> int:
        """Dimensions of z."""
        return self.noise + self.categories + self.continuous

    def category(self, codes: np.ndarray) -> np.ndarray:
        """The category (...) of codes (..., d)."""
        return self._checked(codes)[..., self.noise : self.noise + self.categories].argmax(axis=-1)

    def values(self, codes: np.ndarray) -> np.ndarray:
        """The continuous codes (..., C) of codes (..., d)."""
        return self._checked(codes)[..., self.noise + self.categories :]

    def with_category(self, codes: np.ndarray, category: Any) -> np.ndarray:
        """Codes (..., d) with another category, one for all or an array (...)."""
        changed = self._checked(codes).copy()
        chosen = np.broadcast_to(np.asarray(category), changed.shape[:-1])
        if chosen.min() < 0 or chosen.max() >= self.categories:
            raise InvalidInputError(f"Categories run from 0 to {self.categories - 1}.")
        changed[..., self.noise : self.noise + self.categories] = np.eye(
            self.categories, dtype=changed.dtype
        )[chosen]
        return changed

    def with_value(self, codes: np.ndarray, index: int, value: Any) -> np.ndarray:
        """Codes (..., d) with the continuous code `index` at another value, one or an array."""
        if not 0 <= index < self.continuous:
            raise InvalidInputError(
                f"There is no continuous code {index}; there are {self.continuous}, from 0."
            )
        changed = self._checked(codes).copy()
        changed[..., self.noise + self.categories + index] = value
        return changed

    def _checked(self, codes: np.ndarray) -> np.ndarray:
        array = np.asarray(codes, np.float32)
        if not array.ndim or array.shape[-1] != self.width:
            raise InvalidInputError(
                f"These codes have {self.width} dimensions, {self.noise} of noise, "
                f"{self.categories} of the category and {self.continuous} continuous; not shape "
                f"{array.shape}."
            )
        return array


def category_codes(parts: CodeParts, codes: np.ndarray) -> np.ndarray:
    """Every category with every one of the codes (N, d): (K, N, d)."""
    repeated = np.repeat(np.asarray(codes)[None], parts.categories, axis=0)
    return parts.with_category(repeated, np.arange(parts.categories)[:, None])


def value_codes(
    parts: CodeParts, codes: np.ndarray, index: int, values: Sequence[float] | np.ndarray
) -> np.ndarray:
    """Each of the codes (N, d) with one continuous code at all of `values` (S,): (N, S, d)."""
    along = np.asarray(values, np.float32)
    repeated = np.repeat(np.asarray(codes)[:, None], len(along), axis=1)
    return parts.with_value(repeated, index, along)


def code_grid(
    generator: Generator,
    parts: CodeParts,
    *,
    draws: int = 10,
    label: int | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Images (K, draws, H, W, C): each row a category, each column the same noise and codes.

    Args:
        label: what a conditional generator draws.
        seed: of the noise and the continuous codes.
    """
    codes = generator.codes(draws, np.random.default_rng(seed))
    return generator.images(category_codes(parts, codes), label)


def code_walk(
    generator: Generator,
    parts: CodeParts,
    index: int,
    *,
    values: Sequence[float] | np.ndarray = WALK,
    label: int | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Images (K, S, H, W, C): each row a category, along it one continuous code.

    All rows share their noise and the other codes. The codes were drawn from U(-1, 1); beyond it,
    to -2 and 2 as the paper shows it, the generator has never been.

    Args:
        index: the continuous code, from 0.
        values: (S,) that it takes.
        label, seed: see `code_grid`.
    """
    code = generator.codes(1, np.random.default_rng(seed))
    codes = category_codes(parts, code)[:, 0]
    return generator.images(value_codes(parts, codes, index, values), label)


def read_codes(
    infer: Graph, images: np.ndarray, labels: Any = None, *, batch_size: int = 256
) -> tuple[np.ndarray, np.ndarray]:
    """What Q says of images (N, H, W, C): logits (N, K) of the category, and the continuous (N, C).

    Args:
        infer: the model's signature `infer`.
        labels: (N,) of a conditional model.

    Raises:
        UsageError: a conditional model is given no labels, or another is given some.
    """
    if ("label" in infer.inputs) != (labels is not None):
        takes = "does not take" if labels is not None else "takes"
        raise UsageError(f"This Q {takes} labels; pass them for conditional models alone.")
    fed = [np.asarray(images, np.float32)]
    if labels is not None:
        kind = infer.inputs["label"].dtype.as_numpy_dtype
        fed.append(np.broadcast_to(np.asarray(labels, kind), fed[0].shape[:1]))
    function = infer.function(["image", "label"][: len(fed)], ["logits", "continuous"])
    parts = [
        [found.numpy() for found in function(*(x[start : start + batch_size] for x in fed))]
        for start in range(0, len(fed[0]), batch_size)
    ]
    logits, continuous = (np.concatenate(each) for each in zip(*parts, strict=True))
    return logits, continuous
