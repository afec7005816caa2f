"""Incidents: what a task did that no task should, and how its process ended because of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class IncidentKind(StrEnum):
    TIMEOUT = "timeout"
    """It went on past its time limit, though told to stop."""
    MEMORY = "memory"
    CPU = "cpu"
    CRASH = "crash"
    """Its process died."""
    OUTPUT = "output"
    """It flooded its standard output, or its result is too large."""
    PROTOCOL = "protocol"
    """It sent its worker what is no message, or a message it may not send."""
    PROCESS = "process"
    """It tried to start another process, or to signal one."""
    FILES = "files"
    """It tried to read or write outside of its folder."""
    NETWORK = "network"
    """It tried to reach the network without the one that its grants bound."""
    DISK = "disk"
    """It wrote more into its folder than it may."""
    WRITE = "write"
    """It asked for rows to be written that its type does not have."""
    DENIED = "denied"
    """It called a tool, or reached for a host, a recipient, a table or a secret, beyond what is granted."""


CRITICAL = frozenset(
    {
        IncidentKind.PROTOCOL,
        IncidentKind.PROCESS,
        IncidentKind.FILES,
        IncidentKind.NETWORK,
        IncidentKind.WRITE,
    }
)
"""What no honest task does; the others come to limits, as tasks may."""


@dataclass(frozen=True, slots=True)
class Incident:
    """`detail` is one line for people; it never quotes what a task was given or said."""

    kind: IncidentKind
    detail: str
