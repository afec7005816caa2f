"""The catalog: the tables in which the reconciler remembers what it has applied.

This MetaData is the truth; the revisions in `migrations/` lead to it, which a test holds. The control plane
reads and writes the catalog by plain SQL (`records`); the data plane and Alembic use the tables here.

Times are text, ISO 8601 in UTC with microseconds and a `Z`, on both dialects: such texts sort as times do,
and one format means that no driver's conversion can make the two databases differ. Specs and definitions are
canonical JSON as text: their digests are digests of these very bytes, which `jsonb` would not keep.

It is one long file on purpose: a list of tables under headings, none of which does anything, read as a whole beside
the revisions.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table, Text, text

METADATA = MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "ix": "ix_%(table_name)s_%(column_0_N_name)s"}
)

NUMBER = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only where the type is spelled INTEGER."""
DIGEST = String(64)
NAME = String(63)
ADDRESS = Text()
STATE = String(12)
TIME = String(32)


def _required(name: str, type_: String | Text | Boolean | BigInteger) -> Column[object]:
    return Column(name, type_, nullable=False)


def _where(name: str, condition: str, *columns: str) -> Index:
    """An index over the rows that meet a condition; `uq_` in front: unique among them."""
    some = text(condition)
    return Index(name, *columns, unique=name.startswith("uq_"), sqlite_where=some, postgresql_where=some)


# --- what is live ---------------------------------------------------------------------------------

agent_types = Table(
    "agent_types",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    _required("name", NAME),
    _required("version", String(20)),
    _required("digest", DIGEST),
    _required("spec", Text()),
    _required("status", STATE),
    _required("current", Boolean()),
    Column("deprecated", Text),
    Column("sunset", TIME),
    _required("registered_at", TIME),
    _required("revision", NUMBER),
    Index("uq_agent_types_name_digest", "name", "digest", unique=True),
    _where("uq_agent_types_current", "current", "name"),
)
"""Every version ever registered. `status` is active, deprecated or retired; one row of each live type is
current. `deprecated` says why and what to use instead."""

agents = Table(
    "agents",
    METADATA,
    Column("name", NAME, primary_key=True),
    _required("type", NAME),
    _required("digest", DIGEST),
    _required("spec", Text()),
    _required("enabled", Boolean()),
    _required("deployed_at", TIME),
    _required("revision", NUMBER),
    Column("deleted_at", TIME),
    Index(None, "type"),
)
"""The newest deployment of each agent; one that was removed keeps its row, with `deleted_at`."""

policies = Table(
    "policies",
    METADATA,
    Column("name", NAME, primary_key=True),
    _required("digest", DIGEST),
    _required("spec", Text()),
    _required("revision", NUMBER),
)

dynamic_tables = Table(
    "dynamic_tables",
    METADATA,
    Column("name", NAME, primary_key=True),
    _required("owner", NAME),
    _required("model", NAME),
    _required("definition", Text()),
    _required("digest", DIGEST),
    _required("observed", Text()),
    _required("fingerprint", DIGEST),
    _required("status", STATE),
    _required("revision", NUMBER),
    Index(None, "owner"),
)
"""One row per table made from a model. `definition` is what was asked for, `observed` the database's own
description of what it made of it, `fingerprint` the digest of that; `status` is live or retained."""

archives = Table(
    "archives",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    _required("kind", STATE),
    _required("owner", NAME),
    _required("table_name", NAME),
    Column("column_name", NAME),
    _required("stored_as", NAME),
    _required("definition", Text()),
    _required("revision", NUMBER),
    _required("row_count", NUMBER),
    _required("archived_at", TIME),
    Column("purge_after", TIME),
    Column("restored_revision", NUMBER),
    Column("purged_at", TIME),
    Column("became", Text()),
    Index(None, "table_name"),
)
"""Parked tables and columns (`kind`), and what became of them: nothing yet, restored, or purged. Where a column's
values were converted as far as they fit, `became` is the definition of the column that took them."""


# --- what happened --------------------------------------------------------------------------------

revisions = Table(
    "revisions",
    METADATA,
    Column("number", NUMBER, primary_key=True, autoincrement=False),
    _required("plan_id", DIGEST),
    Column("parent", NUMBER),
    _required("state", STATE),
    _required("desired_digest", DIGEST),
    _required("source", Text()),
    _required("source_commit", DIGEST),
    _required("actor", Text()),
    _required("reason", Text()),
    _required("started_at", TIME),
    Column("finished_at", TIME),
    _required("summary", Text()),
)
"""One row per apply. `state` is applying, applied, partial, failed or interrupted."""

revision_units = Table(
    "revision_units",
    METADATA,
    Column("revision", NUMBER, primary_key=True, autoincrement=False),
    Column("position", NUMBER, primary_key=True, autoincrement=False),
    _required("name", ADDRESS),
    _required("state", STATE),
    _required("changes", Text()),
    _required("sql_up", Text()),
    _required("error", Text()),
)
"""The units of a revision in their order. `state` is pending, applied or failed."""

