"""Roles: what a comparison does with a setting that varies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sweeper.analysis.contents import Value, same_paths
from sweeper.analysis.factors import SEEDS, named, varied
from sweeper.errors import WrongInput
from sweeper.records.question import NOTHING, Primary, Question

# Trials that differ in these are measured on other examples, or otherwise: what they reach is not comparable.
OF_BLOCKS = ("data", "task", "digests.data", "digests.data_code")
BEFORE_BLOCKS = ("data.", "task.")
# What is done with the same data is a method's.
OF_METHODS = ("data.train_limit", "data.verbalisers")
LISTED = 8  # values that a refusal names


@dataclass(frozen=True)
class Roles:
    """Which factors are `compared`; `blocks` are compared within, never with each other, `nuisance` is averaged over.

    Of `tuned` ones each group takes the value that is best on validation.
    """

    compared: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    nuisance: tuple[str, ...] = SEEDS
    tuned: tuple[str, ...] = ()

    @property
    def factors(self) -> tuple[str, ...]:
        """What tells groups apart once values are chosen."""
        return self.compared + self.blocks


def default_role(factor: str) -> str:
    """Return the role of a setting that varies, by what it is."""
    if factor in SEEDS:
        return "nuisance"
    is_block = factor in OF_BLOCKS or factor.startswith(BEFORE_BLOCKS)
    return "blocks" if is_block and factor not in OF_METHODS else "compared"


def assign(settings: Sequence[dict[str, Value]], asked: Question = NOTHING) -> tuple[tuple[str, ...], Roles]:
    """Return the factors that tell groups apart, tuned ones included, and each one's role.

    Groups that `by` names are made within blocks all the same: results of other data have no mean. Raises WrongInput
    for what is no setting.
    """
    settings = same_paths(settings)
    given = _given_roles(settings, asked)
    found = varied(settings)
    if by := _whole(asked.by, settings, "by", asked):
        found = (*by, *(name for name in found if given.get(name, default_role(name)) == "blocks"))
    chosen = [name for name in given if len({values.get(name) for values in settings}) > 1 or given[name] == "tuned"]
    factors = [name for name in dict.fromkeys((*found, *chosen)) if given.get(name) != "nuisance"]
    roles = {name: given.get(name, default_role(name)) for name in factors}

    def of(role: str) -> tuple[str, ...]:
        return tuple(name for name in factors if roles[name] == role)

    nuisance = (*SEEDS, *(name for name, role in given.items() if role == "nuisance" and name not in SEEDS))
    return tuple(factors), Roles(of("compared"), of("blocks"), nuisance, of("tuned"))


def _given_roles(settings: Sequence[Mapping[str, Value]], asked: Question) -> dict[str, str]:
    given: dict[str, str] = {}
    listed = {role: names for role, names in asked.roles.items()} | {"select": asked.select}
    for role, names in listed.items():
        if role == "nuisance":
            names = tuple(name for name in names if name not in SEEDS)
        for name in _whole(names, settings, "select" if role == "select" else "roles", asked):
            wanted = "tuned" if role == "select" else role
            if given.setdefault(name, wanted) != wanted:
                raise WrongInput(f"{name} is {given[name]} by roles= and tuned by select=\nallowed: one of them")
    return given


def _whole(names: Sequence[str], settings: Sequence[Mapping[str, Value]], by: str, asked: Question) -> tuple[str, ...]:
    """Return settings' whole names; of what a study was asked once, those that its records still have."""
    found = []
    for name in names:
        try:
            found.append(named(name, settings, by))
        except WrongInput:
            if not asked.kept:
                raise
    return tuple(dict.fromkeys(found))


def checked(asked: Question, settings: Sequence[dict[str, Value]]) -> Question:
    """Return what is asked with settings by their whole names; raises WrongInput for what these trials do not have."""
    strict = replace(asked, kept=False)
    _, known_roles = assign(settings, strict)
    roles = {
        role: tuple(name if name in SEEDS else named(name, settings, "roles") for name in names)
        for role, names in asked.roles.items()
    }
    by, select = (tuple(named(name, settings, key) for name in getattr(asked, key)) for key in ("by", "select"))
    return replace(
        asked, roles=roles, by=by, select=select, primary=primary_of(strict, same_paths(settings), known_roles)
    )


def primary_of(asked: Question, settings: Sequence[Mapping[str, Value]], roles: Roles) -> Primary | None:
    """Return the primary comparison, its setting by its whole name; raises WrongInput where no trial has a value of it.

    One that a study was asked once stays as it was, be its trials there or not.
    """
    primary = asked.primary
    if primary is None or asked.kept:
        return primary
    factor = named(primary.factor, settings, "primary")
    if factor in (*roles.blocks, *roles.nuisance, *roles.tuned):
        named_roles = {"blocks": roles.blocks, "nuisance": roles.nuisance, "tuned": roles.tuned}
        own = next(role for role, names in named_roles.items() if factor in names)
        raise WrongInput(
            f"primary={{{factor}:…}}: it is one of {own}, which are not compared\n"
            f"allowed: {', '.join(roles.compared)}; or 'roles={{compared:[{factor}]}}'"
        )
    known = dict.fromkeys(values.get(factor) for values in settings)
    if missing := [value for value in primary.values if not is_value(value, known)]:
        raise WrongInput(
            f"primary={{{factor}:[{','.join(map(str, primary.values))}]}}: no trial has {factor}={missing[0]}\n"
            f"values there are: {', '.join(map(str, [*known][:LISTED]))}"
        )
    return replace(primary, factor=factor)


def is_value(typed: Value, values: Iterable[Value]) -> bool:
    """Whether a value that was typed is one of these; of a path its end is enough."""
    return any(same_value(typed, value) for value in values)


def same_value(typed: Value, value: Value) -> bool:
    """Whether a value that was typed is this one; of a path its end is enough, and YAML takes 1e-5 for a text."""
    if isinstance(typed, str) and isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(typed) == value
        except ValueError:
            return False
    if isinstance(typed, str) and isinstance(value, str):
        return typed == value or value.rstrip("/").endswith(f"/{typed.rstrip('/')}")
    return typed == value
