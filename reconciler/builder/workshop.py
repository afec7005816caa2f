"""Slots -> documents -> every check there is. The very reader, links, policies, plan and tests that a person's own
manifests pass; a draft that fails one is not offered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.builder import bounds, refusing
from reconciler.builder.existing import bumped, documents_of, file_changes
from reconciler.builder.session import Session
from reconciler.builder.slots import effective
from reconciler.builder.templates import change
from reconciler.builder.templates.template import Document, Template
from reconciler.builder.views import Source as SlotSource
from reconciler.errors import ManifestsInvalid, Problem, ReconcilerError, UsageError
from reconciler.manifests.cache import Cache, cache_folder
from reconciler.manifests.load import cache_key, load
from reconciler.manifests.overlay import Overlay
from reconciler.manifests.sources import MemorySource, Source

if TYPE_CHECKING:
    from reconciler.agents.rehearsal import Rehearsal
    from reconciler.control.proposals import FileChange, Proposal, Proposed, Writer
    from reconciler.control.reconciler import Reconciler
    from reconciler.manifests.compiled import Loaded
    from reconciler.manifests.pinned import Pinned
    from reconciler.plans.plan import Plan
    from reconciler.settings import Settings
    from reconciler.spec.agent_type import AgentType

OpenReconciler = Callable[["Callable[[bool], Loaded]"], "Reconciler"]
"""A Reconciler over what its argument loads, on the database of the settings; it writes nothing."""


@dataclass(frozen=True)
class Draft:
    """`problems` are those that the draft brings; `refused` the slots whose values a check did not take, with the
    reason. `changed` are the addresses that differ from the source. Of the edits of an existing type `left_out` says
    why some do not fit, `kept_edits` are the others."""

    documents: tuple[Document, ...] = ()
    yaml: str = ""
    changes: tuple[FileChange, ...] = ()
    changed: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    rehearsals: tuple[Rehearsal, ...] = ()
    plan: Plan | None = None
    refused: Mapping[str, str] | None = None
    left_out: tuple[str, ...] = ()
    kept_edits: tuple[Mapping[str, Any], ...] | None = None
    loaded: Loaded | None = None

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def sound(self) -> bool:
        """Whether every check has passed."""
        return bool(self.changes) and not self.errors and all(r.passed for r in self.rehearsals)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.yaml.encode()).hexdigest()[:16]

    @property
    def types(self) -> tuple[AgentType, ...]:
        """The types among the documents, as far as they are sound."""
        state = self.loaded.state if self.loaded else None
        names = [d["metadata"]["name"] for d in self.documents if d["kind"] == "AgentType"]
        found = (state.agent_type(name) for name in names) if state else ()
        return tuple(agent_type for agent_type in found if agent_type is not None)


class Workshop:
    """Over one source and one database. Holds nothing open."""

    def __init__(
        self,
        settings: Settings,
        *,
        pinned: Pinned,
        open_source: Callable[[], Source],
        open_writer: Callable[[], Writer],
        open_reconciler: OpenReconciler,
    ) -> None:
        self._settings, self._pinned = settings, pinned
        self._open_source, self._open_writer = open_source, open_writer
        self._open_reconciler = open_reconciler

    # --- what there is --------------------------------------------------------------------------------------

    def loaded(self) -> Loaded:
        """What the source says now. A folder that is not there yet holds nothing. Raises SourceError."""
        return self._load(self._source())

    def type_names(self) -> list[str]:
        entries = self.loaded().state.entries
        return [address.removeprefix("type/") for address in entries if address.startswith("type/")]

    def writer(self) -> Writer:
        """What proposals go through; it makes a folder that is not there yet."""
        if self._missing_folder():
            Path(self._settings.source).mkdir(parents=True)
        return self._open_writer()

    # --- drafts ---------------------------------------------------------------------------------------------

    def draft(self, session: Session, template: Template, *, with_plan: bool = False) -> Draft:
        """The draft that the session comes to, checked. Raises SourceError; what is wrong with the draft itself is
        among its problems."""
        base = self.loaded()
        values = effective(template.slots, session.slots)
        left_out: list[str] = []
        try:
            values, refused = self._named(session, template, values, base)
            documents = self._composed(template, values, base, left_out)
        except (UsageError, ManifestsInvalid) as error:
            reason = f"{error.message[:1].upper()}{error.message[1:]}. {error.hint}".strip()
            slot = "type" if template.name == change.NAME else template.slots[0].name
            return Draft(problems=(Problem("draft", error.message, hint=error.hint),), refused={slot: reason})
        kept = tuple(values.get("edits") or ()) if template.name == change.NAME else None
        if kept == ():
            return Draft(left_out=tuple(left_out), kept_edits=())
        changes, changed, yaml = file_changes(documents, base.state, self._reading_writer())
        loaded = self._load(Overlay(self._source(), {change.path: change.content for change in changes}))
        problems = _brought(base.problems, loaded.problems, {change.path for change in changes})
        draft = Draft(
            tuple(documents),
            yaml,
            changes,
            changed,
            problems,
            left_out=tuple(left_out),
            kept_edits=kept,
            loaded=loaded,
        )
        refused = {**refusing.refused_slots(draft.errors, template, values), **refused}
        draft = replace(draft, refused=refused)
        if draft.errors or refused:
            return draft
        rehearsals = self._rehearsed(draft)
        return replace(draft, rehearsals=rehearsals, plan=self._plan(loaded) if with_plan else None)

    def summary_documents(self, session: Session, template: Template) -> list[Document]:
        """The documents as far as the slots go, unchecked; none while something that is needed is missing."""
        values = effective(template.slots, session.slots)
        needed = [s.name for s in template.slots if s.needed and s.asked_if(values) and s.name not in values]
        if needed or template.name == change.NAME:
            return []
        try:
            return template.documents(values)
        except UsageError:
            return []

    def _named(
        self, session: Session, template: Template, values: dict[str, Any], base: Loaded
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """The values with a name that is free, or the reason why the name that was asked for is not."""
        if "name" not in values:
            return values, {}
        taken = {*base.state.entries, *base.state.held}
        name = values["name"]
        if not {f"type/{name}", f"agent/{name}"} & taken:
            return values, {}
        slot = session.slots.get("name")
        if slot is not None and slot.source is SlotSource.SAID:
            return values, {"name": f"There is a {name} already; to change it, begin with `change {name}`."}
        number = 2
        while {f"type/{name}-{number}", f"agent/{name}-{number}"} & taken:
            number += 1
        return {**values, "name": f"{name[:36]}-{number}"}, {}

    def _composed(
        self, template: Template, values: dict[str, Any], base: Loaded, left_out: list[str]
    ) -> list[Document]:
        """Takes edits that do not fit out of the values, and says why in `left_out`. Raises UsageError."""
        policies = [*base.state.policies(), *self._pinned.now().policies]
        if template.name != change.NAME:
            return [bounds.tightened(document, policies) for document in template.documents(values)]
        before = documents_of(values.get("type", ""), base.state, self._reading_writer())
        documents = before
        fitting: list[Mapping[str, Any]] = []
        for edit in values.get("edits") or ():
            try:
                documents = template.documents({**values, "edits": [edit], change.EXISTING: documents})
                fitting.append(edit)
            except UsageError as error:
                left_out.append(f"{error.message[:1].upper()}{error.message[1:]}. {error.hint}".strip())
        values["edits"] = fitting
        return bumped(before, documents)

    def _rehearsed(self, draft: Draft) -> tuple[Rehearsal, ...]:
        from reconciler.agents.rehearsal import rehearse
        from reconciler.tools.registry import builtin_registry

        assert draft.loaded is not None
        state = draft.loaded.state
        return tuple(
            rehearse(agent_type, builtin_registry(), lambda a: state.spec(a) if a in state.entries else None)
            for agent_type in draft.types
        )

    def _plan(self, loaded: Loaded) -> Plan:
        with self._open_reconciler(lambda use_cache: loaded) as reconciler:
            return reconciler.plan(use_cache=False)

    # --- sources --------------------------------------------------------------------------------------------

    def _source(self) -> Source:
        return MemorySource({}) if self._missing_folder() else self._open_source()

    def _reading_writer(self) -> Writer:
        return _NoFolder() if self._missing_folder() else self._open_writer()

    def _missing_folder(self) -> bool:
        source = self._settings.source
        return not source.startswith("git+") and not Path(source).exists()

    def _load(self, source: Source) -> Loaded:
        pinned = self._pinned.now()
        cache = Cache(cache_folder(self._settings.cache), cache_key(source, pinned))
        return load(source, cache, pinned)


class _NoFolder:
    """What can be read where nothing is."""

    def read(self, path: str) -> bytes | None:
        return None

    def paths(self) -> Iterator[str]:
        return iter(())

    def propose(self, proposal: Proposal) -> Proposed:
        raise ReconcilerError("the folder of the manifests is not there")


def _brought(
    before: Sequence[Problem], after: Sequence[Problem], files: Collection[str]
) -> tuple[Problem, ...]:
    """The problems of these files, and the errors that others have only now."""
    known = {(problem.code, problem.message, problem.file) for problem in before}
    return tuple(
        problem
        for problem in after
        if problem.file in files
        or (problem.severity == "error" and (problem.code, problem.message, problem.file) not in known)
    )