revision_objects = Table(
    "revision_objects",
    METADATA,
    Column("revision", NUMBER, primary_key=True, autoincrement=False),
    Column("address", ADDRESS, primary_key=True),
    Column("digest", DIGEST),
)
"""What a revision set, and with a NULL digest what it removed. The state at a revision is the newest row of
each address up to it."""

spec_store = Table(
    "spec_store",
    METADATA,
    Column("digest", DIGEST, primary_key=True),
    _required("kind", STATE),
    _required("spec", Text()),
)
"""Every spec that ever was live, by its digest: what a rollback reads."""

audit = Table(
    "audit",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    _required("at", TIME),
    _required("actor", Text()),
    _required("action", NAME),
    _required("address", ADDRESS),
    _required("before", Text()),
    _required("after", Text()),
    _required("reason", Text()),
    _required("previous_hash", DIGEST),
    _required("hash", DIGEST),
)
"""Who did what. Each row's hash covers the one before it, so that a row cannot be altered unnoticed; `catalog_meta`
keeps how many there are and the newest hash, so that none can be cut off at the end."""

deletions = Table(
    "deletions",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    _required("address", ADDRESS),
    _required("mode", STATE),
    _required("state", STATE),
    _required("digest", DIGEST),
    _required("ordered_at", TIME),
    _required("actor", Text()),
    _required("reason", Text()),
    Column("revision", NUMBER),
    _where("uq_deletions_open", "state IN ('ordered', 'removed')", "address"),
)
"""How somebody who deletes an object wants it deleted. `mode` is soft, hard or purge. `state` is ordered until the
object with this `digest` has left the source and an apply, in `revision`, has taken it out of service; then removed
until nothing of it is left to be done; then done. One that was taken back is withdrawn."""


# --- what coordinates -----------------------------------------------------------------------------

catalog_meta = Table(
    "catalog_meta", METADATA, Column("key", NAME, primary_key=True), _required("value", Text())
)
"""`revision`, `fingerprint` and `generation`, which changes whenever an apply has written anything; `audit`: how many
rows that has and the hash of the newest."""

leases = Table(
    "leases",
    METADATA,
    Column("name", NAME, primary_key=True),
    _required("holder", Text()),
    _required("token", NUMBER),
    _required("acquired_at", TIME),
    _required("expires_at", TIME),
    _required("evidence", Text()),
)
"""Rows are kept when a lease is released (with an empty holder), as `token` must never fall."""

agent_builder_sessions = Table(
    "agent_builder_sessions",
    METADATA,
    Column("id", String(36), primary_key=True),
    _required("state", NAME),
    Column("template", NAME),
    _required("owner", Text()),
    _required("messages", Text()),
    _required("requirements", Text()),
    _required("drafts", Text()),
    _required("created_at", TIME),
    _required("updated_at", TIME),
    _required("expires_at", TIME),
    _required("version", NUMBER),
    Index(None, "expires_at"),
)
"""Conversations with the builder. `version` counts writes, so that of two at once the second notices."""


# --- what runs ------------------------------------------------------------------------------------

tasks = Table(
    "tasks",
    METADATA,
    Column("id", String(36), primary_key=True),
    _required("agent", NAME),
    _required("kind", STATE),
    _required("type", NAME),
    _required("type_version", String(20)),
    _required("state", STATE),
    _required("input", Text()),
    _required("settings", Text()),
    Column("output", Text),
    Column("trace", Text),
    Column("idempotency_key", Text),
    _required("submitted_at", TIME),
    _required("not_before", TIME),
    Column("started_at", TIME),
    Column("finished_at", TIME),
    Column("worker", Text),
    _required("token", NUMBER),
    Column("expires_at", TIME),
    _required("attempts", NUMBER),
    _required("max_attempts", NUMBER),
    Column("cancel_requested", Text),
    Column("error_code", NAME),
    Column("error_message", Text),
    Column("error_where", Text),
    Column("error_hint", Text),
    _required("revision", NUMBER),
    _required("manifest_digest", DIGEST),
    _required("prompt_digest", DIGEST),
    _required("model", Text()),
    _required("tokens", NUMBER),
    _required("origin", Text()),
    _required("actor", Text()),
    Index("ix_tasks_agent_id", "agent", "id"),
    _where("uq_tasks_agent_idempotency_key", "idempotency_key IS NOT NULL", "agent", "idempotency_key"),
    _where("ix_tasks_pending", "state = 'pending'", "agent", "not_before"),
    _where("ix_tasks_running", "state = 'running'", "agent", "expires_at"),
    _where("ix_tasks_unsuccessful", "state IN ('failed', 'cancelled', 'dead_letter')", "state", "id"),
)
"""One row per task. `id` is a UUIDv7, so that ids sort as the tasks came. `kind` is dynamic or static; `type`,
`type_version`, `revision` and `manifest_digest` (of the type, to be found in `spec_store`) are those of the newest
claim. `worker`, `token` and `expires_at` are that claim: the token grows with each, and who no longer has the newest
writes nothing. `attempts` counts claims, `cancel_requested` says who wants a running task cancelled and why, `origin`
where it came from (`cli`, `schedule`, ...). Input, settings, output and trace are JSON.

What is waiting and what is running has an index each, which no task stays in; the third is for those who look after
what went wrong."""

