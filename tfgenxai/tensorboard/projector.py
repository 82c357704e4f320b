"""Latent codes for TensorBoard's embedding projector, with labels and thumbnails."""

from __future__ import annotations

import io
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tfgenxai.errors import InvalidInputError
from tfgenxai.files import write_bytes, write_text
from tfgenxai.pictures import as_pixels
from tfgenxai.tensorboard.summaries import Summaries

# The largest texture that browsers draw everywhere.
LARGEST_SPRITE = 8192
CONFIG = "projector_config.pbtxt"
# The projector drops empty lines, which would shift all labels after one.
EMPTY = "(none)"


def write_projector(
    logdir: str | os.PathLike[str],
    name: str,
    codes: np.ndarray,
    *,
    images: np.ndarray | None = None,
    labels: Sequence[object] | np.ndarray | None = None,
    metadata: Mapping[str, Sequence[object] | np.ndarray] | None = None,
) -> Path:
    """Add the embedding `name` to a log folder, or replace it; gives back the configuration file.

    Start `tensorboard --logdir LOGDIR` and open its Projector page. Embeddings of other names
    in the folder are kept.

    Args:
        logdir: The run's folder; made if it is not there.
        name: Letters, digits, ".", "_" and "-"; also the name of the folder of its files.
        codes: (N, D) latent codes.
        images: (N, H, W, C) in [0, 1], shown as thumbnails; made smaller when all of them
            would not fit a sprite of 8192 x 8192 pixels.
        labels: (N,) the column "label".
        metadata: More columns of N values each.

    Raises:
        InvalidInputError: Codes, images or columns that do not fit, or an unusable name.
    """
    # Training logs too, and shall not load what explains.
    from tfgenxai.latent.checks import check_codes

    if not re.fullmatch(r"[\w.-]*\w[\w.-]*", name, flags=re.ASCII):
        raise InvalidInputError(
            f"'{name}' cannot name an embedding; use letters, digits, '.', '_' and '-'."
        )
    codes = check_codes(codes, rows=1).astype(np.float32)
    columns = {} if labels is None else {"label": labels}
    columns = columns | dict(metadata or {})
    table = _table(columns, len(codes)) if columns else None
    sprite = None if images is None else _sprite(images, len(codes))

    folder = Path(logdir)
    write_text(folder / name / "tensor.tsv", _rows(codes))
    if table is not None:
        write_text(folder / name / "metadata.tsv", table)
    if sprite is not None:
        write_bytes(folder / name / "sprite.png", sprite[0])
    # The projector lists a folder only when it holds events.
    if not any(folder.glob("events.out.tfevents.*")):
        with Summaries(folder) as log:
            log.scalars({"projector/codes": len(codes)}, step=0)
    return _configure(
        folder, name, codes.shape, table is not None, None if sprite is None else sprite[1]
    )


def _rows(codes: np.ndarray) -> str:
    """Tab-separated numbers, with the nine digits that a float32 needs to come back the same."""
    buffer = io.StringIO()
    np.savetxt(buffer, codes, fmt="%.9g", delimiter="\t")
    return buffer.getvalue()


def _table(columns: Mapping[str, Sequence[object] | np.ndarray], rows: int) -> str:
    """Tab-separated metadata; its first line names the columns only when there are several."""
    for column, values in columns.items():
        shape = np.asarray(values, dtype=object).shape
        if shape != (rows,):
            raise InvalidInputError(
                f"The metadata column '{column}' needs {rows} values, one a code; "
                f"it has shape {shape}."
            )
    lines = [list(columns)] if len(columns) > 1 else []
    lines += [list(row) for row in zip(*columns.values(), strict=True)]
    return "".join("\t".join(map(_cell, line)) + "\n" for line in lines)


def _cell(value: object) -> str:
    return " ".join(str(value).split()) or EMPTY


def _sprite(images: np.ndarray, rows: int) -> tuple[bytes, tuple[int, int]]:
    """A PNG of all thumbnails in a square grid, row by row, and one thumbnail's (width, height)."""
    from PIL import Image

    pixels = as_pixels(images)
    if len(pixels) != rows:
        raise InvalidInputError(f"There are {rows} codes but {len(pixels)} images.")
    side = math.ceil(math.sqrt(rows))
    shrink = min(1.0, LARGEST_SPRITE / side / max(pixels.shape[1:3]))
    height, width = (max(1, int(size * shrink)) for size in pixels.shape[1:3])
    sheet = Image.new("RGB", (side * width, side * height), "white")
    for index, picture in enumerate(pixels):
        thumbnail = Image.fromarray(picture)
        if shrink < 1:
            thumbnail = thumbnail.resize((width, height), Image.Resampling.BOX)
        sheet.paste(thumbnail, (index % side * width, index // side * height))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue(), (width, height)


def _configure(
    folder: Path,
    name: str,
    shape: tuple[int, ...],
    has_metadata: bool,
    thumbnail: tuple[int, int] | None,
) -> Path:
    from google.protobuf import text_format
    from tensorboard.plugins.projector import ProjectorConfig

    path = folder / CONFIG
    config = ProjectorConfig()
    if path.exists():
        try:
            text_format.Parse(path.read_text(), config)
        except (text_format.ParseError, UnicodeDecodeError) as error:
            raise InvalidInputError(
                f"{path} is not a projector configuration ({error}); move it away first."
            ) from None
    kept = [embedding for embedding in config.embeddings if embedding.tensor_name != name]
    del config.embeddings[:]
    config.embeddings.extend(kept)
    embedding = config.embeddings.add(
        tensor_name=name, tensor_shape=shape, tensor_path=f"{name}/tensor.tsv"
    )
    if has_metadata:
        embedding.metadata_path = f"{name}/metadata.tsv"
    if thumbnail is not None:
        embedding.sprite.image_path = f"{name}/sprite.png"
        embedding.sprite.single_image_dim.extend(thumbnail)
    return write_text(path, text_format.MessageToString(config))
