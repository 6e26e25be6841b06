"""Hydra's and OmegaConf's errors in at most three lines: the culprit, what is allowed, what to do."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Sequence
from dataclasses import fields
from typing import get_origin

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, EnumNode, MissingMandatoryValue, ValidationError
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from sweeper.config.schema import Config
from sweeper.errors import WrongInput

# An override whose value was meant as a text: no list, mapping or call of one of Hydra's functions.
PLAIN = re.compile(r"[\w./]+=(?![\[{]|\w+\().+")
SYNTAX = (
    "write KEY=VALUE, after -m where it has several values; a list as KEY=[A,B], a text in quotes: 'KEY=\"A,B\"'\n"
    "left out, a setting has its default; --help lists the settings"
)
# OmegaConf's class of a declared setting -> what it takes.
KINDS = {
    "BooleanNode": "true or false",
    "IntegerNode": "an integer",
    "FloatNode": "a number",
    "StringNode": "one text; -m KEY=A,B runs a trial for each",
    "ListConfig": "a list, as in KEY=[A,B]",
    "DictConfig": "settings, as in KEY.NAME=VALUE",
}


def explain(error: HydraException | OmegaConfBaseException) -> str:
    """Return what a user needs to know of a configuration error."""
    if (refused := _refusal_behind(error)) is not None:
        return str(refused)
    cause = error if isinstance(error, OmegaConfBaseException) else error.__cause__
    if isinstance(cause, ConfigAttributeError | ConfigKeyError):
        return _unknown_key(cause)
    if isinstance(cause, OmegaConfBaseException) and cause.full_key:
        return _wrong_value(cause)
    if isinstance(error, MissingConfigException) and error.options:
        group, _, choice = str(error.missing_cfg_file).rpartition("/")
        return f"{group}={choice}: no such choice\nallowed: {', '.join(error.options)}"
    if isinstance(error, OverrideParseException):
        return _malformed(error.override)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return f"{' '.join(lines[:2]) if lines[0].endswith(':') else lines[0]}\n{SYNTAX}"


def _refusal_behind(error: BaseException) -> WrongInput | None:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, WrongInput):
        cause = cause.__cause__ or cause.__context__
    return cause


def _wrong_value(error: OmegaConfBaseException) -> str:
    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key} is missing\nset {error.full_key}=VALUE"
    said = (error.msg or str(error)).strip().splitlines()[0]
    node = error.child_node
    kind = ", ".join(node.enum_type.__members__) if isinstance(node, EnumNode) else KINDS.get(type(node).__name__)
    if not isinstance(error, ValidationError) or kind is None:
        return f"{error.full_key}: {said}\nleft out, it has its default"
    value = "null" if error.value is None else error.value
    return f"{error.full_key}={value} is not allowed\nallowed: {kind}; left out, it has its default"


def _malformed(override: str) -> str:
    """Say how an override is written that Hydra's grammar does not know, as one with ~ or an apostrophe."""
    key, _, value = override.partition("=")
    escaped = value.replace('"', '\\"')
    whole = f'{key}="{escaped}"'
    return f"{override} cannot be read\n" + (f"write {shlex.quote(whole)}" if PLAIN.fullmatch(override) else SYNTAX)


def null_group(arguments: Sequence[str]) -> str:
    """Say which group was given no choice: Hydra's own error does not."""
    given = [argument for argument in arguments if re.fullmatch(r"[\w/]+=(.*,)?null(,.*)?", argument)]
    return f"{' '.join(given)}: a group needs one of its choices\nleft out, it has its default"


def _unknown_key(error: OmegaConfBaseException) -> str:
    full = str(error.full_key or error.key)
    parent = error.parent_node
    keys = sorted(map(str, parent.keys())) if isinstance(parent, DictConfig) and not parent._is_none() else []
    if full in (item.name for item in fields(Config)):
        return f"{full} is taken away\nwithout ~{full} it has its default"
    above, _, key = full.rpartition(".")
    if not keys or get_origin(error.ref_type) is dict:  # a mapping whose keys nothing declares
        return f"{full} is not there yet\nadd it: +{full}=VALUE; or set all: {above}={{{key}: VALUE}}"
    near = difflib.get_close_matches(key, keys, n=1)
    hint = f"; did you mean {full.removesuffix(key)}{near[0]}?" if near else ""
    allowed = ", ".join(name for name in keys if name not in ("hydra", "_target_"))
    return f"{full}: unknown key{hint}\nallowed there: {allowed}"
