"""Bounds that hold for every type, with or without a policy: what the rest of the house is built to carry."""

from __future__ import annotations

from reconciler.spec.limits import PolicyLimits

CEILINGS = PolicyLimits(
    timeout=86_400.0,
    memory=8 * 2**30,
    cpu=86_400.0,
    tasks_per_minute=100_000,
    concurrency=1_000,
    output_bytes=64 * 2**20,
    fields=200,
    models=50,
    steps=200,
    nesting=12,
    enum_values=500,
    text_bytes=256 * 2**10,
    indexes=32,
)
"""Durations in seconds, sizes in bytes. A policy may lower them, never raise them."""
