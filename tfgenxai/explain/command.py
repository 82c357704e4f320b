"""From a request to an attribution on disk."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfgenxai.attribution import create, method_class
from tfgenxai.attribution.base import first_input
from tfgenxai.errors import DataNotFoundError, InvalidInputError, UsageError
from tfgenxai.explain.models import Opened, open_frozen, open_model
from tfgenxai.explain.request import ExplainRequest
from tfgenxai.explain.results import summarise, write
from tfgenxai.explain.samples import PRIOR, Samples, gather, prior_draws
from tfgenxai.explain.targets import build
from tfgenxai.explain.wording import Wording, read_wording
from tfgenxai.latent.generator import Generator

if TYPE_CHECKING:
    from tfgenxai.attribution import Method
    from tfgenxai.graph import Graph
    from tfgenxai.targets import Target

# What is explained of a signature of this name when nothing is said.
_USUAL = {
    "encode": "latent:all",
    "classify": "class:own",
    "discriminate": "discriminator",
    "reconstruct": "reconstruction",
    "infer": "class:all",
}


@dataclass(frozen=True)
class _Choice:
    """What is explained, by what; `target` makes the target when the samples are there."""

    graph: Graph
    method: Method
    target: Callable[[Samples | None], Target]


def explain(request: ExplainRequest) -> dict[str, Any]:
    """Explains as requested and writes `out`; gives the summary, JSON values.

    Files: attribution.npz (see `Attribution.load`), overlay.png, logs for TensorBoard, and
    values.npy where values stream. Each is replaced whole or stays as it was.

    Raises:
        TfgenxaiError: what was asked for is not there, or does not fit.
    """
    if request.size is not None and request.size < 1:
        raise UsageError(f"--size must be at least 1, not {request.size}.")
    if request.seed < 0:
        raise UsageError(f"--seed must be at least 0, not {request.seed}.")
    model = _open(request)
    other = open_model(request.model, trusted=request.trusted) if request.model else None
    signature, choice = _choose(request, model, other)
    samples = gather(request, choice.graph, choice.method.wrt, model)
    attribution = choice.method(
        samples.values,
        choice.target(samples),
        batch_size=request.batch_size,
        out=request.out / "values.npy" if request.stream else None,
    )
    files = write(attribution, samples, choice.graph, choice.method.wrt, request.out)
    return {
        "method": request.method,
        "model": model.name,
        "signature": signature,
        "input": choice.method.wrt,
        **summarise(attribution),
        "samples": dict(samples.about),
        "files": [str(file) for file in files],
    }


def _open(request: ExplainRequest) -> Opened:
    if Path(request.path).suffix == ".pb":
        inputs, outputs = request.inputs, request.outputs
        return open_frozen(request.path, inputs, outputs, trusted=request.trusted)
    if request.inputs or request.outputs:
        raise UsageError("--inputs and --outputs are for frozen graphs (.pb): use --signature.")
    return open_model(request.path, trusted=request.trusted)


def _choose(request: ExplainRequest, model: Opened, other: Opened | None) -> tuple[str, _Choice]:
    """The signature asked for, or the first on which the method and the target work."""
    wanted = request.target
    first = "reconstruct" if wanted and wanted.word == "reconstruction" else None
    names = [request.signature] if request.signature else model.ordered(first)
    layer = request.options.get("layer") or (wanted.name if wanted and wanted.word == "unit" else 0)
    if layer:
        model.check_layer(names, str(layer))
    arrays = {name: _read(value) for name, value in request.options.items()}

    def choice(name: str, graph: Graph) -> _Choice:
        method = _made(request, model, graph, arrays)
        wording = _wording(request, name)
        if wording is None:
            default = method.default_target
            assert default is not None
            default.on(graph)
            return _Choice(graph, method, lambda samples: default)
        build(wording, graph, model, other, None).on(graph)
        return _Choice(graph, method, lambda samples: build(wording, graph, model, other, samples))

    return model.first_fit(names, choice, f"{request.method} of {wanted or 'its usual target'}")


def _wording(request: ExplainRequest, signature: str) -> Wording | None:
    """What is said, or usual; None for the method's own default."""
    if request.target is not None:
        return request.target
    if method_class(request.method).default_target is not None:
        return None
    if signature not in _USUAL:
        raise UsageError("What to explain is not obvious: add --target.")
    return read_wording(_USUAL[signature])


def _made(request: ExplainRequest, model: Opened, graph: Graph, options: dict[str, Any]) -> Method:
    options = {name: _drawn(value, model, graph, request.seed) for name, value in options.items()}
    try:
        return create(request.method, graph, **{"seed": request.seed, **options})
    except (TypeError, ValueError) as error:
        given = ", ".join(f"{name}={value!r}" for name, value in request.options.items())
        reason = str(error).partition("\n")[0]
        raise UsageError(f"{request.method} cannot be made with {given}: {reason}.") from error


def _drawn(value: Any, model: Opened, graph: Graph, seed: int) -> Any:
    """The value of an option; so many codes of the model's prior, where it is prior:N."""
    found = re.fullmatch(rf"{PRIOR}:(\d+)", value) if isinstance(value, str) else None
    if found is None:
        return value
    generator = Generator.of(model.graphs, graph=graph)
    return prior_draws(generator, first_input(graph), int(found[1]), [seed, 1])


def _read(value: Any) -> Any:
    """The value of an option; the array, where it names a .npy file."""
    if not (isinstance(value, str) and value.endswith(".npy")):
        return value
    try:
        return np.load(value, allow_pickle=False)
    except FileNotFoundError:
        raise DataNotFoundError(f"There is no file {value}.") from None
    except (OSError, ValueError, EOFError) as error:
        raise InvalidInputError(f"{value} cannot be read as an array: {error}.") from None
