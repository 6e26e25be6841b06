"""Hydra's and OmegaConf's errors in at most three lines: the culprit, what is allowed, what to do."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Sequence
from dataclasses import fields

from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, MissingMandatoryValue, OmegaConfBaseException

from sweeper.config.schema import Config
from sweeper.errors import WrongInput

# An override whose value was meant as a text: no list, mapping or one of Hydra's functions over several values
PLAIN = re.compile(r"[\w./]+=(?![\[{]|(range|choice|interval|glob|sort|shuffle|tag|extend_list)\().+")


def explain(error: HydraException | OmegaConfBaseException) -> str:
    """Return what a user needs to know of a configuration error."""
    if (refused := wrong_input(error)) is not None:
        return str(refused)
    cause = error if isinstance(error, OmegaConfBaseException) else error.__cause__
    if isinstance(cause, ConfigAttributeError | ConfigKeyError):
        return unknown_key(cause)
    if isinstance(cause, OmegaConfBaseException) and cause.full_key:
        return wrong_value(cause)
    text = str(error)
    if match := re.search(r"Could not find '(?P<group>.*)/(?P<choice>[^/']*)'", text):
        allowed = re.findall(r"^\t(\S+)$", text, flags=re.MULTILINE)
        return wrong_choice(match["group"], match["choice"], [name for name in allowed if "=" not in name])
    if match := re.search(
        r"Could not (override|delete) '(?P<key>[^']*)'.*No match in the defaults list", text, re.DOTALL
    ):
        return (
            f"{match['key']}: no such group\nallowed: python -m sweeper.run --help lists the groups and their choices"
        )
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [type(error).__name__]
    said = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
    if said.startswith("Ambiguous value"):
        given = said.rpartition(" ")[2].strip("'")
        if given.startswith("corpus="):
            return f"{given} has several values\nto read them all: corpus=[{given.partition('=')[2]}]"
        return f"{said.rpartition(' ')[2]} has several values\nto sweep over them add -m: python -m sweeper.run -m …"
    if match := re.match(r"Could not append to config. An item is already at '(?P<key>.*)'", said):
        return f"+{match['key']} is there already\nset it without +: {match['key']}=VALUE"
    if match := re.match(r"Could not delete from config. '(?P<key>.*)' does not exist", said):
        return f"~{match['key']}: there is nothing to take away\nleave it out to have its default"
    if match := re.search(r"(Launcher|Settings).* got an unexpected keyword argument '(?P<key>\w+)'", text):
        return f"hydra.launcher.{match['key']}: unknown key\n--cfg hydra --package hydra.launcher shows which there are"
    if match := re.match(
        r"Sweeping over Hydra's configuration is not supported *: *'(?P<key>.*?)=(?P<value>.*)'", said
    ):
        key, value = match["key"], match["value"]
        return f"{key}={value} has several values\nif the comma is part of one: '{key}=\"{value}\"'"
    if match := re.match(r"Sweep parameters '(?P<given>.*)' requires --multirun", said):
        return f"{match['given']} has several values\nto sweep over them add -m, before the settings"
    if isinstance(error, OverrideParseException) and PLAIN.fullmatch(error.override):
        return quoting(error.override)
    if said.startswith("LexerNoViableAlt"):
        return f'{said.partition(": ")[2]} cannot be read\nput each text in quotes: \'KEY=["~/a","~/b"]\''
    if "parsing override" in said or said.startswith(("no viable alternative", "mismatched input", "extraneous input")):
        return f"{said}\nwrite KEY=VALUE, lists as [1,2]; in quotes where the shell would take a character for itself"
    return said


def wrong_input(error: BaseException) -> WrongInput | None:
    """Return the refusal that an interpolation ended in, if it did."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, WrongInput):
        cause = cause.__cause__ or cause.__context__
    return cause


