"""What a study is asked: which settings are compared, and how; typed for a sweep or a report, kept in study.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sweeper.errors import WrongInput

ROLES = ("compared", "blocks", "nuisance", "tuned")
ASKED = ("by", "select", "roles", "primary")
KEY = "question"  # of study.json
EXAMPLES = {
    "by": "'by=[model,train.learning_rate]'",
    "select": "select=train.learning_rate",
    "roles": "'roles={compared:[train.learning_rate],blocks:[data.path],nuisance:[data.split_seed]}'",
    "primary": "'primary={model:[pt,rd]}'",
}
Plain = str | int | float | bool | None


@dataclass(frozen=True)
class Primary:
    """The one comparison that a study was made for, two values of a setting; `planned`: before the first result."""

    factor: str
    values: tuple[Plain, Plain]
    planned: bool = False


@dataclass(frozen=True)
class Question:
    """Settings that make groups (`by`), whose value validation chooses (`select`), and that have another role.

    `typed` names those of `ASKED` that a command line gives, be it to take them back. `kept`: they were read from a
    study, whose records may have become others since.
    """

    by: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    primary: Primary | None = None
    typed: tuple[str, ...] = ()
    kept: bool = False

    def over(self, before: Question) -> Question:
        """Return what is asked with what a study was asked before; a primary that was planned stays so."""
        given: dict[str, Any] = {name: getattr(self, name) for name in self.typed}
        asked, known = self.primary, before.primary
        if asked and known and (asked.factor, {*asked.values}) == (known.factor, {*known.values}):
            given["primary"] = known
        return replace(before, **given, kept=before.kept and not self.typed)


NOTHING = Question()


def question(given: Mapping[str, Any]) -> Question:
    """Return what is asked, from plain values of the settings that are typed; raises WrongInput."""
    wanted = {name: value for name, value in given.items() if value is not None}
    return Question(
        by=_names("by", wanted.get("by", ())),
        select=_names("select", wanted.get("select", ())),
        roles=_roles(wanted.get("roles", {})),
        primary=_primary(wanted.get("primary", {})),
        typed=tuple(wanted),
    )


def _refuse(name: str, value: Any, problem: str, allowed: str) -> WrongInput:
    return WrongInput(f"{name}={_text(value)} {problem}\nallowed: {allowed}, as in: {EXAMPLES[name]}")


def _text(value: Any) -> str:
    """A value as it is typed."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_text, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _names(asked: str, value: Any) -> tuple[str, ...]:
    listed = value.split(",") if isinstance(value, str) else value
    if not isinstance(listed, list | tuple) or not all(isinstance(name, str) and name for name in listed):
        raise _refuse(asked, value, "does not name settings", "names of settings")
    return tuple(dict.fromkeys(listed))


def _roles(value: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise _refuse("roles", value, "gives no roles", f"settings for each of {', '.join(ROLES)}")
    if unknown := [name for name in value if name not in ROLES]:
        raise _refuse("roles", value, f"has {unknown[0]}, which is no role", f"settings for each of {', '.join(ROLES)}")
    found = {role: _names("roles", names) for role, names in value.items()}
    several = [name for names in found.values() for name in names]
    if twice := [name for name in several if several.count(name) > 1]:
        raise _refuse("roles", value, f"gives {twice[0]} several roles", "one role a setting")
    return found


def _primary(value: Any) -> Primary | None:
    if not isinstance(value, Mapping) or len(value) > 1:
        raise _refuse("primary", value, "is no comparison", "one setting and two values of it")
    for factor, values in value.items():
        if not isinstance(values, list | tuple) or len(values) != 2 or values[0] == values[1]:
            raise _refuse("primary", value, "does not name two values", "one setting and two values of it")
        return Primary(str(factor), (values[0], values[1]))
    return None


def remembered(before: Mapping[str, Any], asked: Question, now: float, *, after_results: bool) -> dict[str, Any]:
    """Return what study.json keeps: each setting's values with the time of the first typing, the last one last."""
    content = {name: list(before.get(name, ())) for name in ASKED}
    for name in asked.typed:
        value = _plain(asked, name)
        known = next((entry for entry in content[name] if _is_same(name, entry["value"], value)), None)
        entry = known or {"value": value, "time": now, "after_results": after_results}
        content[name] = [*(other for other in content[name] if other is not entry), entry]
    return {name: entries for name, entries in content.items() if entries}


def _is_same(name: str, first: Any, second: Any) -> bool:
    """Whether two values ask the same; which value of a primary comparison comes first makes no difference."""
    if name == "primary" and first and second:
        own, other = ({key: sorted(map(str, values)) for key, values in value.items()} for value in (first, second))
        return own == other
    return bool(first == second)


def _plain(asked: Question, name: str) -> Any:
    if name == "primary":
        return {} if asked.primary is None else {asked.primary.factor: list(asked.primary.values)}
    if name == "roles":
        return {role: list(names) for role, names in asked.roles.items()}
    return list(getattr(asked, name))


def recorded(content: Mapping[str, Any]) -> Question:
    """Return what a study was asked last, from its study.json."""
    known = content.get(KEY, {})
    found = question({name: entries[-1]["value"] for name, entries in known.items() if name in ASKED})
    if found.primary:
        planned = not known["primary"][-1]["after_results"]
        found = replace(found, primary=replace(found.primary, planned=planned))
    return replace(found, typed=(), kept=True)
