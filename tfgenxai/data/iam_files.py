"""The text files of the IAM Handwriting Database: the words, and which set a line is in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tfgenxai.errors import DataNotFoundError, InvalidInputError

WHERE_TO_GET_IT = (
    "Get it from the IAM Handwriting Database of the University of Bern, which is free for "
    "research after registration and may not be passed on: words.txt of ascii.tgz, and words.tgz "
    "unpacked into a folder words/ beside it."
)
_IDENTITY = re.compile(r"[a-z]\d+-\d+[a-z]*-\d+-\d+", re.ASCII)
_SEGMENTATIONS = ("ok", "err")
# The sets of the official task of reading lines, and what they are to us. The validation sets
# count as training: nothing here is chosen by them, and the test set stays unseen.
_SETS = {
    "trainset.txt": "train",
    "validationset1.txt": "train",
    "validationset2.txt": "train",
    "testset.txt": "test",
}


@dataclass(frozen=True)
class Word:
    """One line of words.txt.

    Attributes:
        identity: such as "a01-000u-00-03": form a01-000u, line 00 of it, word 03.
        segmented: whether the word was cut out of its line rightly.
        text: what is written.
    """

    identity: str
    segmented: bool
    text: str

    @property
    def form(self) -> str:
        """The form, a page of one writer: "a01-000u"."""
        return "-".join(self.identity.split("-")[:2])

    @property
    def line(self) -> str:
        """The line: "a01-000u-00"."""
        return self.identity.rpartition("-")[0]

    @property
    def file(self) -> Path:
        """The image below words/."""
        return Path(self.form.split("-")[0], self.form, f"{self.identity}.png")


def read_words(folder: Path) -> tuple[list[Word], list[str]]:
    """The words of `folder`/words.txt in order, and the lines of it that are none.

    A line holds the identity, the segmentation, the grey level, the bounding box in four numbers,
    the grammatical tag, and the rest of it is the transcription; # begins a comment.

    Raises:
        DataNotFoundError: there is no such file.
    """
    path = folder / "words.txt"
    if not path.is_file():
        raise DataNotFoundError(f"There is no {path}. {WHERE_TO_GET_IT}")
    words, malformed = [], []
    for line in path.read_text("utf-8", errors="replace").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split(maxsplit=8)
        if len(fields) == 9 and _IDENTITY.fullmatch(fields[0]) and fields[1] in _SEGMENTATIONS:
            words.append(Word(fields[0], fields[1] == "ok", fields[8].strip()))
        else:
            malformed.append(line)
    return words, malformed


def read_partition(folder: Path) -> dict[str, str] | None:
    """Line -> "train" or "test" by the official sets, or None when they are not there.

    The sets are looked for in `folder` and in the folders in it.

    Raises:
        DataNotFoundError: trainset.txt is there without testset.txt, or the reverse.
        InvalidInputError: a line is in a training and in the test set.
    """
    for place in (folder, *sorted(path for path in folder.iterdir() if path.is_dir())):
        files = {name: place / name for name in _SETS if (place / name).is_file()}
        if not files.keys() & {"trainset.txt", "testset.txt"}:
            continue
        for name in ("trainset.txt", "testset.txt"):
            if name not in files:
                raise DataNotFoundError(
                    f"{place} holds official sets of lines, but no {name}; add it, or remove the "
                    "others to have the forms split here."
                )
        return _partition(files)
    return None


def _partition(files: dict[str, Path]) -> dict[str, str]:
    split_of: dict[str, str] = {}
    for name, path in files.items():
        for line in path.read_text("utf-8", errors="replace").split():
            if split_of.setdefault(line, _SETS[name]) != _SETS[name]:
                raise InvalidInputError(
                    f"{path}: the line {line} is in a training set as well; get the official "
                    "files anew."
                )
    return split_of
