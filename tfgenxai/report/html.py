"""`Report`: one HTML page that holds its figures and needs nothing else to be read."""

from __future__ import annotations

import base64
import html
import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Self

from matplotlib.figure import Figure

from tfgenxai.errors import InvalidInputError
from tfgenxai.files import write_bytes, write_text
from tfgenxai.plots.style import DPI, png
from tfgenxai.report import markup

CSS_DPI = 96
WIDE = 2  # from this ratio of width to height on, a figure scrolls on a phone
# The page may load nothing: its pictures and its style are in it.
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class _Heading:
    title: str
    anchor: str
    number: str
    level: int


class Report:
    """A page built from top to bottom; each call adds to its end and gives back the report.

        report = Report("VAE and GAN compared")
        report.section("Latent space", "What the codes show.")
        report.figure(plots.scatter(projection, labels), "The **PCA** of the codes.", name="pca")
        report.save("results/report.html")

    Texts are escaped; in them `code`, **strong**, *emphasis* and [links](page.html) to files beside
    the page are set as in Markdown.
    """

    def __init__(self, title: str, subtitle: str = "") -> None:
        self.title = title
        self.subtitle = subtitle
        self._opening = ""
        self._blocks: list[str] = []
        self._headings: list[_Heading] = []
        self._figures: dict[str, bytes] = {}
        self._tables = 0

    def opening(self, title: str, text: str) -> Self:
        """Set what stands above all sections, in a box: the page in short."""
        self._opening = (
            f'<aside class="opening">\n<h2>{markup.inline(title)}</h2>\n'
            f"{markup.paragraphs(text)}\n</aside>"
        )
        return self

    def section(self, title: str, text: str = "", *, level: int = 1) -> Self:
        """Begin a section, or with `level=2` a part of the one before, in the contents too."""
        if level not in (1, 2) or (level == 2 and not self._headings):
            raise InvalidInputError("A section has level 1, or 2 below a section of level 1.")
        top = sum(heading.level == 1 for heading in self._headings) + (level == 1)
        number = str(top)
        if level == 2:
            after = [heading.level for heading in reversed(self._headings)].index(1)
            number += f".{after + 1}"
        heading = _Heading(title, f"section-{number.replace('.', '-')}", number, level)
        self._headings.append(heading)
        tag = f"h{level + 1}"
        self._blocks.append(
            f'<{tag} id="{heading.anchor}"><span class="number">{number}</span>'
            f"{markup.inline(title)}</{tag}>"
        )
        return self.text(text) if text else self

    def text(self, text: str) -> Self:
        """Add paragraphs, separated by blank lines, and lists of lines that begin with "- "."""
        self._blocks.append(markup.paragraphs(text))
        return self

    def code(self, text: str) -> Self:
        """Add a text as it is, in fixed width: a command, a printout."""
        self._blocks.append(f"<pre><code>{html.escape(text.strip(chr(10)))}</code></pre>")
        return self

    def table(
        self,
        rows: Sequence[Mapping[str, object]] | Sequence[Sequence[object]],
        caption: str,
        *,
        columns: Sequence[str] | None = None,
    ) -> Self:
        """Add a numbered table; columns of numbers are aligned right.

        Args:
            rows: Mappings from column to value, or sequences in the order of `columns`.
            caption: What the table shows.
            columns: The columns to show; for mappings, all in order of appearance by default.
        """
        drawn = markup.table(rows, columns)
        self._tables += 1
        label = f"Table {self._tables}"
        self._blocks.append(
            f'<figure class="table" id="table-{self._tables}">\n'
            f"<figcaption><b>{label}.</b> {markup.inline(caption)}</figcaption>\n"
            f"{_scrolling(label, drawn)}\n"
            "</figure>"
        )
        return self

    def figure(
        self,
        figure: Figure | bytes,
        caption: str,
        *,
        name: str | None = None,
        alt: str | None = None,
    ) -> Self:
        """Add a numbered figure.

        Args:
            figure: A matplotlib figure, or the content of a PNG file.
            caption: What the figure shows.
            name: Name of the PNG file that `save` writes: letters, digits, ".", "_" and "-".
            alt: What a reader who cannot see it should hear; the caption by default.
        """
        number = len(self._figures) + 1
        name = name or f"figure-{number}"
        if not re.fullmatch(r"\w[\w.-]*", name, flags=re.ASCII) or name in self._figures:
            raise InvalidInputError(
                f"'{name}' cannot name this figure; use a new name of letters, digits, '.', '_' "
                "and '-'."
            )
        content = figure if isinstance(figure, bytes) else png(figure)
        width, height = _size(content)
        self._figures[name] = content
        encoded = base64.b64encode(content).decode()
        heard = html.escape(alt) if alt else markup.plain(caption)
        picture = (
            f'<img src="data:image/png;base64,{encoded}" width="{width}" height="{height}" '
            f'alt="{heard}">'
        )
        wide = width > WIDE * height
        if wide:
            picture = _scrolling(f"Figure {number}", picture)
        self._blocks.append(
            f'<figure id="figure-{number}"{" class=wide" if wide else ""}>\n{picture}\n'
            f"<figcaption><b>Figure {number}.</b> {markup.inline(caption)}</figcaption>\n"
            "</figure>"
        )
        return self

    def html(self) -> str:
        """The whole page."""
        title = markup.plain(self.title)
        subtitle = f"<p>{markup.inline(self.subtitle)}</p>\n" if self.subtitle else ""
        style = resources.files("tfgenxai.report").joinpath("report.css").read_text("utf-8")
        body = "\n".join([self._opening, *self._blocks] if self._opening else self._blocks)
        return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{style}</style>
</head>
<body>
<div class="page">
<header>
<h1>{markup.inline(self.title)}</h1>
{subtitle}</header>
<div class="columns">
{self._contents()}
<main>
{body}
</main>
</div>
</div>
</body>
</html>
"""

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page, and each figure as `figures/NAME.png` beside it; gives back the path."""
        path = Path(path)
        for name, content in self._figures.items():
            write_bytes(path.parent / "figures" / f"{name}.png", content)
        return write_text(path, self.html())

    def _contents(self) -> str:
        entries = "\n".join(
            f'<li{" class=sub" if heading.level == 2 else ""}><a href="#{heading.anchor}">'
            f'<span class="number">{heading.number}</span>{markup.inline(heading.title)}</a></li>'
            for heading in self._headings
        )
        return (
            '<nav aria-label="Contents">\n<details open>\n<summary>Contents</summary>\n'
            f"<ol>\n{entries}\n</ol>\n</details>\n</nav>"
        )


def _scrolling(label: str, content: str) -> str:
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}">\n{content}\n</div>'
    )


def _size(content: bytes) -> tuple[int, int]:
    """Width and height of a PNG in the pixels of the page, at the size it was drawn for."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
            width, height = picture.size
            density = float(picture.info.get("dpi", (DPI, DPI))[0])
    except (UnidentifiedImageError, OSError):
        raise InvalidInputError(
            "A figure must be a matplotlib Figure or the content of a PNG file."
        ) from None
    return round(width * CSS_DPI / density), round(height * CSS_DPI / density)
