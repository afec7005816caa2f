"""Those who use the system: authors, clients of the API, somebody who talks to the builder. Each is a thread that works
until the day is over, and keeps what was promised to it."""

from __future__ import annotations

import json
import random
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tests.faults.day.written import CANARY, letters, side
from tests.repository import Repository

SIDES = 6


class Over(Exception):
    """The day is over before an answer has come."""


@dataclass
class Clients:
    """How everybody calls the API: any of the servers, until one has answered. `answers` counts statuses and codes,
    `wrong` has what no server may ever answer."""

    addresses: Sequence[str]
    over: threading.Event
    answers: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    wrong: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    """What was answered, where nothing secret was asked for."""

    def call(self, key: str, method: str, path: str, body: Any = None, once: str = "") -> tuple[int, Any]:
        """Status and document; where `once` is given, a request that was not answered is sent again under that key."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        if once:
            headers["Idempotency-Key"] = once
        turn = random.randrange(len(self.addresses))
        while True:
            turn += 1
            url = f"{self.addresses[turn % len(self.addresses)]}/api/v1/{path}"
            data = json.dumps(body).encode() if body is not None else None
            found = self._try(urllib.request.Request(url, data, headers, method=method))
            if found is not None:
                return found
            if self.over.wait(0.1):
                raise Over
            if method != "GET" and not once:
                return 0, None

    def _try(self, request: urllib.request.Request) -> tuple[int, Any] | None:
        """None: nobody answered, or nobody can just now."""
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        except OSError:
            self.unanswered += 1
            return None
        except Exception:  # an answer that was cut off
            self.unanswered += 1
            return None
        document = json.loads(text) if text else None
        code = document.get("code") if status >= 400 and isinstance(document, dict) else ""
        self.answers[f"{status} {code}".strip()] += 1
        if status >= 500 and status != 503:
            self.wrong.append(f"{request.method} {request.selector}: {status} {text[:300]}")
        if status >= 400 and not code:
            self.wrong.append(f"{request.method} {request.selector}: {status} without a code")
        again = request.method == "GET" or request.has_header("Idempotency-key")
        if again and status in (409, 429, 503):
            return None  # somebody else is at it, or nobody can now: later
        self.texts.append(text)
        return status, document


class Person(threading.Thread):
    """Does `work` again and again, with a pause in between."""

    def __init__(self, work: Callable[[], None], over: threading.Event, pause: float) -> None:
        super().__init__(daemon=True)
        self._work, self._over, self._pause = work, over, pause
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self._over.wait(self._pause):
                self._work()
        except Over:
            pass
        except BaseException as error:
            self.failure = error


class Submitter:
    """Submits numbered tasks; `promised` are the ids that it was told, by number."""

    def __init__(self, clients: Clients, key: str, seed: int) -> None:
        self._clients, self._key, self._random = clients, key, random.Random(seed)
        self.promised: dict[int, str] = {}
        self.begun = 0
        self.contradicted: list[str] = []

    def work(self) -> None:
        again = self.promised and self._random.random() < 0.1
        if again:  # as somebody does who has not heard the answer
            number = self._random.choice([*self.promised])
        else:
            number, self.begun = self.begun, self.begun + 1
        subject = ("a crash", "the price", "the weather")[number % 3]
        body = {"input": {"number": number, "text": f"{CANARY} writes of {subject}"}, "max_attempts": 20}
        status, told = self._clients.call(
            self._key, "POST", "agents/clerk/tasks", body, once=f"letter-{number}"
        )
        if status != 202:
            self.contradicted.append(f"number {number}: {status} {told}")
        elif self.promised.setdefault(number, told["id"]) != told["id"]:
            self.contradicted.append(f"number {number} is two tasks")


class Reader:
    """Reads what anybody may."""

    PATHS = (
        "agents",
        "agent-types",
        "agents/clerk",
        "tasks?limit=20",
        "agents/clerk/results?fields=id,number,topic&limit=20",
        "agents/clerk/results?group=topic&measure=count",
        "revisions",
        "status",
        "plan",
        "audit?limit=5",
        "incidents",
    )

    def __init__(self, clients: Clients, key: str, seed: int) -> None:
        self._clients, self._key, self._random = clients, key, random.Random(seed)

    def work(self) -> None:
        self._clients.call(self._key, "GET", self._random.choice(self.PATHS))


class Talker:
    """Talks agents into being. `built` are those that were promised, `unheard` those whose session is closed though
    nobody heard the answer, `given_up` the others with the reason."""

    MOST_TURNS = 12

    def __init__(self, clients: Clients, key: str, seed: int) -> None:
        self._clients, self._key, self._random = clients, key, random.Random(seed)
        self.held = 0
        self.built: list[str] = []
        self.unheard: list[str] = []
        self.given_up: list[str] = []

    def work(self) -> None:
        """One session. What nobody answers may have been done all the same: the session tells."""
        name = f"stock-{self.held}"
        start = {"template": "blank", "guided": self._random.random() < 0.5}
        status, session = self._say("POST", "agent-builder/start", start)
        if status != 201:
            return
        self.held += 1
        path, told = f"agent-builder/{session['id']}", None
        for _ in range(self.MOST_TURNS):
            _, session = self._say("GET", path)
            if session["state"] == "finalized":
                self.unheard.append(name)
                return
            if session["state"] == "preview":  # where others have broken something, it is tried again
                told = self._say("POST", f"{path}/finalize", {})
                if told[0] in (200, 202):
                    self.built.append(told[1]["agent"])  # a model may have heard another name
                    return
            else:
                self._say("POST", f"{path}/chat", {"text": self._answer(session, name)})
        self.given_up.append(f"{name}: {session['state']}, {told}"[:500])

    @staticmethod
    def _answer(session: Any, name: str) -> str:
        asked = [question["slot"] for question in session["questions"]]
        if "details" in asked:
            return "title (required), quantity as integer"
        return f"call it {name}"

    def _say(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return self._clients.call(self._key, method, path, body)


class Desk(Protocol):
    """Where authors write: a folder, or a branch."""

    folder: Path

    def write(self, name: str, text: str | None) -> None: ...

    def settle(self) -> None: ...


class Folder:
    """A folder that is saved to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)

    def write(self, name: str, text: str | None) -> None:
        path = self.folder / name
        if text is None:
            path.unlink(missing_ok=True)
            return
        temporary = path.with_name(f".{name}.new")
        temporary.write_text(text)
        temporary.replace(path)

    def settle(self) -> None:
        """Whatever was written there is there."""


