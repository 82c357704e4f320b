"""Query pixels chosen by what an image shows: on the stroke, and in the background."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: Grey above which a pixel is ink.
INK = 0.5


class Query(NamedTuple):
    """A pixel of an image, by name."""

    name: str
    row: int
    column: int


def choose_queries(image: np.ndarray) -> tuple[Query, ...]:
    """Three pixels on the stroke and three in the background of an image (H, W, C) in [0, 1].

    On the stroke: the pixels deepest in the ink, in the upper, middle and lower third of the
    digit. In the background: the pixel farthest from ink inside the digit's bounding box, the one
    farthest from ink at all, and the one farthest from ink in the image's half on the other side.
    The first pixel in reading order where several are as far. An image without ink, or of ink
    alone, gives six pixels spread over it.
    """
    from scipy.ndimage import distance_transform_edt

    ink = np.asarray(image).mean(axis=-1) > INK
    height, width = ink.shape
    if not ink.any() or ink.all():
        rows = [height * (2 * i + 1) // 4 for i in range(2)]
        columns = [width * (2 * i + 1) // 6 for i in range(3)]
        return tuple(Query(f"pixel {r}, {c}", r, c) for r in rows for c in columns)
    depth, distance = distance_transform_edt(ink), distance_transform_edt(~ink)
    inked = np.flatnonzero(ink.any(axis=1))
    top, bottom = inked[0], inked[-1] + 1
    edges = np.linspace(top, bottom, 4).round().astype(int)
    across = np.flatnonzero(ink.any(axis=0))
    rows_of = np.arange(height)[:, None]
    columns_of = np.arange(width)[None]
    box = (rows_of >= top) & (rows_of < bottom)
    box = box & (columns_of >= across[0]) & (columns_of <= across[-1])
    places = {
        f"stroke, {name}": (depth, (rows_of >= low) & (rows_of < high) & ink)
        for name, low, high in zip(("top", "middle", "bottom"), edges, edges[1:], strict=False)
    }
    far = int(np.argmax(distance)) % width
    other = columns_of >= width // 2 if far < width // 2 else columns_of < width // 2
    places |= {
        "background, inside": (distance, box & ~ink),
        "background, far": (distance, ~ink),
        "background, other side": (distance, ~ink & other),
    }
    found = []
    for name, (score, among) in places.items():
        if among.any():
            best = int(np.argmax(np.where(among, score, -1.0)))
            found.append(Query(name, best // width, best % width))
    return tuple(found)
