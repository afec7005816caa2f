"""email_connector: sends mail to granted recipients, and reads mailboxes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from reconciler.errors import BadParameter, Conflict
from reconciler.tools.declarations.mail import EMAIL_CONNECTOR
from reconciler.tools.mail.endpoint import endpoint_of, login_of
from reconciler.tools.mail.imap import Criterion, Mailbox, opened
from reconciler.tools.mail.imap_answers import Found
from reconciler.tools.mail.imap_syntax import day, number_set
from reconciler.tools.mail.incoming import AttachmentBudget, read_headers, read_message, received
from reconciler.tools.mail.letter import letter_of
from reconciler.tools.mail.smtp import deliver
from reconciler.tools.tool import Tool, ToolContext

_WITHOUT_ATTACHMENTS = 2 << 20
"""Bytes of a message that are fetched where only its text is wanted, which comes first."""

_AROUND = 2 << 20
"""Bytes of a message besides its attachments, which are a third longer on the way than they are."""


class EmailConnector(Tool):
    """Sending is an effect outside, before the task's commit, and at least once: see the declaration."""

    declaration = EMAIL_CONNECTOR
    honours_deadline = True

    def execute(self, context: ToolContext, params: Mapping[str, Any]) -> dict[str, Any]:
        match params["action"]:
            case "send":
                return _send(context, params)
            case "search":
                return _search(context, params)
            case "fetch":
                return self._fetch(context, params)
            case _:
                return _mark(context, params)

    def _fetch(self, context: ToolContext, params: Mapping[str, Any]) -> dict[str, Any]:
        contents = params["with_attachments"]
        budget = AttachmentBudget(
            contents,
            params["max_attachments"],
            params["max_attachment_bytes"],
            params["max_total_bytes"],
        )
        most = params["max_total_bytes"] * 4 // 3 + _AROUND if contents else _WITHOUT_ATTACHMENTS

        def reduce(page: str) -> str:
            return str(self.dependencies["html_to_text"].execute(context, {"html": page})["text"])

        with _opened(context, params) as mailbox:
            mailbox.select(writable=params["mark_seen"])
            uids, more = _chosen(mailbox, params)
            described = mailbox.describe(uids)
            messages = []
            for uid, raw in mailbox.messages(
                {uid: described[uid].size for uid in uids if uid in described}, most
            ):
                context.remaining()
                found = described[uid]
                read = read_message(raw, budget, reduce, cut=len(raw) < found.size)
                messages.append({**_position(found), **read})
            if params["mark_seen"] and messages:
                mailbox.mark([message["uid"] for message in messages], r"\Seen", True)
            return _found(mailbox, messages, more, uids)


def _send(context: ToolContext, params: Mapping[str, Any]) -> dict[str, Any]:
    letter = letter_of(context, params)
    deliver(context, endpoint_of(context, params, "smtp"), login_of(context, params), letter)
    return {"sent": True, "message_id": letter.message_id}


def _search(context: ToolContext, params: Mapping[str, Any]) -> dict[str, Any]:
    with _opened(context, params) as mailbox:
        mailbox.select(writable=False)
        uids, more = _chosen(mailbox, params)
        described = mailbox.describe(uids)
        messages = [
            {**_position(described[uid]), **read_headers(raw)}
            for uid, raw in mailbox.headers(uids)
            if uid in described
        ]
        return _found(mailbox, messages, more, uids)


def _mark(context: ToolContext, params: Mapping[str, Any]) -> dict[str, Any]:
    wanted = set(params.get("uids") or ())
    if any(not 0 < uid < 1 << 32 for uid in wanted):
        raise BadParameter("no `uid` of a message", where=f"{context.step}/with/uids")
    if not wanted:
        return {"count": 0}
    with _opened(context, params) as mailbox:
        mailbox.select(writable=True)
        if params.get("uid_validity") not in (None, mailbox.validity):
            raise Conflict(
                f"the mailbox `{params['mailbox']}` has numbered its messages anew",
                where=f"{context.step}/with/uids",
                hint="search for them again",
            )
        uids = mailbox.search([Criterion(f"UID {number_set(sorted(wanted))}")])
        for name, flag in (("seen", r"\Seen"), ("flagged", r"\Flagged")):
            if uids and params.get(name) is not None:
                mailbox.mark(uids, flag, params[name])
        if uids and params.get("move_to") is not None:
            mailbox.move(uids, params["move_to"])
        return {"count": len(uids)}


def _opened(context: ToolContext, params: Mapping[str, Any]) -> Any:
    for name in ("mailbox", "move_to", "from", "subject"):
        if any(ord(character) < 32 for character in params.get(name) or ""):
            raise BadParameter("a line end or control character", where=f"{context.step}/with/{name}")
    return opened(context, endpoint_of(context, params, "imap"), login_of(context, params), params["mailbox"])


def _chosen(mailbox: Mailbox, params: Mapping[str, Any]) -> tuple[list[int], bool]:
    """UIDs of the messages that are wanted, in the order asked for, and whether there are more of them."""
    after = params.get("after_uid") or 0
    # `7:*` finds the last message even where that is the sixth, hence the second look.
    uids = [uid for uid in mailbox.search(_criteria(params, after)) if uid > after]
    if params["order"] == "newest":
        uids.reverse()
    return uids[: params["limit"]], len(uids) > params["limit"]


def _criteria(params: Mapping[str, Any], after: int) -> list[Criterion]:
    criteria = [Criterion("UNSEEN")] if params["unseen"] else []
    if params.get("since") is not None:
        criteria.append(Criterion(f"SINCE {day(date.fromisoformat(params['since']))}"))
    if after:
        criteria.append(Criterion(f"UID {after + 1}:*"))
    return criteria + [
        Criterion(name.upper(), text) for name in ("from", "subject") if (text := params.get(name))
    ]


def _position(found: Found) -> dict[str, Any]:
    return {
        "uid": found.uid,
        "received_at": received(found.arrived),
        "size": found.size,
        "seen": r"\seen" in found.flags,
        "flagged": r"\flagged" in found.flags,
    }


def _found(
    mailbox: Mailbox, messages: list[dict[str, Any]], more: bool, order: Sequence[int]
) -> dict[str, Any]:
    """A server answers in an order of its own."""
    place = {uid: position for position, uid in enumerate(order)}
    messages.sort(key=lambda message: place[message["uid"]])
    return {
        "count": len(messages),
        "more": more,
        "uid_validity": mailbox.validity,
        "messages": messages,
    }
