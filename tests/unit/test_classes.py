from __future__ import annotations

import py_compile
import sys
from pathlib import Path

import pytest

from sweeper.data.demo import Demo
from sweeper.errors import WrongInput
from sweeper.frameworks import ALLOWED
from sweeper.frameworks.hf import HuggingFace
from sweeper.records.classes import recorded_class
from tests.refusals import refusal_of

PLANTED = "from pathlib import Path\nPath(__file__).with_name('RAN').touch()\n"
CLASSES = """
class F:
    check = build = train = export = lambda *_: None
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a working directory that modules are imported from, with a study at outputs/s."""
    (tmp_path / "outputs/s").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def looked_up(target: str) -> type:
    return recorded_class(target, Path("outputs/s"), "framework._target_", ALLOWED.is_framework)


@pytest.mark.parametrize(
    "file",
    [
        "outputs/s/payload.py",
        "outputs/payload.py",
        "outputs/other/payload.py",
        "outputs/s/payload/__init__.py",
        "outputs/s/site-packages/payload.py",
    ],
)
def test_what_lies_with_a_study_is_never_imported(file: str, here: Path) -> None:
    (here / file).parent.mkdir(parents=True, exist_ok=True)
    (here / file).write_text(PLANTED + CLASSES)
    module = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    with pytest.raises(WrongInput, match="lies with the study"):
        looked_up(f"{module}.F")
    assert not [*here.rglob("RAN")]


def test_nor_is_a_package_on_the_way(here: Path) -> None:
    (here / "outputs/__init__.py").write_text(PLANTED)
    (here / "outputs/s/payload.py").write_text(CLASSES)
    with pytest.raises(WrongInput, match="lies with the study"):
        looked_up("outputs.s.payload.F")
    assert not [*here.rglob("RAN")]


def test_nor_through_a_link(here: Path) -> None:
    (here / "outputs/s/payload.py").write_text(PLANTED + CLASSES)
    (here / "innocent_link.py").symlink_to(here / "outputs/s/payload.py")
    with pytest.raises(WrongInput, match="lies with the study"):
        looked_up("innocent_link.F")
    assert not [*here.rglob("RAN")]


def test_nor_is_a_compiled_module(here: Path) -> None:
    (here / "payload.py").write_text(PLANTED + CLASSES)
    py_compile.compile(str(here / "payload.py"), cfile=str(here / "outputs/s/payload.pyc"))
    (here / "payload.py").unlink()
    with pytest.raises(WrongInput, match="lies with the study"):
        looked_up("outputs.s.payload.F")
    assert not [*here.rglob("RAN")]


def test_nor_what_lies_beside_a_link_to_a_study(here: Path) -> None:
    (here / "elsewhere").mkdir()
    (here / "outputs/s").rename(here / "elsewhere/s")
    (here / "outputs/s").symlink_to(here / "elsewhere/s")
    for place in ("outputs", "elsewhere"):
        (here / place / "payload.py").write_text(PLANTED + CLASSES)
        with pytest.raises(WrongInput, match="lies with the study"):
            looked_up(f"{place}.payload.F")
    assert not [*here.rglob("RAN")]


@pytest.mark.parametrize(
    "target",
    [
        "subprocess.Popen",  # a class, but no framework
        "os.system",  # no class
        "builtins.exit",  # built in: it has no source
        "this.F",  # importing it prints
        "antigravity.F",  # importing it opens a browser
        "nowhere.F",
        "F",
        "",
        "..F",
        "sweeper.frameworks.hf.Nothing",
        "sweeper.data.demo.Demo",
    ],
)
def test_what_is_no_framework_is_refused(target: str, here: Path) -> None:
    assert f"framework._target_={target}" in refusal_of(looked_up, target)
    assert not {"this", "antigravity"} & sys.modules.keys()


def test_a_class_of_the_working_directory_is_found(here: Path) -> None:
    (here / "of_my_own.py").write_text(CLASSES)
    assert looked_up("of_my_own.F").__module__ == "of_my_own"


def test_those_of_this_package_are_found_wherever_the_study_lies(here: Path) -> None:
    study = Path(sys.modules["sweeper"].__path__[0]).parent / "a study beside the package"
    assert recorded_class("sweeper.frameworks.hf.HuggingFace", study, "x", ALLOWED.is_framework) is HuggingFace
    assert recorded_class("sweeper.data.demo.Demo", study, "x", ALLOWED.is_data) is Demo
    with pytest.raises(WrongInput):
        recorded_class("sweeper.frameworks.hf.HuggingFace", study, "data._target_", ALLOWED.is_data)
