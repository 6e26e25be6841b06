"""Hydra's and OmegaConf's errors in at most three lines: the culprit, what is allowed, what to do."""

from __future__ import annotations

import difflib
import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import fields
from typing import get_origin

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, EnumNode, IntegerNode, MissingMandatoryValue, StringNode, ValidationError
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from sweeper.config.arguments import quoted
from sweeper.config.schema import Config
from sweeper.errors import WrongInput
from sweeper.records.provenance import command_line

# An override whose value was meant as a text: no list, mapping or call of one of Hydra's functions.
PLAIN = re.compile(r"[\w./]+=(?![\[{]|\w+\().+")
# Settings that are the name of a file or directory
PATHS = ("data.path", "data.name", "model.path", "tokenizer.path", "tokenizer.count_on", "outputs", "corpus", "out")
SYNTAX = (
    "write KEY=VALUE, after -m where it has several values; a list as KEY=[A,B], a text in quotes: 'KEY=\"A,B\"'\n"
    "left out, a setting has its default; --help lists the settings"
)
# How Hydra begins to tell that something is missing -> what is needed
MISSING = {
    "Primary config directory": "needed: --config-path DIR, a directory; left out, it is Sweeper's own",
    "Cannot find primary config": "needed: --config-dir DIR with NAME.yaml; left out, it is Sweeper's own",
    "Additional config directory": "needed: --config-dir DIR, a directory that is there",
}
# Hydra's words for several values without -m
SEVERAL = re.compile(r"(?:Ambiguous value for argument|Sweep parameters) '(.*?)'(?: requires|\n|$)")
SPAN = re.compile(r"(\d+) ?(?:-|\.\.|:) ?(\d+)")  # as in seed=1-5
LISTED = 10  # numbers of a span that are written out
# OmegaConf's class of a declared setting -> what it takes.
KINDS = {
    "BooleanNode": "true or false",
    "TrueOrFalse": "true or false",
    "IntegerNode": "an integer",
    "FloatNode": "a number",
    "StringNode": "one text; -m KEY=A,B runs a trial for each",
    "ListConfig": "a list, as in KEY=[A,B]",
    "DictConfig": "settings, as in KEY.NAME=VALUE",
}

OF_FILES = ("data.path", "data.text", "data.label")  # settings of data=files, which data=demo has not


def explain(error: HydraException | OmegaConfBaseException, above: str = "") -> str:
    """Return what a user needs to know of a configuration error; `above`: what stands before its keys, as in data."""
    if (refused := _refusal_behind(error)) is not None:
        return str(refused)
    cause = error if isinstance(error, OmegaConfBaseException) else error.__cause__
    if isinstance(cause, ConfigAttributeError | ConfigKeyError):
        return above + _unknown_key(cause)
    if isinstance(cause, OmegaConfBaseException) and cause.full_key:
        return _wrong_value(cause, above)
    if isinstance(error, MissingConfigException) and error.options:
        group, _, choice = str(error.missing_cfg_file).rpartition("/")
        return f"{group}={choice}: no such choice\nallowed: {', '.join(error.options)}"
    if isinstance(error, OverrideParseException):
        return _malformed(error.override)
    if several := SEVERAL.match(str(error)):
        return _several(several[1])
    if (missing := next((begins for begins in MISSING if str(error).startswith(begins)), None)) is not None:
        return f"{str(error).splitlines()[0]}\n{MISSING[missing]}"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return f"{' '.join(lines[:2]) if lines[0].endswith(':') else lines[0]}\n{SYNTAX}"


def _refusal_behind(error: BaseException) -> WrongInput | None:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, WrongInput):
        cause = cause.__cause__ or cause.__context__
    return cause


def _wrong_value(error: OmegaConfBaseException, above: str) -> str:
    key = f"{above}{error.full_key}"
    if isinstance(error, MissingMandatoryValue):
        return f"{key} is missing\nset {key}=VALUE"
    said = (error.msg or str(error)).strip().splitlines()[0]
    node = error.child_node
    kind = ", ".join(node.enum_type.__members__) if isinstance(node, EnumNode) else KINDS.get(type(node).__name__)
    if not isinstance(error, ValidationError) or kind is None:
        return f"{key}: {said}\nleft out, it has its default"
    value = "null" if error.value is None else error.value
    if isinstance(node, IntegerNode) and (span := SPAN.fullmatch(str(value).strip())):
        return f"{key}={value} is not allowed\nallowed: {kind}\n{_all_of(key, *span.groups())}"
    if isinstance(node, StringNode) and (given := _typed(key)) and given[:1] in ("[", "{"):
        return f"{key}={value} is not allowed\nallowed: {kind}\nwhere it is one text: {quoted(key, given)}"
    return f"{key}={value} is not allowed\nallowed: {kind}; left out, it has its default"


def _malformed(override: str) -> str:
    """Say how an override is written that Hydra's grammar does not know, as one with ~ or an apostrophe."""
    key, _, value = override.partition("=")
    left = [part for part in value.split(",") if part]
    if key not in PATHS and re.fullmatch(r"[\w.,+-]*,[\w.,+-]*", value) and left != value.split(","):
        wanted = shlex.quote(f"{key}={','.join(left)}")
        return f"{override} cannot be read: a value between commas is empty\nwrite {wanted}"
    plain = PLAIN.fullmatch(override) or (key in PATHS and value and (key, value[0]) != ("corpus", "["))
    return f"{override} cannot be read\n" + (f"write {quoted(key, value)}" if plain else SYNTAX)


def _typed(key: str) -> str | None:
    """Return what the command line sets a key to."""
    given = [argument.partition("=")[2] for argument in sys.argv if argument.lstrip("+").startswith(f"{key}=")]
    return given[-1] if given else None


def _several(override: str) -> str:
    """Say how several values are asked for, and how one text that looks like them."""
    key, _, value = override.partition("=")
    one = "" if value.startswith("range(") else f"\nwhere it is one text: {quoted(key, value)}"
    if key == "corpus":
        one = f"\nall of them in one corpus, KEY=[A,B]: {shlex.quote(f'corpus=[{value}]')}"
    return f"{override} has several values, and a command without -m runs one trial\n{_with_m(override, override)}{one}"


def _all_of(key: str, first: str, last: str) -> str:
    numbers = range(int(first), int(last) + 1)
    listed = ",".join(map(str, numbers)) if len(numbers) <= LISTED else f"range({first},{int(last) + 1})"
    return _with_m(f"{key}={_typed(key)}", f"{key}={listed}") if numbers else f"as in: -m {key}=1,2,3"


def _with_m(typed: str, wanted: str) -> str:
    """Return the command with a setting replaced, as one runs several trials by it."""
    arguments = [wanted if argument == typed else argument for argument in sys.argv[1:]]
    if {"-m", "--multirun"} & set(arguments):
        return f"write {shlex.quote(wanted)}"
    program = command_line().partition(" -m ")[2].split()[:1]
    return f"write {shlex.join(['python', '-m', *(program or ['sweeper.run']), '-m', *arguments])}"


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
    files = f"\nfor texts of your own: data=files {full}=VALUE" if full in OF_FILES else ""
    return f"{full}: unknown key{hint}\nallowed there: {allowed}{files}"
