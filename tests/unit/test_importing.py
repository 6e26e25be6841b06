"""What fails in the user's own code is told in three lines, with the place in their file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sweeper.data import DataSettings
from sweeper.errors import WrongInput
from sweeper.frameworks import ALLOWED, load_adapter
from sweeper.records.classes import recorded_class
from sweeper.records.importing import own_failures_told
from sweeper.trial.settings import FrameworkSettings
from tests.refusals import refusal_of

CLASS = "class F:\n    check = build = train = export = lambda *_: None\n"
FAILING = {
    "raises": ("x = 1\nraise RuntimeError('two\\nlines')\n" + CLASS, "RuntimeError: two lines", 2),
    "divides": ("def f():\n    return 1 / 0\nf()\n" + CLASS, "ZeroDivisionError: division by zero", 2),
    "ends": ("import sys\nsys.exit(0)\n" + CLASS, "SystemExit: 0", 2),
    "unclosed": ("x = (\n" + CLASS, "SyntaxError", 1),
    "needs": ("import no_such_module\n" + CLASS, "No module named 'no_such_module'", 1),
    "is_made": (CLASS + "    def __init__(self): raise KeyError('made')\n", "KeyError: 'made'", 3),
    "calls_python": ("import json\njson.loads('{')\n" + CLASS, "JSONDecodeError", 2),
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, (content, _, _) in FAILING.items():
        (tmp_path / f"{name}.py").write_text(content)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", FAILING)
def test_a_framework_that_cannot_be_loaded(name: str, here: Path) -> None:
    _, error, line = FAILING[name]
    said = refusal_of(load_adapter, FrameworkSettings("f", _target_=f"{name}.F"))
    assert said.startswith(f"framework._target_={name}.F cannot be loaded: ") and error in said
    assert f"at {here / name}.py:{line}\n" in said


@pytest.mark.parametrize("name", sorted(set(FAILING) - {"unclosed", "is_made"}))
def test_nor_by_a_record(name: str, here: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    study = tmp_path_factory.mktemp("outputs") / "s"
    said = refusal_of(recorded_class, f"{name}.F", study, "framework._target_", ALLOWED.is_framework)
    assert f"at {here / name}.py:{FAILING[name][2]}\n" in said


@pytest.mark.parametrize("target", ["builtins.exit", "sys.exit", "os._exit", "builtins.SystemExit", "subprocess.Popen"])
def test_what_is_no_framework_is_not_called(target: str) -> None:
    said = refusal_of(load_adapter, FrameworkSettings("f", _target_=target))
    assert f"framework._target_={target} is no framework" in said


@pytest.mark.parametrize("target", ["nowhere.F", "F", "", "..F", "json.Nothing"])
def test_what_is_not_there_has_no_place(target: str) -> None:
    said = refusal_of(load_adapter, FrameworkSettings("f", _target_=target))
    assert f"framework._target_={target} cannot be loaded" in said and "needed: module.Class" in said


def test_what_own_code_raises_later_is_told_too(here: Path) -> None:
    (here / "raises_late.py").write_text("def check(trial):\n    return trial.nothing\n")
    import raises_late  # type: ignore[import-not-found]

    def checked() -> None:
        with own_failures_told():
            raises_late.check(DataSettings())

    said = refusal_of(checked)
    assert said.startswith("your own code failed: AttributeError: 'DataSettings'")
    assert f"at {here}/raises_late.py:2\n" in said
    del sys.modules["raises_late"]


@pytest.mark.parametrize("error", [KeyError("x"), SystemExit(3), WrongInput("y")])
def test_what_others_raise_stays_as_it_is(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweeper.records.importing.is_own", lambda file: file == Path("/nowhere"))
    with pytest.raises(type(error)) as raised, own_failures_told():
        raise error
    assert raised.value is error
