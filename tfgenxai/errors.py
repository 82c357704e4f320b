"""What a user can get wrong, each said in one or two sentences."""

from __future__ import annotations


class TfgenxaiError(Exception):
    """Base of every error that a user can cause; the command line prints it without a traceback."""

    exit_code = 1


class UsageError(TfgenxaiError):
    """The call itself is wrong: an unknown name, a missing or contradictory option."""

    exit_code = 2


class DataNotFoundError(TfgenxaiError):
    """A data set, or the source asked for, is not on this machine and cannot be fetched."""


class ModelNotFoundError(TfgenxaiError):
    """There is no SavedModel, checkpoint or signature where one was named."""


class LayerNotFoundError(TfgenxaiError):
    """A graph has no layer or tensor of that name, or the name fits several."""


class UntrustedModelError(TfgenxaiError):
    """A SavedModel holds operations that reach beyond arithmetic on tensors."""


class DamagedModelError(TfgenxaiError):
    """A SavedModel is truncated, or a file of it differs from the checksum on its card."""


class InvalidInputError(TfgenxaiError):
    """An array has the wrong shape, type or range, or holds NaN or infinite values."""


class ExportError(TfgenxaiError):
    """A model could not be written; nothing that was on disk before has changed."""
