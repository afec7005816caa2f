"""Doors that lead nowhere, and remember who tried them: fallbacks and called agents have no mocks of their own."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence

from reconciler.errors import Denied
from reconciler.llm.provider import ChatReply, ChatRequest
from reconciler.tools.egress import Network


class NoNetwork(Network):
    """`tried` are the places (`host:port`) that something wanted to reach."""

    def __init__(self) -> None:
        super().__init__()
        self.tried: list[str] = []

    def connect(self, host: str, port: int, granted: Sequence[str], *, timeout: float) -> socket.socket:
        self.tried.append(f"{host}:{port}")
        raise Denied(f"a manifest's test has no network, and nobody at {host}:{port}")


class NoModel:
    """A provider without models; `tried` are the ones that something wanted to ask."""

    def __init__(self) -> None:
        self.tried: list[str] = []

    def chat(self, request: ChatRequest) -> ChatReply:
        raise self._refusal(request.model)

    def stream(self, request: ChatRequest) -> Iterator[str | ChatReply]:
        raise self._refusal(request.model)

    def embed(self, model: str, texts: Sequence[str], *, timeout: float) -> list[list[float]]:
        raise self._refusal(model)

    def models(self, *, timeout: float) -> list[str]:
        return []

    def _refusal(self, model: str) -> Denied:
        self.tried.append(model)
        return Denied(f"a manifest's test has no language model, and no {model}")
