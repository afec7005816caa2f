"""The server as a process: first key, bytes that lie about their length, slow and vanishing clients, an orderly end."""

from __future__ import annotations

import json
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.database.api_keys import Role
from tests.acceptance.api_process import ServerProcess, serving_process
from tests.acceptance.command_line import PROGRAM, CommandLine

RESULTS = "/api/v1/agents/dynamic/my-notes/results"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("served")
    with serving_process(folder, rows=3, RECONCILER_API_TIMEOUT="2") as served:
        yield served


def _said(server: ServerProcess, sent: bytes, *, patience: float = 10) -> bytes:
    """All that the server answers to these very bytes, until it closes or has nothing more to say."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=patience) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


def _get(server: ServerProcess, path: str, key: str) -> tuple[int, bytes]:
    request = urllib.request.Request(server.url + path, headers={"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


POST = b"POST /api/v1/agents HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("two lengths", POST + b"Content-Length: 4\r\nContent-Length: 40\r\n\r\n{}{}"),
        ("length and chunks", POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("a length below zero", POST + b"Content-Length: -1\r\n\r\n"),
        ("two keys", POST + b"Authorization: a\r\nAuthorization: b\r\n\r\n"),
        ("two hosts", POST + b"Host: evil.example\r\n\r\n"),
        ("a folded header", b"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\n evil: 2\r\n\r\n"),
        ("no host", b"GET /livez HTTP/1.1\r\n\r\n"),
        ("a space before the colon", b"GET /livez HTTP/1.1\r\nHost : localhost\r\n\r\n"),
        ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00"),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(
    server: ServerProcess, name: str, sent: bytes
) -> None:
    answer = _said(server, sent)
    status = answer.partition(b" ")[2][:3]
    if name == "a folded header":  # one header of one line, or refused
        assert status in (b"200", b"400")
    else:
        assert status in (b"400", b"413", b"421"), answer[:300]
    assert answer.count(b"HTTP/1.1 ") == 1, "one request, one answer"


def test_a_client_that_sends_its_body_too_slowly_is_told_so(server: ServerProcess) -> None:
    head = f"POST /api/v1/agents HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.keys[Role.ADMIN]}\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{{".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b" 408 " in answer[:20]
    assert b"body-too-slow" in answer


def test_clients_that_vanish_in_the_middle_of_a_file_leave_nothing_behind(server: ServerProcess) -> None:
    key = server.keys[Role.VIEWER]
    request = f"GET {RESULTS} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nAccept: text/csv\r\n\r\n"
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(request.encode())
    assert _get(server, RESULTS, key)[0] == 200
    assert _get(server, "/readyz", key)[0] == 200


def test_a_thousand_open_streams_stay_small_and_end_with_the_server(tmp_path: Path) -> None:
    with serving_process(tmp_path, rows=0) as server:
        key = server.keys[Role.ADMIN]
        body = json.dumps({"input": {"text": "a"}}).encode()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        made = urllib.request.Request(f"{server.url}/api/v1/agents/my-notes/tasks", body, headers)
        with urllib.request.urlopen(made, timeout=10) as answer:
            location = answer.headers["Location"]
        request = f"GET {location}/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n"
        streams = []
        try:
            for _ in range(1000):
                connection = socket.create_connection(("127.0.0.1", server.port), timeout=10)
                connection.sendall(request.encode())
                streams.append(connection)
            for connection in streams:
                assert b" 200 " in connection.recv(4096)[:20]
            assert _get(server, "/livez", key)[0] == 200
            assert server.memory < 200 * 2**20, f"{server.memory / 2**20:.0f} MiB"
        finally:
            for connection in streams[:500]:
                connection.close()
    for connection in streams[500:]:
        connection.close()


def test_the_first_key_is_printed_once_and_opens_the_door(tmp_path: Path) -> None:
    run = CommandLine(tmp_path)
    (tmp_path / "agents.d").mkdir()

    def started() -> str:
        process = subprocess.Popen(
            [PROGRAM, "serve", "--port", "0"],
            cwd=tmp_path,
            env=run.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        assert process.stdout is not None
        for line in process.stderr:
            if "startup complete" in line:
                break
        process.terminate()
        out, _ = process.communicate(timeout=30)
        assert process.returncode == 0
        return out

    first = started()
    assert first.startswith("rk_")
    assert started() == ""
    listed = run("keys", "list", "--json").document["keys"]
    assert [(key["name"], key["role"]) for key in listed] == [("first", "admin")]
    assert first.strip().rpartition("_")[2] not in run("keys", "list").out
    made = run("keys", "create", "app", "--role", "viewer", "--expires", "30d")
    assert made.out.startswith("rk_")
    assert run("keys", "revoke", made.out.split("_")[1]).code == 0
    assert run("keys", "revoke", "nothing").code == 1
    assert run("serve", "--host", "0.0.0.0", "--port", "0").code == 64
