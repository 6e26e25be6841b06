"""As much of the Hugging Face hub as fetching a model needs, served from directories on this machine.

The paths and headers are those that huggingface_hub asks for: /api/models/NAME[/revision/R], …/tree/COMMIT and
/NAME/resolve/COMMIT/FILE.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REVISIONS = ("main", "v1", COMMIT)
ERRORS = {"gated": (403, "GatedRepo"), "broken": (500, ""), "slow": (200, "")}


class Hub(ThreadingHTTPServer):
    """Serves every directory OWNER/NAME below `root`; keeps what was asked for."""

    def __init__(self, root: Path):
        super().__init__(("127.0.0.1", 0), Handler)
        self.root = root
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def answer(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(f"{self.command} {path}")
        api = re.fullmatch(r"/api/models/(\w+/\w+)(?:/(revision|tree)/([^/]+))?", path)
        file = re.fullmatch(rf"/(\w+/\w+)/resolve/{COMMIT}/(.+)", path)
        name = api[1] if api else file[1] if file else ""
        if error := ERRORS.get(name.partition("/")[2]):
            time.sleep(60 if name.endswith("/slow") else 0)
            self.send(error[0], b"{}", {"X-Error-Code": error[1]} if error[1] else {})
        elif not (self.server.root / name).is_dir() or not name:
            self.send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        elif api and api[3] and api[3] not in REVISIONS:
            self.send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        elif api:
            self.send(200, json.dumps(self.tree(name) if api[2] == "tree" else self.info(name)).encode(), {})
        elif file:
            content = (self.server.root / name / file[2]).read_bytes()
            self.send(200, content, {"ETag": f'"{blob(content)}"', "X-Repo-Commit": COMMIT})

    def info(self, name: str) -> dict[str, object]:
        files = [{"rfilename": path.name} for path in sorted((self.server.root / name).iterdir())]
        return {"id": name, "modelId": name, "sha": COMMIT, "private": False, "siblings": files}

    def tree(self, name: str) -> list[dict[str, object]]:
        return [
            {"type": "file", "path": path.name, "size": path.stat().st_size, "oid": blob(path.read_bytes())}
            for path in sorted((self.server.root / name).iterdir())
        ]

    def send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for header, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(header, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def blob(content: bytes) -> str:
    """Git's name for a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def serving(root: Path) -> Iterator[Hub]:
    """Serve the directories below `root` while the context lasts."""
    server = Hub(root)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
