"""The options of a method, read from its signature and docstrings."""

from __future__ import annotations

import inspect
import re
import textwrap

from tfgenxai.attribution import method_class


def method_options(name: str) -> list[dict[str, str]]:
    """One row an option of `tfgenxai explain --option`: its name, default and meaning.

    Raises:
        UsageError: no method has this name.
    """
    found = method_class(name)
    meanings: dict[str, str] = {}
    for owner in found.__mro__:
        for option, meaning in _described(owner.__doc__ or "").items():
            meanings.setdefault(option, meaning)
    parameters = list(inspect.signature(found).parameters.values())[1:]
    return [
        {
            "option": parameter.name,
            "default": repr(parameter.default),
            "meaning": meanings.get(parameter.name, ""),
        }
        for parameter in parameters
    ]


def _described(docstring: str) -> dict[str, str]:
    """Name -> text, of the section Args; what only points to another class is left out."""
    _, found, section = inspect.cleandoc(docstring).partition("\nArgs:\n")
    if not found:
        return {}
    section = textwrap.dedent(re.split(r"\n(?=\S)", section)[0])
    entries = re.findall(r"^(\w+(?:, \w+)*): (.*(?:\n[ ].*|\n(?=\n))*)", section, re.MULTILINE)
    return {
        name: " ".join(text.split())
        for names, text in entries
        for name in names.split(", ")
        if not re.match(r"see `\w+`\.?$", text.strip())
    }
