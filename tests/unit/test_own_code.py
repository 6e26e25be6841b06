"""The user's own code by its content: what it is made of, and what changes it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sweeper.data.demo import Demo
from sweeper.errors import WrongInput
from sweeper.records.own_code import CODE, DATA_CODE, check_code, code_digests
from tests.composed import trial as composed
from tests.records import trial

FILES = {
    "mine.py": '''"""A framework."""
import os
import torch
import gone_from_here
from helper import scale
from pack.inner import *
class Mine:
    """The four methods."""
    def check(self, trial):
        """Refuse nothing."""
    def build(self, trial): return scale(1)
    def train(self, trial, directory, report):
        from late import rate
        import importlib
        importlib.import_module("named")
    def export(self, directory, destination): pass
''',
    "helper.py": "import deeper\ndef scale(value):\n    return value * deeper.FACTOR  # why\n",
    "deeper.py": "FACTOR = 2\n",
    "late.py": "rate = 0.1\n",
    "named.py": "x = 1\n",
    "pack/__init__.py": "from . import beside\n",
    "pack/inner/__init__.py": "from ..cousin import z\n",
    "pack/inner/part.py": "y = 1\n",
    "pack/cousin.py": "z = 1\n",
    "pack/beside.py": "w = 1\n",
    "unrelated.py": "v = 1\n",
    "own_data.py": """
from dataclasses import dataclass
from sweeper.data.demo import Demo
import helper
@dataclass(frozen=True)
class Own(Demo):
    pass
""",
}
IMPORTED = sorted(set(FILES) - {"unrelated.py", "own_data.py"})
ROOTS = {name.partition("/")[0].removesuffix(".py") for name in FILES} | {"plugin"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a working directory with modules of one's own, none of them imported."""
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [known for known in sys.modules if known.partition(".")[0] in ROOTS]:
        del sys.modules[name]


def code(target: str = "mine.Mine", data: type = Demo) -> dict[str, str]:
    importlib.invalidate_caches()
    return code_digests(target, data)


def own_data() -> type:
    kind: type = importlib.import_module("own_data").Own
    return kind


def test_none_of_sweepers_is_own() -> None:
    assert code("sweeper.frameworks.hf.HuggingFace") == {}


def test_nothing_is_imported() -> None:
    assert set(code()) == {CODE}
    assert not [name for name in sys.modules if name.partition(".")[0] in ROOTS]


@pytest.mark.parametrize("name", IMPORTED)
def test_every_file_that_it_imports_counts(name: str, here: Path) -> None:
    before = code()
    (here / name).write_text(FILES[name] + "more = 1\n")
    assert code() != before


@pytest.mark.parametrize(
    ("name", "edit"),
    [
        ("unrelated.py", ("v = 1", "v = 2")),
        ("mine.py", ('"""A framework."""', '"""Another text."""\n# and a comment')),
        ("mine.py", ('        """Refuse nothing."""\n', '        """Refuse\n\n        nothing at all."""\n')),
        ("mine.py", ('    """The four methods."""\n', "")),
        ("helper.py", ("  # why", "")),
        ("deeper.py", ("FACTOR = 2", "\n\nFACTOR   =  2")),
    ],
)
def test_comments_docstrings_layout_and_other_files_do_not(name: str, edit: tuple[str, str], here: Path) -> None:
    before = code()
    edited = FILES[name].replace(*edit)
    assert edited != FILES[name]
    (here / name).write_text(edited)
    assert code() == before


def test_a_docstring_that_is_read_counts(here: Path) -> None:
    (here / "late.py").write_text('"""A prompt."""\nrate = len(__doc__)\n')
    before = code()
    (here / "late.py").write_text('"""Another prompt."""\nrate = len(__doc__)\n')
    assert code() != before


def test_a_module_that_comes_later_counts_from_then_on(here: Path) -> None:
    before = code()
    (here / "gone_from_here.py").write_text("x = 1\n")
    assert code() != before


