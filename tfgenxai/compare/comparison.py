"""`Comparison`: what every comparison gives back: a page, tables, figures and plain sentences."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tfgenxai.errors import InvalidInputError
from tfgenxai.files import write_text
from tfgenxai.report import Report

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure


class Comparison:
    """A comparison as it grows; each call adds to the end of its page and gives it back.

    Attributes:
        results: every number of the page, in JSON's types (arrays are turned into lists).
        frames: name -> the pandas frame of each table.
        figures: name -> the matplotlib Figure of each picture.
        headline: what was found, in one sentence; it opens the page.
        findings: the same in detail, sentences built from the numbers.
        writers: what else `save` writes: functions of the folder.
    """

    def __init__(self, title: str, subtitle: str = "") -> None:
        self.report = Report(title, subtitle)
        self.results: dict[str, Any] = {}
        self.frames: dict[str, pandas.DataFrame] = {}
        self.figures: dict[str, Figure] = {}
        self.headline = ""
        self.findings: list[str] = []
        self.writers: list[Callable[[Path], object]] = []
        self._started = time.monotonic()

    def section(self, title: str, text: str = "", *, level: int = 1) -> Self:
        """Begins a section, or with `level=2` a part of one."""
        self.report.section(title, text, level=level)
        return self

    def text(self, text: str) -> Self:
        """Adds paragraphs, and lists of lines that begin with "- "."""
        self.report.text(text)
        return self

    def table(
        self,
        name: str,
        rows: pandas.DataFrame | Sequence[Mapping[str, Any]],
        caption: str,
        *,
        columns: Sequence[str] | None = None,
    ) -> Self:
        """Adds a table, kept as `frames[name]` and written to tables/NAME.csv.

        Args:
            columns: the columns that the page shows; the frame and the file keep all.
        """
        import pandas

        if not re.fullmatch(r"\w[\w.-]*", name, flags=re.ASCII) or name in self.frames:
            raise InvalidInputError(
                f"'{name}' cannot name this table; use a new name of letters, digits, '.', '_' "
                "and '-'."
            )
        frame = rows if isinstance(rows, pandas.DataFrame) else pandas.DataFrame(list(rows))
        self.frames[name] = frame
        known = frame.astype(object).where(frame.notna(), None)
        self.report.table(known.to_dict("records"), caption, columns=columns)
        return self

    def figure(self, name: str, figure: Figure, caption: str) -> Self:
        """Adds a figure, kept as `figures[name]` and written to figures/NAME.png."""
        self.report.figure(figure, caption, name=name)
        self.figures[name] = figure
        return self

    def finding(self, sentence: str) -> Self:
        """Adds a sentence to what was found."""
        self.findings.append(sentence)
        return self

    def json(self) -> dict[str, Any]:
        """All of it but the pictures, in JSON's types: `results`, headline, findings, names."""
        everything = self.results | {
            "headline": self.headline,
            "findings": self.findings,
            "figures": list(self.figures),
            "tables": list(self.frames),
        }
        return json.loads(json.dumps(everything, default=_plain))

    def save(self, out: str | os.PathLike[str]) -> Path:
        """Writes report.html, results.json, tables/*.csv and figures/*.png; gives back the page."""
        out = Path(out)
        self.results.setdefault("seconds", round(time.monotonic() - self._started, 1))
        for name, frame in self.frames.items():
            write_text(out / "tables" / f"{name}.csv", frame.to_csv(index=False))
        for write in self.writers:
            write(out)
        write_text(out / "results.json", json.dumps(self.json(), indent=2))
        if self.findings:
            listed = "\n".join(f"- {sentence}" for sentence in self.findings)
            headline = f"**{self.headline}**\n\n" if self.headline else ""
            self.report.opening("What was found", headline + listed)
        return self.report.save(out / "report.html")


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if hasattr(value, "to_dict"):
        return value.to_dict("records")
    return str(value)