class Branch:
    """A clone, whose every change is a commit that is pushed; what others proposed is merged."""

    def __init__(self, work: Repository) -> None:
        self._work = work
        self.folder = work.folder / "agents.d"

    def write(self, name: str, text: str | None) -> None:
        if text is None and not (self.folder / name).exists():
            return
        self._work.commit({f"agents.d/{name}": text}, f"change {name}")
        self._work.git("push", "--quiet", "origin", "main")
        self.settle()

    def settle(self) -> None:
        git = self._work.git
        git("fetch", "--quiet", "--prune", "origin")
        branches = git("for-each-ref", "--format=%(refname:lstrip=3)", "refs/remotes/origin").splitlines()
        for branch in branches:
            if branch not in ("main", "HEAD"):
                git("merge", "--quiet", "--no-edit", f"origin/{branch}")
                git("push", "--quiet", "origin", "main", f":{branch}")


class Author:
    """Changes the type of the day's tasks and those beside it, and makes mistakes."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self._desk, self._random = desk, random.Random(seed)
        self._minor = self._patch = self._edition = 0
        self.edits: Counter[str] = Counter()
        self.settle()

    def work(self) -> None:
        habits = [
            self.reword,
            self.grow,
            self.side,
            self.side,
            self.come_and_go,
            self.break_off,
            self.overreach,
        ]
        habit = self._random.choice(habits)
        habit()
        self.edits[habit.__name__] += 1

    def settle(self) -> None:
        """All that is there is sound."""
        self._desk.settle()
        self._desk.write("letters.yaml", letters(self._minor, self._patch))
        for number in range(SIDES):
            self._write_side(number)

    def reword(self) -> None:
        self._patch += 1
        self._desk.write("letters.yaml", letters(self._minor, self._patch))

    def grow(self) -> None:
        """The table of the running tasks gets another column."""
        if self._minor < 40:
            self._minor, self._patch = self._minor + 1, 0
        self.reword()

    def side(self) -> None:
        self._write_side(self._random.randrange(SIDES))

    def come_and_go(self) -> None:
        """A type that is there for a moment, or for good."""
        name = "guest.yaml"
        gone = (self._desk.folder / name).exists()
        self._edition += 1
        self._desk.write(name, None if gone else side("guest", self._edition))

    def break_off(self) -> None:
        """Broken YAML, until the next edit of it."""
        number = self._random.randrange(SIDES)
        text = side(f"side-{number}", 1)
        broken = self._random.choice(
            [text.replace("version:", "versio:"), text[:80], text + "\n\t- {", "kind: [\n"]
        )
        self._desk.write(f"side-{number}.yaml", broken)

    def overreach(self) -> None:
        """A change that is refused: it drops a column, in a version that says that nothing changed."""
        number = self._random.randrange(SIDES)
        self._desk.write(
            f"side-{number}.yaml", side(f"side-{number}", 9_999).replace("text: text", "other: text")
        )

    def _write_side(self, number: int) -> None:
        self._edition += 1
        self._desk.write(f"side-{number}.yaml", side(f"side-{number}", self._edition))