def wrong_value(error: OmegaConfBaseException) -> str:
    """Say what a setting may be."""
    said = (error.msg or str(error)).strip().splitlines()[0]
    if match := re.match(r"Value (?P<value>.*) of type '.*' could not be converted to (?P<kind>\w+)", said):
        value = match["value"].strip("'")
        kinds = {"Integer": "an integer", "Float": "a number", "Boolean": "true or false"}
        kind = kinds.get(match["kind"], match["kind"])
        return f"{error.full_key}={value} has the wrong type\nallowed: {kind}"
    if match := re.match(r"Value '(?P<value>.*)' is not a valid bool", said):
        return f"{error.full_key}={match['value']} has the wrong type\nallowed: true or false"
    if match := re.match(r"Invalid value (?P<value>.*), expected one of \[(?P<allowed>.*)\]", said):
        return f"{error.full_key}={match['value'].strip(chr(39))}: no such choice\nallowed: {match['allowed']}"
    if isinstance(error, MissingMandatoryValue):
        return f"{error.full_key} is missing\nset {error.full_key}=VALUE"
    if said.endswith("is not Optional"):
        return f"{error.full_key}=null: it needs a value\nleave it out to have its default"
    if match := re.match(r"Invalid type assigned: .* is not a subclass of .* value: (?P<value>.*)", said):
        return f"{error.full_key}={match['value']}: it holds settings\nset one of them: {error.full_key}.KEY=VALUE"
    if said.endswith("is not a ListConfig, list or tuple."):
        return f"{error.full_key} must be a list\nas in {error.full_key}=[A,B]"
    if said.endswith("does not support deletion"):
        return f"~{error.full_key}: a setting cannot be taken away\nleave it out to have its default"
    if match := re.match(r"Cannot convert 'ListConfig' to string: '(?P<value>.*)'", said):
        return f"{error.full_key}={match['value']} is a list\nallowed: one value; -m KEY=A,B runs a trial for each"
    return f"{error.full_key}: {said}"


def quoting(override: str) -> str:
    """Say how a value is written that holds what Hydra's grammar takes for its own, as ~ and apostrophes."""
    key, _, value = override.partition("=")
    escaped = value.replace('"', '\\"')
    whole = f'{key}="{escaped}"'
    return f"{override} cannot be read\nwrite {shlex.quote(whole)}"


def null_group(arguments: Sequence[str]) -> str:
    """Say which group was given no choice: Hydra's own error does not."""
    given = [argument for argument in arguments if re.fullmatch(r"[\w/]+=(.*,)?null(,.*)?", argument)]
    return f"{' '.join(given)}: a group needs one of its choices\nleave it out to have its default"


def wrong_choice(group: str, choice: str, allowed: list[str]) -> str:
    """Say which choices a group has."""
    return f"{group}={choice}: no such choice\nallowed: {', '.join(allowed)}"


def unknown_key(error: OmegaConfBaseException) -> str:
    """Say which keys there are where an unknown one was given."""
    full = str(error.full_key or error.key)
    if full in (item.name for item in fields(Config)):
        return f"{full} is taken away\nwithout ~{full} it has its default"
    if full.startswith(("framework.options.", "hydra.launcher.sbatch.")):
        return f"{full} is not there yet\nadd it with +: +{full}=VALUE"
    if full.startswith("model.path."):
        return f"{full} cannot be set by itself\nallowed: model.path={{encoder: DIR, causal_lm: DIR}}"
    parent = error.parent_node
    keys = sorted(map(str, parent.keys())) if isinstance(parent, DictConfig) and not parent._is_none() else []
    if not keys and full.startswith("data.verbalisers."):
        return (
            f"{full} cannot be set by itself\nallowed: data.verbalisers={{neg: bad, pos: good}}, a word for each class"
        )
    if not keys:
        return f"{full}: unknown key"
    key = full.rpartition(".")[2]
    near = difflib.get_close_matches(key, keys, n=1)
    hint = f"; did you mean {full.removesuffix(key)}{near[0]}?" if near else ""
    allowed = ", ".join(name for name in keys if name not in ("hydra", "_target_"))
    return f"{full}: unknown key{hint}\nallowed there: {allowed}"
