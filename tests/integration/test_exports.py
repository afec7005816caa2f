"""Exports: what leaves one database arrives in another as it was, whole or not at all."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.bootstrap import open_cipher
from reconciler.control.exports.archive import ArchiveDamaged, ArchiveReader
from reconciler.control.exports.exporting import Exported, ExportOptions, export
from reconciler.control.exports.importing import Imported, import_
from reconciler.database import records
from reconciler.database.connection import Connection
from reconciler.database.encryption import generate
from reconciler.database.rows.ids import highest, reserve
from reconciler.database.storable import UnfitValue
from reconciler.errors import NotFound, Refused, SourceError, UsageError
from tests.integration.estate import ANN, CANARY, GOING, KEY, TABLES, TYPE, Estate, fill
from tests.repository import Repository

WHOLE = ExportOptions(sensitive=True)


@pytest.fixture
def estate(database_url: str, tmp_path: Path) -> Estate:
    return Estate.settled(database_url, tmp_path / "here")


@pytest.fixture
def elsewhere(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> Estate:
    """An empty source and database of the other dialect."""
    other = "new_sqlite" if dialect == "postgresql" else "new_postgres"
    return Estate(request.getfixturevalue(other)(), tmp_path / "there")


def exported(
    estate: Estate, path: Path, options: ExportOptions = WHOLE, address: str = "type/estate", **more: Any
) -> Exported:
    with estate.connect() as connection:
        cipher = open_cipher(estate.settings)
        return export(connection, address, path, options, cipher=cipher, actor="ann", **more)


def imported(estate: Estate, path: Path) -> Imported:
    with ArchiveReader(path) as archive, estate.connect() as connection:
        cipher = open_cipher(estate.settings)
        return import_(
            estate.settings, connection, estate.proposer, archive, cipher=cipher, actor="ben", author=ANN
        )


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]


def rebuilt(path: Path, parts: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


class TestRoundTrip:
    @pytest.mark.parametrize("options", [WHOLE, ExportOptions(sensitive=True, decrypt=True, tasks=True)])
    def test_the_other_database_gets_the_same_rows_ids_and_manifests(
        self, estate: Estate, elsewhere: Estate, tmp_path: Path, options: ExportOptions
    ) -> None:
        out = exported(estate, tmp_path / "estate.tar.gz", options)
        assert set(out.objects) == {*GOING}
        done = imported(elsewhere, tmp_path / "estate.tar.gz")
        assert done.loaded
        assert elsewhere.rows() == estate.rows()
        assert done.preview.rows == out.rows == {f"estate__{n}": len(r) for n, r in estate.rows().items()}
        with estate.connect() as here, elsewhere.connect() as there:
            mine, theirs = records.entries(here), records.entries(there)
            assert theirs == {address: mine[address] for address in GOING}
        assert not elsewhere.pending()
        columns = "id, agent, state, input, output, submitted_at, finished_at, manifest_digest"
        if options.tasks:
            sql = f"SELECT {columns} FROM tasks ORDER BY id"
            assert elsewhere.raw(sql) == estate.raw(sql)
        else:
            assert elsewhere.raw(f"SELECT {columns} FROM tasks") == []

    def test_ids_go_on_where_they_were(self, estate: Estate, elsewhere: Estate, tmp_path: Path) -> None:
        with estate.connect() as connection:
            connection.execute("DELETE FROM estate__part WHERE id > 3")
            before = {name: highest(connection, name) for name in TABLES}
        exported(estate, tmp_path / "e.tar.gz")
        imported(elsewhere, tmp_path / "e.tar.gz")
        with elsewhere.connect() as connection:
            assert all(reserve(connection, name, 1)[0] > before[name] for name in TABLES)

    def test_what_is_opened_is_sealed_anew_under_the_keys_that_are_there(
        self, estate: Estate, elsewhere: Estate, tmp_path: Path, new_sqlite: Callable[[], str]
    ) -> None:
        path = tmp_path / "opened.tar.gz"
        exported(estate, path, ExportOptions(sensitive=True, decrypt=True))
        other = Estate(new_sqlite(), tmp_path / "keyed", encryption_keys=generate("k9"))
        imported(other, path)
        assert other.rows() == estate.rows()

    def test_an_agent_takes_its_own_rows_only(self, estate: Estate, tmp_path: Path) -> None:
        out = exported(estate, tmp_path / "keeper.tar.gz", address="agent/keeper")
        assert set(out.objects) == {"type/estate", "agent/keeper"}
        agents = {row["agent"] for rows in estate.rows().values() for row in rows}
        lines = b"".join(
            data for name, data in members(tmp_path / "keeper.tar.gz").items() if "jsonl" in name
        )
        assert agents == {"keeper", "helper"}
        assert {json.loads(line)["agent"] for line in lines.splitlines()} == {"keeper"}

    def test_all_versions_go_along_and_what_was_deleted_softly_too(
        self, estate: Estate, elsewhere: Estate, tmp_path: Path
    ) -> None:
        rows = estate.rows()
        spec = {**TYPE["spec"], "version": "1.0.1", "title": "Two"}
        estate.write({"type.yaml": {**TYPE, "spec": spec}})
        estate.apply()
        estate.delete("type/estate", "soft")
        exported(estate, tmp_path / "e.tar.gz")
        found = [name for name in members(tmp_path / "e.tar.gz") if name.startswith("objects/type/")]
        assert sorted(Path(name).name[:5] for name in found) == ["1.0.0", "1.0.1"]
        imported(elsewhere, tmp_path / "e.tar.gz")
        assert elsewhere.rows() == rows

    def test_what_is_parked_is_named_as_left_behind(self, estate: Estate, tmp_path: Path) -> None:
        """And once it is brought back it goes along."""
        assert exported(estate, tmp_path / "before.tar.gz").parked == {}
        rows = {f"estate__{name}": len(found) for name, found in estate.rows().items()}
        estate.delete("type/estate", "hard")
        out = exported(estate, tmp_path / "parked.tar.gz")
        assert (out.rows, out.parked) == ({}, rows)
        estate.restore("type/estate")
        again = exported(estate, tmp_path / "again.tar.gz")
        assert (again.rows, again.parked) == (rows, {})

    def test_a_git_source_gets_a_proposal_and_the_rows_once_it_is_applied(
        self, estate: Estate, elsewhere: Estate, tmp_path: Path
    ) -> None:
        repository = Repository(tmp_path / "work")
        repository.commit({"agents.d/README.md": "", "agents.d/other.yaml": json.dumps({**OTHER_POLICY})})
        bare = repository.bare_copy(tmp_path / "bare.git")
        source = f"git+file://{bare}@main#agents.d"
        there = Estate(elsewhere.settings.database, tmp_path / "git", source=source)
        exported(estate, tmp_path / "e.tar.gz")
        first = imported(there, tmp_path / "e.tar.gz")
        assert not first.loaded
        assert first.proposed is not None
        repository.git("fetch", "--quiet", "origin")
        repository.git("merge", "--quiet", f"origin/{first.proposed.branch}")
        repository.git("push", "--quiet", "origin", "main")
        there.apply()
        assert imported(there, tmp_path / "e.tar.gz").loaded
        assert there.rows() == estate.rows()


OTHER_POLICY = {
    "apiVersion": "reconciler/v1",
    "kind": "Policy",
    "metadata": {"name": "default"},
    "spec": {},
}


class TestSecrets:
    def test_sensitive_values_are_masked_and_encrypted_ones_stay_sealed(
        self, estate: Estate, elsewhere: Estate, tmp_path: Path
    ) -> None:
        path = tmp_path / "masked.tar.gz"
        out = exported(estate, path, ExportOptions(tasks=True))
        assert out.masked == ("estate__thing.private",)
        parts = members(path)
        things = [json.loads(line) for line in parts["tables/estate__thing/000001.jsonl"].splitlines()]
        assert {row["private"] for row in things} == {"***"}
        assert not any("sealed" in (row["sealed"] or "") for row in things)
        assert CANARY.encode() not in parts["tables/estate__thing/000001.jsonl"]
        assert CANARY.encode() not in parts["tasks/000001.jsonl"]
        assert path.stat().st_mode & 0o077 == 0
        with pytest.raises(Refused, match="private masked") as raised:
            imported(elsewhere, path)
        assert "tasks were exported" in raised.value.message
        assert not [*elsewhere.folder.glob("**/*.yaml")]

    def test_without_the_key_nothing_is_opened_and_no_file_is_left(
        self, estate: Estate, tmp_path: Path
    ) -> None:
        keyless = Estate(estate.settings.database, tmp_path / "keyless", encryption_keys="")
        with pytest.raises(UnfitValue):
            exported(keyless, tmp_path / "e.tar.gz", ExportOptions(sensitive=True, decrypt=True))
        assert not [*tmp_path.glob("*e.tar.gz*")]
        assert exported(keyless, tmp_path / "e.tar.gz").rows["estate__thing"] > 0


class TestRefusals:
    def test_an_export_that_was_altered_is_never_believed(
        self, database_url: str, tmp_path: Path, new_sqlite: Callable[[], str]
    ) -> None:
        path, other = tmp_path / "e.tar.gz", tmp_path / "altered.tar.gz"
        exported(Estate.settled(database_url, tmp_path / "here"), path)
        parts = members(path)
        chooser = random.Random(7)
        for name in parts:
            place = chooser.randrange(len(parts[name]))
            changed = bytearray(parts[name])
            changed[place] ^= 1
            rebuilt(other, {**parts, name: bytes(changed)})
            if name != "manifest.json":  # which is not its own witness
                with pytest.raises(ArchiveDamaged):
                    ArchiveReader(other)
            rebuilt(other, {n: data for n, data in parts.items() if n != name})
            with pytest.raises(ArchiveDamaged):
                ArchiveReader(other)
        rebuilt(other, {"tables/x/000001.jsonl": b"{}\n", **parts})
        with pytest.raises(ArchiveDamaged):
            ArchiveReader(other)
        whole = path.read_bytes()
        for cut in (0, 1, 20, len(whole) // 2, len(whole) - 400):
            other.write_bytes(whole[:cut])
            with pytest.raises(ArchiveDamaged):
                ArchiveReader(other)
        for name in ("../escape", "/etc/passwd", "a/../b", ".hidden"):
            rebuilt(other, {name: b"x", **parts})
            with pytest.raises(ArchiveDamaged):
                ArchiveReader(other)
        other.write_bytes(gzip.compress(b"no tar at all" * 100))
        with pytest.raises(ArchiveDamaged):
            ArchiveReader(other)
        with pytest.raises(SourceError):
            ArchiveReader(tmp_path / "nowhere")

    def test_names_that_are_taken_by_something_else(
        self, estate: Estate, elsewhere: Estate, tmp_path: Path
    ) -> None:
        exported(estate, tmp_path / "e.tar.gz")
        elsewhere.write({"mine.yaml": {**TYPE, "spec": {**TYPE["spec"], "title": "Mine"}}})
        with pytest.raises(Refused, match="type/estate is taken by something different"):
            imported(elsewhere, tmp_path / "e.tar.gz")
        assert [path.name for path in elsewhere.folder.glob("**/*.yaml")] == ["mine.yaml"]

    def test_tables_that_have_rows(self, estate: Estate, elsewhere: Estate, tmp_path: Path) -> None:
        exported(estate, tmp_path / "e.tar.gz")
        imported(elsewhere, tmp_path / "e.tar.gz")
        rows = elsewhere.rows()
        with pytest.raises(Refused, match="estate__thing has rows already"):
            imported(elsewhere, tmp_path / "e.tar.gz")
        assert elsewhere.rows() == rows

    def test_rows_that_do_not_fit_together_are_not_loaded_at_all(
        self, estate: Estate, elsewhere: Estate, tmp_path: Path
    ) -> None:
        exported(estate, tmp_path / "keeper.tar.gz", address="agent/keeper")
        with pytest.raises(Refused, match="do not fit together"):
            imported(elsewhere, tmp_path / "keeper.tar.gz")
        assert elsewhere.rows() == {"part": [], "thing": []}
        assert not elsewhere.pending()

    def test_what_is_not_there_cannot_be_exported(self, estate: Estate, tmp_path: Path) -> None:
        with pytest.raises(NotFound):
            exported(estate, tmp_path / "e.tar.gz", address="type/estat")
        with pytest.raises(UsageError):
            exported(estate, tmp_path / "e.tar.gz", address="policy/default")
        (tmp_path / "there").write_text("mine")
        with pytest.raises(UsageError, match="is there already"):
            exported(estate, tmp_path / "there")
        assert (tmp_path / "there").read_text() == "mine"


class TestRecord:
    def test_both_ends_are_on_record(self, estate: Estate, elsewhere: Estate, tmp_path: Path) -> None:
        exported(estate, tmp_path / "e.tar.gz", reason="moving")
        imported(elsewhere, tmp_path / "e.tar.gz")
        with estate.connect() as here, elsewhere.connect() as there:
            (left, *_), (came, *_) = records.audit_trail(here), records.audit_trail(there)
        assert (left.entry.actor, left.entry.action, left.entry.address) == ("ann", "export", "type/estate")
        assert (left.entry.after, left.entry.reason) == ("sensitive", "moving")
        assert (came.entry.actor, came.entry.action, came.entry.address) == ("ben", "import", "type/estate")

    def test_progress_is_told(self, estate: Estate, tmp_path: Path) -> None:
        told: list[tuple[str, int, int]] = []
        with estate.connect() as connection:
            fill(connection, estate.settings, extra=2500)
        exported(estate, tmp_path / "e.tar.gz", progress=lambda *step: told.append(step))
        assert told
        assert all(done <= total for _, done, total in told)


@pytest.mark.parametrize(
    ("count", "way"),
    [
        (50_000, "out"),
        (50_000, "in"),
        pytest.param(1_000_000, "out", marks=pytest.mark.slow),
        pytest.param(1_000_000, "in", marks=pytest.mark.slow),
    ],
)
def test_many_rows_pass_in_bounded_memory(
    database_url: str, new_database: Callable[[], str], tmp_path: Path, count: int, way: str
) -> None:
    """In a process of its own, whose peak is measured."""
    estate = Estate.settled(database_url, tmp_path / "here")
    with estate.connect() as connection:
        many(connection, count)
        (rows,) = connection.execute("SELECT count(*), max(id) FROM estate__thing")
    path, small = tmp_path / "many.tar.gz", tmp_path / "small.tar.gz"
    if way == "out":
        assert growth("out", estate, path, small) < GROWTH
        return
    exported(estate, path)
    exported(estate, small, address="agent/helper")
    there = Estate(new_database(), tmp_path / "there")
    assert growth("in", there, path, small) < GROWTH
    with there.connect() as connection:
        assert connection.execute("SELECT count(*), max(id) FROM estate__thing") == [rows]


GROWTH = 140
"""MiB. SQLite's own pages are 64 of them; the rows of the small walk as Python has them would be 200."""


def many(connection: Connection, count: int) -> None:
    """So many plain things."""
    numbers = (
        f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
        if connection.dialect == "sqlite"
        else f"WITH n (i) AS (SELECT generate_series(1, {count}))"
    )
    connection.execute(
        f"{numbers} INSERT INTO estate__thing (task_id, agent, type_version, created_at, integer, text, private)"
        " SELECT 'task', 'keeper', '1.0.0', (SELECT min(created_at) FROM estate__thing), i,"
        " 'a text of some length for row number ' || i, 'private ' || i FROM n"
    )


def growth(way: str, estate: Estate, path: Path, small: Path) -> int:
    """MiB by which the process grew."""
    settings = estate.settings
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.mover", way, str(path), str(small)],
        env={
            **os.environ,
            "RECONCILER_SOURCE": settings.source,
            "RECONCILER_DATABASE_URL": settings.database,
            "RECONCILER_ENCRYPTION_KEYS": KEY,
            "RECONCILER_CACHE_DIR": str(settings.cache),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    print(f"{way}: {done.stdout.strip()} MiB")
    return int(done.stdout)