def test_what_python_cannot_read_counts_as_it_is(here: Path) -> None:
    (here / "late.py").write_text("print 'of Python 2'\n")
    before = code()
    (here / "late.py").write_text("print 'of Python 1'\n")
    assert code() != before


def test_where_it_lies_does_not(here: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    before = code()
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "moved"
    here.rename(elsewhere)
    sys.path.insert(0, str(elsewhere))
    try:
        assert code() == before
    finally:
        sys.path.remove(str(elsewhere))
        elsewhere.rename(here)


def test_an_installed_distribution_counts_by_name_and_version(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = here / "site-packages"
    described = installed / "of_another_name-1.0.dist-info"
    described.mkdir(parents=True)
    (installed / "plugin.py").write_text("class Plugin: pass\n")
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: of-another-name\nVersion: 1.0\n")
    (described / "top_level.txt").write_text("plugin\n")
    monkeypatch.syspath_prepend(str(installed))
    from sweeper.records.own_code import _versions

    def found() -> dict[str, str]:
        _versions.cache_clear()
        return code("plugin.Plugin")

    before = found()
    (installed / "plugin.py").write_text("class Plugin: more = 1\n")
    assert found() == before and set(before) == {CODE}
    described.rename(installed / "of_another_name-1.1.dist-info")
    metadata = installed / "of_another_name-1.1.dist-info/METADATA"
    metadata.write_text(metadata.read_text().replace("1.0", "1.1"))
    assert found() != before
    _versions.cache_clear()


def test_what_sweeper_trains_by_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    before = code()
    monkeypatch.setattr("sweeper.records.own_code.version", lambda _: "0.0")
    assert code() == before


def test_a_data_set_is_told_apart(here: Path) -> None:
    before = code(data=own_data())
    assert set(before) == {CODE, DATA_CODE}
    (here / "mine.py").write_text(FILES["mine.py"] + "more = 1\n")
    after = code(data=own_data())
    assert after[DATA_CODE] == before[DATA_CODE] and after[CODE] != before[CODE]
    (here / "deeper.py").write_text("FACTOR = 3\n")
    assert code(data=own_data())[DATA_CODE] != before[DATA_CODE]


def test_a_job_refuses_other_code_than_was_submitted(here: Path) -> None:
    planned = replace(trial(), data=own_data()())
    planned = replace(planned, framework=replace(planned.framework, _target_="mine.Mine"))
    check_code(planned)  # of a version that took no digest
    planned = replace(planned, digests=dict(planned.digests) | code(data=type(planned.data)))
    check_code(planned)
    (here / "mine.py").write_text(FILES["mine.py"] + "more = 1\n")
    with pytest.raises(WrongInput, match=r"the code of mine, .* has changed since .*: submit it again"):
        check_code(planned)
    (here / "own_data.py").write_text(FILES["own_data.py"] + "more = 1\n")
    with pytest.raises(WrongInput, match="the code of own_data, "):
        check_code(planned)


@pytest.mark.usefixtures("composing")
def test_it_is_part_of_a_trials_identity(here: Path) -> None:
    (here / "mine.py").write_text(
        FILES["mine.py"].replace("import gone_from_here\n", "").replace("import *", "import part")
    )
    command = ("framework.name=mine", "framework._target_=mine.Mine", "model=rd")
    before = composed(*command)
    assert composed(*command).id == before.id and set(before.digests) == {"data", "tokenizer", CODE}
    (here / "deeper.py").write_text("FACTOR = 3\n")
    after = composed(*command)
    assert after.id != before.id
    assert {name for name in after.digests if after.digests[name] != before.digests[name]} == {CODE}
    assert set(composed("model=rd").digests) == {"data", "tokenizer"}
    assert composed("model=rd", "data._target_=own_data.Own").digests.keys() >= {CODE, DATA_CODE}
