from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from sweeper.records import provenance

GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "a",
    "GIT_AUTHOR_EMAIL": "a@b",
    "GIT_COMMITTER_NAME": "a",
    "GIT_COMMITTER_EMAIL": "a@b",
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of its own around a copy of the module."""
    package = tmp_path / "package"
    package.mkdir()
    shutil.copy(provenance.__file__, package / "provenance.py")
    (package / "latin.txt").write_bytes(b"caf\xe9\n")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, env={**os.environ, **GIT}, check=True)
    return tmp_path


def state(repository: Path) -> dict[str, object]:
    code = "import json, provenance; print(json.dumps(provenance.code_state()))"
    said = subprocess.check_output([sys.executable, "-c", code], cwd=repository / "package", text=True)
    found: dict[str, object] = json.loads(said)
    return found


def head(repository: Path) -> str:
    return subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=repository, text=True).strip()


def test_a_clean_tree_is_its_commit(repository: Path) -> None:
    assert state(repository) == {"commit": head(repository), "dirty": False, "difference_sha256": None}


def test_what_differs_from_the_commit_is_known_by_its_digest(repository: Path) -> None:
    file = repository / "package" / "provenance.py"
    whole = file.read_text()
    file.write_text(whole + "# one\n")
    first = state(repository)
    file.write_text(whole + "# two\n")
    second = state(repository)
    difference = subprocess.check_output(["git", "diff", "HEAD"], cwd=repository, text=True).strip()
    assert first["dirty"] is second["dirty"] is True
    assert first["difference_sha256"] != second["difference_sha256"]
    assert second["difference_sha256"] == hashlib.sha256(difference.encode()).hexdigest()


def test_a_difference_that_is_not_utf_8_is_no_mishap(repository: Path) -> None:
    (repository / "package" / "latin.txt").write_bytes(b"th\xe9\n")
    assert state(repository)["dirty"] is True


def test_outside_a_repository_there_is_no_commit(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    shutil.copy(provenance.__file__, package / "provenance.py")
    assert state(tmp_path) == {"commit": None, "dirty": False, "difference_sha256": None}


def test_without_git_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.code_state()["commit"] is None


def test_versions_are_those_installed() -> None:
    found = provenance.versions()
    assert found["python"] == platform.python_version()
    for package in ("torch", "transformers", "peft"):
        assert found[package] == version(package)


def test_here_is_json() -> None:
    assert set(json.loads(json.dumps(provenance.here("cpu")))) == {"host", "platform", "cpu", "versions"}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(["-m", "shown", "a=[1,2]"], "python -m shown 'a=[1,2]'"), (["shown.py", "b c"], "python shown.py 'b c'")],
)
def test_the_command_can_be_typed_again(tmp_path: Path, arguments: list[str], expected: str) -> None:
    (tmp_path / "shown.py").write_text("from sweeper.records import provenance\nprint(provenance.command_line())\n")
    assert subprocess.check_output([sys.executable, *arguments], cwd=tmp_path, text=True).strip() == expected


def own_state(package: Path, directory: Path) -> dict[str, object] | None:
    code = "import json, provenance; print(json.dumps(provenance.own_code_state()))"
    environment = {**os.environ, "PYTHONPATH": str(package)}
    said = subprocess.check_output([sys.executable, "-c", code], cwd=directory, text=True, env=environment)
    found: dict[str, object] | None = json.loads(said)
    return found


def test_the_repository_that_a_command_runs_in_is_known_where_it_is_another(repository: Path) -> None:
    own = repository.parent / f"{repository.name}_own"
    (own / "inner").mkdir(parents=True)
    package = repository / "package"
    assert own_state(package, own) is own_state(package, package) is None
    (own / "mine.py").write_text("x = 1\n")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run(["git", *arguments], cwd=own, env={**os.environ, **GIT}, check=True)
    clean = {"repository": str(own), "commit": head(own), "dirty": False, "difference_sha256": None}
    assert own_state(package, own / "inner") == clean
    (own / "mine.py").write_text("x = 2\n")
    changed = own_state(package, own / "inner")
    assert changed is not None and changed["dirty"] is True and changed["commit"] == head(own)
