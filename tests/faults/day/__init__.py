"""A simulated day: everybody works at once, everything breaks, and in the evening every promise is audited.

    python -m tests.faults.day pool-sqlite --minutes 10
    python -m tests.faults.day celery-postgresql --minutes 10

Authors commit manifests, sound and broken. Two controllers reconcile, two API servers serve, two workers work, builder
sessions are held. One of each two is shot at; the other one lives through the whole day, so that its memory and its
open files can be watched. `residents` has the processes, `people` those who use them, `mishaps` what happens to them,
`audit` what must be true in the end.
"""
