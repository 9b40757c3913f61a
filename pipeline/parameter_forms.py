"""What people hand over as parameters: mappings, JSON, old names; and how what is wrong with them is told."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from .errors import ParameterError
from .vocabulary import ALIASES, KNOWN_ELSEWHERE, SERVICE_NAMES, nearest, shown


class ParameterNotice(UserWarning):
    """A parameter was accepted although it changes nothing, and the user should know."""


def as_mapping(parms: Mapping[str, Any] | str | Path | None) -> dict[str, Any]:
    """Give parameters as a mapping, whether they come as one, as JSON text, or as a JSON file.

    Raises
    ------
    ParameterError
        When they are none of these.
    """
    if parms is None:
        return {}
    if isinstance(parms, Mapping):
        return dict(parms)
    if not isinstance(parms, str | Path):
        raise ParameterError(f"{shown(parms)}: parameters are a mapping, JSON text or the path of a JSON file")
    text, source = _json_text(parms)
    try:
        values = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise ParameterError(f"{source}: not JSON: {error}") from error
    if not isinstance(values, dict):
        raise ParameterError(f'{source}: parameters are a JSON object such as {{"cnf": 4}}, not {shown(values)}')
    return values


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{max(names, key=names.count)} is there twice")
    return values


def _json_text(parms: str | Path) -> tuple[str, str]:
    if isinstance(parms, str) and parms.lstrip().startswith(("{", "[")):
        return parms, "parameters"
    try:
        return Path(parms).read_text(encoding="utf-8-sig"), str(parms)
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, or a path with a NUL
        raise ParameterError(
            f"{shown(str(parms))}: neither JSON text nor a file that can be read ({getattr(error, 'strerror', error)})"
        ) from error


def renamed(values: dict[str, Any]) -> dict[str, Any]:
    """Put the parameters' names in place of the guide's older ones.

    Raises
    ------
    ParameterError
        When one parameter is given by two names.
    """
    for alias, name in ALIASES.items():
        if values.get(alias) is None:
            values.pop(alias, None)
            continue
        if values.get(name) is not None:
            raise ParameterError(f"{alias} and {name} are one parameter and were both given")
        values[name] = values.pop(alias)
    return values


def without_service_names(values: dict[str, Any]) -> dict[str, Any]:
    """Leave out what only concerns a service, and say so."""
    service = sorted(SERVICE_NAMES & values.keys())
    if service:
        names = ", ".join(service)
        warnings.warn(f"these concern a service and change nothing here: {names}", ParameterNotice, stacklevel=4)
    return {name: value for name, value in values.items() if name not in SERVICE_NAMES}


def told(problem: Mapping[str, Any], names: Mapping[str, Iterable[str]]) -> str:
    """Say one of pydantic's findings in a sentence that names parameter, value and remedy.

    Parameters
    ----------
    problem
        As pydantic gives it.
    names
        The names that there are: of parameters under ``""``, of settings under the parameter that holds them.
    """
    path = [str(part) for part in problem["loc"]]
    name = ".".join(path)
    if problem["type"] == "extra_forbidden":
        if name in KNOWN_ELSEWHERE:
            return f"{name}: a parameter of SlideRule that this version of nunatak does not honour; leave it out"
        return f"{name}: no such parameter{nearest(path[-1], names['.'.join(path[:-1])])}"
    if problem["type"] == "value_error":
        return ": ".join(part for part in (name, str(problem["ctx"]["error"])) if part)
    return f"{name}: {problem['msg'][0].lower()}{problem['msg'][1:]}, not {shown(problem['input'])}"
