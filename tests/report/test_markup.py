"""Text and numbers as HTML."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgenxai.errors import InvalidInputError
from tfgenxai.report.markup import cell, inline, paragraphs, plain, table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a **b** *c* `d`", "a <strong>b</strong> <em>c</em> <code>d</code>"),
        ("<script>", "&lt;script&gt;"),
        ("`<b> **x**`", "<code>&lt;b&gt; **x**</code>"),
        ("2*3*4 and a * b", "2*3*4 and a * b"),
        ("lone ` and **", "lone ` and **"),
        ("***", "***"),
        ("95 % of it", "95\N{NO-BREAK SPACE}% of it"),
        ("see [the *page*](a/b.html)", 'see <a href="a/b.html">the <em>page</em></a>'),
        ("[x](javascript:alert)", "[x](javascript:alert)"),
        ("[x](//host/y)", "[x](//host/y)"),
        ("[<b>](#section-1)", '<a href="#section-1">&lt;b&gt;</a>'),
    ],
)
def test_marks_become_elements_and_the_rest_is_escaped(text, shown):
    assert inline(text) == shown


@given(st.text(alphabet="ab*`<>&\"' \n-[]()", max_size=40))
def test_no_text_can_leave_its_element(text):
    shown = paragraphs(text)
    for tag in ("strong", "em", "code", "p", "ul", "li"):
        assert shown.count(f"<{tag}>") == shown.count(f"</{tag}>")
        shown = shown.replace(f"<{tag}>", "").replace(f"</{tag}>", "")
    shown = re.sub(r'<a href="[ab-]+">(.*?)</a>', r"\1", shown)
    assert "<" not in shown
    assert not set('<>"') & set(plain(text))


def test_paragraphs_and_lists():
    text = "One\nline.\n\nTwo:\n- a\n- b\n  goes on\n\n"
    assert paragraphs(text).split("\n") == [
        "<p>One line.</p>",
        "<p>Two:</p>",
        "<ul>",
        "<li>a</li>",
        "<li>b goes on</li>",
        "</ul>",
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (True, "yes"),
        (np.bool_(False), "no"),
        (10_000, "10,000"),
        (np.int64(-7), "−7"),
        (0.87123, "0.8712"),
        (np.float32(-97.0194), "−97.02"),
        (1234.56, "1,235"),
        (0.0, "0.0000"),
        (float("nan"), "–"),
        (float("-inf"), "−∞"),
        (-2.1e-7, "−2.10×10<sup>−7</sup>"),
        (3e10, "3.00×10<sup>10</sup>"),
        ("a<b", "a&lt;b"),
    ],
)
def test_cells(value, shown):
    assert cell(value) == shown


def test_columns_of_numbers_are_aligned_right():
    shown = table([{"model": "CVAE", "knn": 0.9}, {"model": "7", "knn": None, "late": 1}], None)
    assert '<th scope="col">model</th><th scope="col" class="num">knn</th>' in shown
    assert '<td>CVAE</td><td class="num">0.9000</td><td class="num">–</td>' in shown
    assert '<td>7</td><td class="num">–</td><td class="num">1</td>' in shown
    flags = table([[True, 1], [False, 2]], ["flag", "count"])
    assert "<td>yes</td>" in flags
    chosen = table([{"a": 1, "b": 2}], ["b"])
    assert "<td" in chosen and ">a<" not in chosen


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        ([], None, "at least one row"),
        ([[1, 2]], None, "columns="),
        ([{"a": 1}, [2]], None, "all mappings"),
        ([[1, 2]], ["a"], "2 cells for 1 columns"),
    ],
)
def test_what_is_no_table_is_refused(rows, columns, message):
    with pytest.raises(InvalidInputError, match=message):
        table(rows, columns)
