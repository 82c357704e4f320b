"""The page read back: well-formed, self-contained, with every figure in it."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

import pytest

from tfgenxai import plots
from tfgenxai.errors import InvalidInputError
from tfgenxai.report import Report

VOID = {"meta", "link", "img", "br"}


class Page(HTMLParser):
    """Checks that tags nest, and keeps elements and text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts.append((self.open[-1], data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self, tag: str) -> list[str]:
        return [data for name, data in self.texts if name == tag and data.strip()]


def bars(title: str):
    return plots.bars([1, 2], ["a", "b"], title=title, xlabel="x")


@pytest.fixture
def report() -> Report:
    built = Report("VAE & GAN <compared>", "On *MNIST*.")
    built.text("First.")
    built.section("Latent space", "Text with <script>alert(1)</script>.")
    built.figure(bars("one"), 'A **"bold"** caption.', name="pca-cvae")
    built.section("PCA", level=2).code("[[ 0.1 <b>]]").table([{"model": "CVAE", "knn": 0.9}], "KNN")
    built.section("Images").figure(plots.png(bars("two")), "Bars.", alt="Two bars")
    return built


def test_the_page_is_well_formed_and_numbered(report):
    page = Page(report.html())
    assert page.text("title") == ["VAE & GAN <compared>"]
    assert page.text("h1") == ["VAE & GAN <compared>"]
    assert page.text("h2") == ["Latent space", "Images"]
    assert page.text("h3") == ["PCA"]
    assert page.text("b") == ["Figure 1.", "Table 1.", "Figure 2."]
    assert page.text("span") == ["1", "1.1", "2"] * 2
    anchors = [attributes["href"] for attributes in page.all("a")]
    identities = {attributes.get("id") for _, attributes in page.elements}
    assert anchors == ["#section-1", "#section-1-1", "#section-2"]
    assert {anchor[1:] for anchor in anchors} <= identities
    assert [attributes["alt"] for attributes in page.all("img")] == [
        'A "bold" caption.',
        "Two bars",
    ]


def test_texts_are_escaped(report):
    page = Page(report.html())
    assert not page.all("script")
    assert page.text("code") == ["[[ 0.1 <b>]]"]
    assert "Text with <script>alert(1)</script>." in page.text("p")


def test_the_page_loads_nothing(report):
    source = report.html()
    page = Page(source)
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "data", "action"):
            value = attributes.get(name) or ""
            assert value.startswith(("data:", "#")) or not value, (tag, value)
    assert not re.search(r"https?://|@import|url\(", source)
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv"))
    assert policy.startswith("default-src 'none'")


def test_saved_figures_are_those_of_the_page(report, tmp_path):
    path = report.save(tmp_path / "results" / "report.html")
    page = Page(path.read_text("utf-8"))
    embedded = [
        base64.b64decode(attributes["src"].removeprefix("data:image/png;base64,"))
        for attributes in page.all("img")
    ]
    files = [path.parent / "figures" / name for name in ("pca-cvae.png", "figure-2.png")]
    assert [file.read_bytes() for file in files] == embedded
    assert embedded[1] == plots.png(bars("two"))
    assert {file.name for file in tmp_path.rglob("*") if file.is_file()} == {
        "report.html",
        "pca-cvae.png",
        "figure-2.png",
    }
    # A figure is shown at the size it was drawn for: 6.5 inches of 96 pixels.
    assert page.all("img")[0]["width"] == "624"


def test_an_old_report_stays_when_the_new_one_cannot_be_written(report, tmp_path):
    path = report.save(tmp_path / "report.html")
    before = path.read_bytes()
    (tmp_path / "figures" / "pca-cvae.png").unlink()
    (tmp_path / "figures" / "pca-cvae.png").mkdir()
    report.text("More.")
    with pytest.raises(OSError):
        report.save(path)
    assert path.read_bytes() == before
    assert not list(tmp_path.rglob("*.tmp"))


def test_what_does_not_fit_is_refused(report):
    with pytest.raises(InvalidInputError, match="cannot name"):
        report.figure(bars("x"), "again", name="pca-cvae")
    with pytest.raises(InvalidInputError, match="cannot name"):
        report.figure(bars("x"), "up", name="../up")
    with pytest.raises(InvalidInputError, match="PNG"):
        report.figure(b"GIF89a", "no picture")
    with pytest.raises(InvalidInputError, match="level"):
        Report("empty").section("part", level=2)
    assert len(Page(report.html()).all("img")) == 2
