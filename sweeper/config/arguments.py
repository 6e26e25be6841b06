"""The command line before Hydra reads it: what it would misread, or run on without a word, is refused."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Sequence
from typing import Any, NoReturn

from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, QuotedString, RangeSweep
from hydra.errors import HydraException

from sweeper.config.sources import CONFIG_DIRECTORY
from sweeper.errors import WrongInput
from sweeper.records.files import expanded

RANGE = re.compile(r"\brange\(([^()]*)\)")
OVERRIDE = re.compile(r"(?P<sign>\+{0,2})(?P<key>[\w./]+)=(?P<value>.*)", re.DOTALL)
MOST_TRIALS = 100_000  # of one command


def as_list(argument: str) -> str:
    """Return names of settings as one list, where commas between them would mean a trial each."""
    name, _, value = argument.partition("=")
    listed = name in ("by", "select") and "," in value and value[0] not in "[\"'"
    return f"{name}=[{value}]" if listed else argument


def check_arguments(arguments: Sequence[str]) -> None:
    """Raise WrongInput for a command line that means something else to Hydra than to who typed it."""
    for argument in arguments:
        if argument.endswith("\r"):
            raise WrongInput(
                f"{argument.rstrip()!r} ends with a carriage return, as lines of a script from Windows do\n"
                r"take them out: sed -i 's/\r$//' SCRIPT"
            )
    trials = 1
    for override in _checked_options():
        _check_reference(override)
        _check_ranges(override)
        if found := OVERRIDE.fullmatch(override):
            _check_group(override, found["key"])
            _check_path(found["sign"] + found["key"], found["value"])
        trials *= max(1, len(_values(override))) if {",", "("} & set(override) else 1
    if trials > MOST_TRIALS:
        raise WrongInput(f"these are {trials:,} trials\nallowed: at most {MOST_TRIALS:,} of one command")


def _checked_options() -> list[str]:
    parser = get_args_parser()
    parser.error = _refuse_option  # type: ignore[method-assign]  # its own prints all options
    options, unknown = parser.parse_known_args()
    if options.resolve and options.cfg is None and not options.help:
        raise WrongInput("--resolve shows nothing by itself\nwrite --cfg job --resolve")
    if options.package is not None and options.cfg is None:
        raise WrongInput(f"--package {options.package} shows nothing by itself\nwrite --cfg job --package train")
    if options.experimental_rerun is not None:
        raise WrongInput(
            "--experimental-rerun runs what a file has pickled, and no trials\ntype the command again: what is done is"
            " skipped"
        )
    asked = [name for name in ("run", "multirun", "cfg", "info", "shell_completion") if getattr(options, name)]
    if len(asked) > 1:
        named = " ".join(f"--{name.replace('_', '-')}" for name in asked)
        raise WrongInput(f"{named} do not go together\nallowed: one of them")
    if unknown and unknown[0].partition("=")[0].replace(".", "_").isidentifier():
        raise WrongInput(f"{unknown[0]} stands apart from the other settings\nwrite options first: -m KEY=VALUE …")
    if unknown:
        raise WrongInput(
            f"{unknown[0]}: unknown option\nsettings are KEY=VALUE without dashes; --help lists what there is"
        )
    overrides: list[str] = options.overrides
    return overrides


def _refuse_option(message: str) -> NoReturn:
    raise WrongInput(f"{message}\n--help lists the settings")


def _check_reference(override: str) -> None:
    if override.lstrip("+").partition("=")[0] == "reference":  # Hydra takes conf/reference for a group
        raise WrongInput(
            f"{override} is a setting of reports, not of trials\n"
            "write: python -m sweeper.report STUDY reference=conf/reference/NAME.yaml"
        )


def _check_ranges(override: str) -> None:
    """Refuse a range that never ends, or of more values than a command can have trials: Hydra makes them all."""
    for found in RANGE.finditer(override):
        try:
            bounds = [float(part.partition("=")[2] or part) for part in found[1].split(",")]
        except ValueError:
            continue  # Hydra says what a range is made of
        names = [part.partition("=")[0].strip() for part in found[1].split(",")]
        start, stop, step = _bounds(dict(zip(names, bounds, strict=True)) if "=" in found[1] else bounds)
        size = math.inf if not step else (stop - start) / step
        if not size <= MOST_TRIALS:
            said = "has a step of 0" if not step else f"has {size:,.0f} values"
            raise WrongInput(
                f"{override}: {found[0]} {said}\n"
                f"allowed: range(FIRST,END) or range(FIRST,END,STEP), END left out, of at most {MOST_TRIALS:,} values\n"
                "as in: -m 'seed=range(1,6)', which is seed=1,2,3,4,5"
            )


def _bounds(given: dict[str, float] | list[float]) -> tuple[float, float, float]:
    if isinstance(given, dict):
        return given.get("start", 0), given.get("stop", 0), given.get("step", 1)
    return (0, given[0], 1) if len(given) == 1 else (given[0], given[1], given[2] if len(given) > 2 else 1)


def _check_group(override: str, key: str) -> None:
    """Refuse a choice that is no name: Hydra would not say of which group, or fail."""
    directory = CONFIG_DIRECTORY / key
    if "." in key or not directory.is_dir():
        return
    wrong = [value for value in _values(override) if not isinstance(value, str | list)]
    wrong += [
        name for value in _values(override) if isinstance(value, list) for name in value if not isinstance(name, str)
    ]
    if wrong and not (key == "experiment" and set(map(str, wrong)) == {"None"}):
        choices = ", ".join(sorted(file.stem for file in directory.glob("*.yaml")))
        raise WrongInput(
            f"{override}: a group needs one of its choices\nallowed: {choices}; left out, it has its default"
        )


def _check_path(key: str, value: str) -> None:
    """Refuse the name of a file or directory that Hydra reads otherwise: commas separate values, [ begins a list."""
    if not value or value[0] in "\"'" or not _exists(key, value) or _values(f"{key}={value}") == [value]:
        return
    if isinstance(next(iter(_values(f"{key}={value}")), ""), int | float):
        return  # it becomes text again
    raise WrongInput(f"{key}={value} is there, and needs quotes as a path\nwrite {quoted(key, value)}")


def _exists(key: str, value: str) -> bool:
    try:
        return expanded(key, value).exists()
    except (OSError, ValueError):  # too long; or of no user, which is told where it is read
        return False


def _values(override: str) -> list[Any]:
    """Return the values that Hydra reads in an override; none where it cannot read it, which it says itself."""
    try:
        value = OverridesParser.create().parse_override(override).value()
    except HydraException:
        return []
    if isinstance(value, RangeSweep):
        return list(value.range())
    if isinstance(value, ChoiceSweep):
        return [item.text if isinstance(item, QuotedString) else item for item in value.list]
    return [value]


def quoted(key: str, value: str) -> str:
    """Return a setting as a shell passes it on to Hydra, whatever its text holds."""
    escaped = re.sub(r'(\\*)"', r'\1\1\\"', value)
    escaped = re.sub(r"(\\+)$", r"\1\1", escaped)  # those before the quote that ends it
    return shlex.quote(f'{key}="{escaped}"')
