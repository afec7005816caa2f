"""Whatever goes wrong between us and Ollama, as one of our errors that says what to do about it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.errors import (
    BadParameter,
    InvalidOutput,
    ModelMissing,
    Overloaded,
    RunError,
    TimedOut,
    Truncated,
    Unavailable,
)

if TYPE_CHECKING:
    from reconciler.llm.wire import Deadline, Refusal

_TOLD = 300
"""Characters of what a service says that are passed on."""
_OVERLOADED = frozenset({429, 503})
_LATE = frozenset({408, 504})
_NOT_LET_IN = frozenset({401, 403, 407})
_SLOW_HINT = "give the step a longer `timeout`, or ask a smaller model"
_PLACE_HINT = "set RECONCILER_OLLAMA_URL to where Ollama answers"


@dataclass(slots=True)
class Exchange:
    """One request under way: whom it asks for which model (empty where for none), and whether any of the answer has
    come."""

    url: str
    model: str
    deadline: Deadline
    begun: bool = False


@contextmanager
def typed_faults(exchange: Exchange) -> Iterator[None]:
    """Lets nothing out but RunErrors."""
    try:
        yield
    except (RunError, MemoryError):
        raise
    except Exception as error:
        raise _run_error(error, exchange) from error


def _run_error(error: Exception, exchange: Exchange) -> RunError:
    import httpcore
    import ollama

    from reconciler.llm.wire import ANSWER_BYTES, CONNECT_SECONDS, Refusal, RunawayAnswer

    url = exchange.url
    match error:
        case Refusal():
            return _refused(error, exchange)
        case ollama.ResponseError():
            return _told_midway(str(error.error), exchange)
        case httpcore.ConnectTimeout() if exchange.deadline.left > 0:
            return _absent(exchange, f"no connection to {url} within {CONNECT_SECONDS:g} seconds")
        case httpcore.TimeoutException():
            return _late(exchange)
        case httpcore.ConnectError():
            return _absent(exchange, f"no Ollama answers at {url}")
        case RunawayAnswer():
            return InvalidOutput(f"{url} sent more than {ANSWER_BYTES} bytes and was cut off")
        case httpcore.NetworkError() | httpcore.ProtocolError():
            return broken_off(exchange)
        case json.JSONDecodeError() if exchange.begun and error.doc.startswith("{"):
            return broken_off(exchange)  # half a line: ended where Ollama never ends one
        case ValueError() | TypeError() | AttributeError() | KeyError():
            # What the client raises where an answer is no JSON, or JSON of another shape than Ollama's.
            return InvalidOutput(f"what {url} answers is not what Ollama answers", hint=_PLACE_HINT)
        case _:
            return Unavailable(f"{url} cannot be asked: {_short(f'{type(error).__name__}: {error}')}")


def broken_off(exchange: Exchange) -> RunError:
    """The connection, or the stream on it, ended before the answer did."""
    hint = "look into Ollama's log: its model may have run out of memory"
    if exchange.begun:
        return Truncated(f"{exchange.url} broke off in the middle of its answer", hint=hint)
    return Unavailable(f"{exchange.url} closed the connection without an answer", hint=hint)


def _late(exchange: Exchange) -> RunError:
    return TimedOut(
        f"{exchange.url} had not answered in full after {float(exchange.deadline):.3g} s",
        hint=_SLOW_HINT,
    )


def _absent(exchange: Exchange, message: str) -> RunError:
    return Unavailable(message, hint=f"start it with `ollama serve`, or {_PLACE_HINT}")


def _refused(refusal: Refusal, exchange: Exchange) -> RunError:
    status, url = refusal.status, exchange.url
    told = _short(_message(refusal.body)) or f"status {status}"
    if status in _OVERLOADED:
        return _overloaded(told, exchange)
    if status in _LATE:
        return TimedOut(f"{url} gave up waiting for the model: {told}", hint=_SLOW_HINT)
    if status < 400:
        return Unavailable(f"{url} redirects to {_short(refusal.location)}", hint=_PLACE_HINT)
    if status in _NOT_LET_IN:
        return Unavailable(f"{url} does not let us in: {told}", hint="it may want an API key: OLLAMA_API_KEY")
    if status == 404:
        if exchange.model and "page not found" not in told and not told.startswith("<"):
            return _missing(exchange)
        return Unavailable(f"there is something at {url}, but no Ollama: {told}", hint=_PLACE_HINT)
    if status < 500:
        return BadParameter(f"{url} refuses the request: {told}")
    return _told_midway(told, exchange)


def _told_midway(told: str, exchange: Exchange) -> RunError:
    """An error in words alone, without a status that says which kind it is."""
    told = _short(told)
    words = told.lower()
    if "server busy" in words or "overloaded" in words:
        return _overloaded(told, exchange)
    if exchange.model and "model" in words and "not found" in words:
        return _missing(exchange)
    hint = "choose a smaller model" if "memory" in words else "look into Ollama's log"
    return Unavailable(f"{exchange.url} failed: {told}", hint=hint)


def _overloaded(told: str, exchange: Exchange) -> RunError:
    return Overloaded(
        f"{exchange.url} has too much to do: {told}",
        hint="try again later; OLLAMA_NUM_PARALLEL and OLLAMA_MAX_QUEUE say how much it takes on",
    )


def _missing(exchange: Exchange) -> RunError:
    return ModelMissing(
        f"{exchange.url} has no model `{exchange.model}`",
        hint=f"fetch it with `ollama pull {exchange.model}`",
    )


def _message(body: str) -> str:
    """What an error's body says: its `error`, or all of it where it has none."""
    try:
        said = json.loads(body)
    except ValueError:
        return body
    found = said.get("error") if isinstance(said, dict) else None
    return found if isinstance(found, str) else body


def _short(text: str) -> str:
    """On one line, no longer than what is worth passing on, nothing that a terminal would obey."""
    line = "".join(character if character.isprintable() else " " for character in " ".join(text.split()))
    return line if len(line) <= _TOLD else line[: _TOLD - 3] + "..."
