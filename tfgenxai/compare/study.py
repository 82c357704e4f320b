"""What the tests of conclusions share: models, arrays, and the conclusions so far."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tfgenxai.compare.material import Material
    from tfgenxai.compare.subjects import Subjects


@dataclass(frozen=True)
class Conclusion:
    """A conclusion, what was measured for it, and whether the numbers agree.

    Attributes:
        conclusion: as it is drawn.
        model: of what.
        measured, control: numbers in words.
        agrees: whether the measure passes the control.
        criterion: what counts as agreeing.
    """

    conclusion: str
    model: str
    measured: str
    control: str
    agrees: bool
    criterion: str

    @property
    def verdict(self) -> str:
        """Whether the numbers agree, in words."""
        return "agrees" if self.agrees else "does not agree"

    def row(self) -> dict[str, Any]:
        """Cells of a table."""
        cells = asdict(self)
        del cells["agrees"]
        return cells | {"verdict": self.verdict}

    def sentence(self) -> str:
        """For the list of findings."""
        return (
            f"*{self.conclusion}* ({self.model}): **{self.verdict}**. {self.measured}; "
            f"for comparison {self.control}."
        )


@dataclass
class Study:
    """Models and arrays that the conclusions are tested on, and the conclusions so far."""

    subjects: Subjects
    material: Material
    seed: int
    conclusions: list[Conclusion] = field(default_factory=list)


def common(labels: np.ndarray, least: int = 5) -> np.ndarray:
    """Which samples are of a class with at least `least` of them: a GAN may draw one digit once."""
    values, counts = np.unique(labels, return_counts=True)
    return np.isin(labels, values[counts >= least])