schedules = Table(
    "schedules",
    METADATA,
    Column("agent", NAME, primary_key=True),
    _required("schedule", Text()),
    Column("last_fired", TIME),
    _required("next_due", TIME),
    Index(None, "next_due"),
)
"""What the scheduler remembers. `schedule` is the cron expression and zone that `next_due` was reckoned by: where an
agent has another one by now, it is reckoned anew."""

security_incidents = Table(
    "security_incidents",
    METADATA,
    Column("id", NUMBER, primary_key=True),
    _required("at", TIME),
    _required("severity", STATE),
    _required("kind", NAME),
    _required("agent", NAME),
    _required("type", NAME),
    Column("task_id", String(36)),
    _required("evidence", Text()),
    _required("worker", Text()),
    Index(None, "agent", "at"),
)
"""Violations seen while tasks ran; `evidence` is JSON and holds no value of a row or secret."""

agent_holds = Table(
    "agent_holds",
    METADATA,
    Column("agent", NAME, primary_key=True),
    _required("held_at", TIME),
    _required("held_by", Text()),
    _required("reason", Text()),
)
"""Agents that run no tasks whatever their manifests say: stopped by an operator, or by incidents. Whoever lifts the
hold deletes the row; the audit keeps both."""

key_rotations = Table(
    "key_rotations",
    METADATA,
    Column("key_id", String(32), primary_key=True),
    Column("stored_as", NAME, primary_key=True),
    _required("after_id", NUMBER),
)
"""How far a rotation of encryption keys has come: in each table all rows up to `after_id` are under `key_id`."""

workers = Table(
    "workers",
    METADATA,
    Column("id", String(100), primary_key=True),
    _required("host", Text()),
    _required("pid", NUMBER),
    _required("kind", STATE),
    _required("started_at", TIME),
    _required("seen_at", TIME),
    _required("capacity", NUMBER),
    Index(None, "seen_at"),
)
"""Who works the queue. `kind` is the executor, `capacity` how many tasks it runs at a time."""

rate_counts = Table(
    "rate_counts",
    METADATA,
    Column("name", String(200), primary_key=True),
    Column("bucket", NUMBER, primary_key=True, autoincrement=False),
    _required("count", NUMBER),
)
"""How often something happened lately, by short stretches of time: what the rates of agents and grants are held
against, by all processes alike."""

# --- what a controller tells --------------------------------------------------------------------------------

object_conditions = Table(
    "object_conditions",
    METADATA,
    Column("address", ADDRESS, primary_key=True),
    _required("condition", STATE),
    _required("reason", NAME),
    _required("message", Text()),
    _required("sync", STATE),
    _required("health", STATE),
    _required("generation", DIGEST),
    _required("revision", NUMBER),
    _required("source_commit", DIGEST),
    _required("since", TIME),
)
"""What the newest pass found of each object, and of the source as a whole (`source`). `generation` is the digest of
what is wanted there; `revision` and `source_commit` are those the pass saw; `since` is when the row last said
something else."""

suspensions = Table(
    "suspensions",
    METADATA,
    Column("address", ADDRESS, primary_key=True),
    _required("reason", Text()),
    _required("owner", Text()),
    _required("since", TIME),
    Column("until", TIME),
)
"""Objects that no apply touches, `*` for all of them; without `until`, until somebody resumes them."""

drift_sightings = Table(
    "drift_sightings",
    METADATA,
    Column("address", ADDRESS, primary_key=True),
    Column("recorded", Text),
    Column("live", Text),
    _required("first_seen", TIME),
    _required("treatment", STATE),
)
"""Drift that is there now. `treatment` is heal or report: what policies say of it."""

# --- who asks over HTTP ------------------------------------------------------------------------------------

api_keys = Table(
    "api_keys",
    METADATA,
    Column("id", String(24), primary_key=True),
    _required("name", Text()),
    _required("role", STATE),
    _required("hash", DIGEST),
    _required("created_at", TIME),
    _required("created_by", Text()),
    Column("expires_at", TIME),
    Column("last_used_at", TIME),
    Column("revoked_at", TIME),
)
"""Keys of the API. `id` is the part of a key that may be shown; of the rest only a keyed hash is kept."""

operations = Table(
    "operations",
    METADATA,
    Column("id", String(36), primary_key=True),
    _required("kind", NAME),
    _required("state", STATE),
    _required("actor", Text()),
    _required("submitted_at", TIME),
    Column("finished_at", TIME),
    _required("request", Text()),
    Column("result", Text),
)
"""Long work asked for over HTTP. `state` is running, succeeded, failed or interrupted; `request` and `result` are
JSON."""

kept_replies = Table(
    "kept_replies",
    METADATA,
    Column("caller", String(24), primary_key=True),
    Column("idempotency_key", String(200), primary_key=True),
    _required("request_digest", DIGEST),
    Column("status", NUMBER),
    Column("headers", Text),
    Column("body", Text),
    _required("at", TIME),
    Index(None, "at"),
)
"""Answers to requests with an idempotency key, to be given again; without a `status` the first is still being made."""
