"""Factor codes in, face out: an SVG by python-avatars, made into pixels by resvg.

Run as a module it draws for a parent process: codes as .npy on stdin, pixels as .npy on stdout.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any
from xml.etree import ElementTree

import numpy as np

from tfgenxai.data.faces_factors import FACTORS, NAMES
from tfgenxai.errors import DataNotFoundError

SIDE = 128
PAINTED = ("skin", "background")
PARTS = ("hair", "beard", "glasses", "eyes", "eyebrows", "mouth", "clothes", *PAINTED)
_WHOLE = 'width="264px" height="280px" viewBox="0 0 264 280"'
_SQUARE = 'width="220px" height="220px" viewBox="22 14 220 220"'  # head, hair and collar fill it
_IN_PROCESS = 48  # below this, starting a worker takes longer than drawing


@cache
def _libraries() -> tuple[Any, Any, Any]:
    try:
        import python_avatars
        import resvg_py
        from PIL import Image
    except ImportError as error:
        raise DataNotFoundError(
            f"Drawing faces needs a package that is missing ({error.name}); "
            "install python-avatars, resvg-py and pillow."
        ) from error
    return python_avatars, resvg_py, Image


def svg(codes: np.ndarray, change: str | None = None) -> tuple[str, str]:
    """The drawing of a face without its background, and the background's colour.

    Args:
        codes: int (factors,), one code per factor.
        change: a part to leave out, such as "hair"; or, for the parts in `PAINTED`, which every
            face has, a colour to give it, such as "skin=#FFFFFF".
    """
    avatars, _, _ = _libraries()
    value = {f.name: list(f.values.values())[int(c)] for f, c in zip(FACTORS, codes, strict=True)}
    part, _, colour = (change or "").partition("=")
    skin = colour if part == "skin" else avatars.SkinColor[value["skin"]].value
    hair_colour = avatars.HairColor[value["hair_color"]].value
    drawn = {
        "top": avatars.HairType[value["hair"]],
        "facial_hair": avatars.FacialHairType[value["beard"]],
        "accessory": avatars.AccessoryType[value["glasses"]],
        "eyes": avatars.EyeType[value["eyes"]],
        "eyebrows": avatars.EyebrowType[value["eyebrows"]],
        "mouth": avatars.MouthType[value["mouth"]],
        "clothing": avatars.ClothingType[value["clothes"]],
    }
    argument = {"beard": "facial_hair", "glasses": "accessory", "clothes": "clothing"}
    if argument.get(part, part) in drawn:
        drawn[argument.get(part, part)] = None
    drawing = avatars.Avatar(
        style=avatars.AvatarStyle.TRANSPARENT,
        skin_color=skin,
        hair_color=hair_colour,
        facial_hair_color=hair_colour,
        clothing_color=avatars.ClothingColor[value["clothes_color"]].value,
        nose=avatars.NoseType.DEFAULT,
        **drawn,
    ).render()
    if part == "hair":
        drawing = _without_hair(drawing)
    background = colour if part == "background" else value["background"]
    return drawing.replace(_WHOLE, _SQUARE, 1), background


def _without_hair(drawing: str) -> str:
    """The drawing less all of its hair layer but the beard and the glasses inside it.

    Drawing a bald head instead could swap the beard and the glasses: each hair style sets which
    of the two is in front.
    """
    root = ElementTree.fromstring(drawing)

    def stays(element: ElementTree.Element) -> bool:
        return element.get("id", "").endswith(("_Facial-Hair", "_Accessory"))

    def prune(element: ElementTree.Element) -> None:
        for child in list(element):
            if not any(stays(inner) for inner in child.iter()):
                element.remove(child)
            elif not stays(child):
                prune(child)

    prune(next(e for e in root.iter() if e.get("id", "").endswith("_Top")))
    return ElementTree.tostring(root, encoding="unicode")


def draw(codes: np.ndarray, change: str | None = None) -> np.ndarray:
    """uint8 (128, 128, 3): the face with these factor codes; `change` as in `svg`."""
    _, resvg, image = _libraries()
    drawing, background = svg(codes, change)
    png = resvg.svg_to_bytes(
        svg_string=drawing,
        width=SIDE,
        height=SIDE,
        background=background,
        skip_system_fonts=True,
    )
    return np.asarray(image.open(io.BytesIO(png)).convert("RGB"))


def draw_many(
    codes: np.ndarray,
    change: str | None = None,
    advance: Callable[[int], object] = lambda _: None,
) -> np.ndarray:
    """uint8 (n, 128, 128, 3): all these faces, by as many processes as this one has cores.

    Workers are plain subprocesses and not `multiprocessing`'s, which would run the caller's
    script again in each worker unless it has a `__main__` guard.

    Args:
        codes: int64 (n, factors).
        change: a change to every face, as in `svg`.
        advance: called with a number of faces whenever that many more are done.
    """
    _libraries()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if len(codes) <= _IN_PROCESS or cores == 1:
        faces = np.empty((len(codes), SIDE, SIDE, 3), np.uint8)
        for i, row in enumerate(codes):
            faces[i] = draw(row, change)
            advance(1)
        return faces
    block = max(_IN_PROCESS // 2, -(-len(codes) // (cores or 1)))
    blocks = [codes[start : start + block] for start in range(0, len(codes), block)]

    def work(rows: np.ndarray) -> np.ndarray:
        faces = _draw_in_worker(rows, change)
        advance(len(rows))
        return faces

    with ThreadPoolExecutor(cores) as pool:
        return np.concatenate(list(pool.map(work, blocks)))


def _draw_in_worker(codes: np.ndarray, change: str | None) -> np.ndarray:
    given = io.BytesIO()
    np.save(given, codes)
    command = [sys.executable, "-m", "tfgenxai.data.faces_draw"]
    command += ["--change", change] if change else []
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(
        command, input=given.getvalue(), capture_output=True, env=environment, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"A drawing process failed: {done.stderr.decode(errors='replace')}")
    return np.load(io.BytesIO(done.stdout))


def main() -> None:
    """Draw the faces whose codes arrive on stdin."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--change", help="a part to leave out, or skin=#RRGGBB")
    change = parser.parse_args().change
    codes = np.load(io.BytesIO(sys.stdin.buffer.read()))
    assert codes.ndim == 2 and codes.shape[1] == len(NAMES)
    faces = np.stack([draw(row, change) for row in codes])
    answer = io.BytesIO()
    np.save(answer, faces)
    sys.stdout.buffer.write(answer.getvalue())


if __name__ == "__main__":
    main()
