"""A forge on loopback as far as it is asked: pull requests, comments on them, and by which one a commit came."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_THREADS = re.compile(
    r"/(?:repos/team/agents/issues|projects/team%2Fagents/merge_requests)/(\d+)/(?:comments|notes)"
)
_SINGLE = re.compile(r".*/(?:issues/comments|notes)/(\d+)")
_PULLS = "/repos/team/agents/pulls"
_COMMIT = re.compile(r".*/commits/([0-9a-f]+)/(pulls|pull|merge_requests)")


class ForgeServer:
    """`opened` are the pull requests, as they were asked for. `comments` by id are (request, text); `merged` says by
    which request a commit came; `tokens` are those sent."""

    def __init__(self) -> None:
        self.opened: list[dict[str, Any]] = []
        self.comments: dict[int, tuple[int, str]] = {}
        self.merged: dict[str, int] = {}
        self.tokens: set[str] = set()
        forge = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else {}
                told = self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or ""
                forge.tokens.add(told)
                found = forge.answer(self.command, self.path.partition("?")[0], body)
                data = json.dumps(found).encode()
                self.send_response(404 if found is None else 200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_PUT = _answer  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, verb: str, path: str, body: dict[str, Any]) -> Any:
        """None: not found."""
        if verb == "POST" and path == _PULLS:
            self.opened.append(body)
            return {"number": len(self.opened), "html_url": f"{self.url}/team/agents/pull/{len(self.opened)}"}
        if commit := _COMMIT.fullmatch(path):
            number = self.merged.get(commit[1])
            found = {"number": number, "iid": number}
            if commit[2] == "pull":
                return found if number else None
            return [found] if number else []
        if verb in ("PATCH", "PUT") and (single := _SINGLE.fullmatch(path)):
            self.comments[int(single[1])] = (self.comments[int(single[1])][0], body["body"])
            return {"id": int(single[1])}
        if thread := _THREADS.fullmatch(path):
            request = int(thread[1])
            if verb == "POST":
                self.comments[len(self.comments) + 1] = (request, body["body"])
                return {"id": len(self.comments)}
            return [{"id": n, "body": text} for n, (of, text) in self.comments.items() if of == request]
        return None

    def __enter__(self) -> ForgeServer:
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
