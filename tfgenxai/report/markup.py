"""Text and table cells as HTML, everything escaped."""

from __future__ import annotations

import html
import math
import numbers
import re
from collections.abc import Mapping, Sequence

from tfgenxai.errors import InvalidInputError

MISSING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
SIGNIFICANT_DIGITS = 4


def paragraphs(text: str) -> str:
    """Paragraphs between blank lines, and lists of lines that begin with "- "."""
    blocks = []
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = [line.strip() for line in block.splitlines() if line.strip()]
        first_item = next((i for i, line in enumerate(lines) if line.startswith("- ")), len(lines))
        if lines[:first_item]:
            blocks.append(f"<p>{inline(' '.join(lines[:first_item]))}</p>")
        if lines[first_item:]:
            blocks.append(_list(lines[first_item:]))
    return "\n".join(blocks)


def inline(text: str) -> str:
    """Escaped text; `code`, **strong**, *emphasis* and [links](beside.html) become elements."""
    pieces = re.split(r"(`[^`]+`|\[[^\]]+\]\([^)\s]+\))", text)
    return "".join(_piece(piece) for piece in pieces)


def plain(text: str) -> str:
    """The text without its marks, escaped for an attribute."""
    return html.escape(
        re.sub(r"[`*]", "", re.sub(r"\[([^\]]+)\]\([^)\s]+\)", r"\1", " ".join(text.split())))
    )


def table(
    rows: Sequence[Mapping[str, object]] | Sequence[Sequence[object]], columns: Sequence[str] | None
) -> str:
    """A table; columns of numbers are aligned right.

    Args:
        rows: Mappings from column to value, or sequences in the order of `columns`.
        columns: The columns to show; for mappings, all in order of appearance by default.

    Raises:
        InvalidInputError: No rows, sequences without `columns` or of another length.
    """
    if not len(rows):
        raise InvalidInputError("A table needs at least one row.")
    names, cells = _cells(rows, columns)
    numeric = [_is_numeric([row[c] for row in cells]) for c in range(len(names))]
    marks = [' class="num"' if number else "" for number in numeric]
    head = "".join(
        f'<th scope="col"{mark}>{inline(str(name))}</th>'
        for mark, name in zip(marks, names, strict=True)
    )
    body = "\n".join(
        "<tr>"
        + "".join(f"<td{mark}>{cell(value)}</td>" for mark, value in zip(marks, row, strict=True))
        + "</tr>"
        for row in cells
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def cell(value: object) -> str:
    """One value: four significant digits, thousands apart, a dash for what is missing."""
    if value is None:
        return MISSING
    if _is_flag(value):
        return "yes" if value else "no"
    if isinstance(value, numbers.Integral):
        return f"{int(value):,}".replace("-", MINUS)
    if isinstance(value, numbers.Real):
        return _real(float(value))
    return inline(str(value))


def _real(value: float) -> str:
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return ("" if value > 0 else MINUS) + "\N{INFINITY}"
    size = abs(value)
    if value and not 1e-3 <= size < 1e9:
        mantissa, exponent = f"{value:.2e}".split("e")
        sign = MINUS if exponent.startswith("-") else ""
        power = exponent.lstrip("+-0")
        return f"{mantissa}\N{MULTIPLICATION SIGN}10<sup>{sign}{power}</sup>".replace("-", MINUS)
    whole = len(str(int(size))) if size >= 1 else 0
    decimals = max(0, SIGNIFICANT_DIGITS - whole)
    return f"{value:,.{decimals}f}".replace("-", MINUS)


def _piece(piece: str) -> str:
    if len(piece) > 2 and piece[0] == piece[-1] == "`":
        return f"<code>{html.escape(piece[1:-1])}</code>"
    # Only files beside the page: a name cannot become a script or a foreign address.
    link = re.fullmatch(r"\[([^\]]+)\]\(((?:#|\w)[\w./#-]*)\)", piece)
    if link:
        return f'<a href="{link[2]}">{_emphasis(html.escape(link[1]))}</a>'
    return _emphasis(html.escape(piece))


def _list(lines: Sequence[str]) -> str:
    items: list[str] = []
    for line in lines:
        if line.startswith("- "):
            items.append(line[2:])
        else:
            items[-1] += f" {line}"
    return "<ul>\n" + "\n".join(f"<li>{inline(item)}</li>" for item in items) + "\n</ul>"


def _emphasis(escaped: str) -> str:
    escaped = re.sub(r"(?<=\d) (?=%)", "\N{NO-BREAK SPACE}", escaped)
    # A mark touches a word on its inside and none on its outside, so that 2*3*4 stays as it is.
    strong = re.sub(r"(?<!\w)\*\*(?=\S)(.+?)(?<=\S)\*\*(?!\w)", r"<strong>\1</strong>", escaped)
    return re.sub(r"(?<![\w*])\*(?=[^\s*])(.+?)(?<=[^\s*])\*(?![\w*])", r"<em>\1</em>", strong)


def _cells(
    rows: Sequence[Mapping[str, object]] | Sequence[Sequence[object]],
    columns: Sequence[str] | None,
) -> tuple[list[str], list[list[object]]]:
    mappings = [row for row in rows if isinstance(row, Mapping)]
    if len(mappings) == len(rows):
        names = list(columns or dict.fromkeys(name for row in mappings for name in row))
        return names, [[row.get(name) for name in names] for row in mappings]
    if mappings or columns is None:
        raise InvalidInputError(
            "Rows of a table are either all mappings, or all sequences with columns=[...]."
        )
    cells = [list(row) for row in rows]
    wrong = next((row for row in cells if len(row) != len(columns)), None)
    if wrong is not None:
        raise InvalidInputError(
            f"A row of the table has {len(wrong)} cells for {len(columns)} columns: {wrong}."
        )
    return list(columns), cells


def _is_numeric(values: Sequence[object]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(
        isinstance(value, numbers.Real) and not _is_flag(value) for value in known
    )


def _is_flag(value: object) -> bool:
    return type(value).__name__ in ("bool", "bool_")
