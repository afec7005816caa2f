"""The same job for Celery and for huey, both on Redis: an input validated by pydantic, stored as one row in SQLite that
is durable before the job counts as done.

`python peer_jobs.py celery|huey COUNT` starts a worker of two processes, gives it so many jobs, and prints the seconds
from the first submission to the last row. Imports nothing of the product. JOBS_DATABASE and JOBS_REDIS say where.
"""

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from pydantic import BaseModel, Field

HERE = Path(__file__)
DATABASE = os.environ["JOBS_DATABASE"]
REDIS = os.environ["JOBS_REDIS"]
WARMING = 40
PATIENCE = 120.0


class Entry(BaseModel):
    number: int = Field(ge=0)
    text: str = Field(max_length=100)


def connect():
    connection = sqlite3.connect(DATABASE, timeout=10, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


_connection = None


def store(given):
    """The job. One connection for each process, one durable transaction for each row."""
    global _connection
    if _connection is None:
        _connection = connect()
    entry = Entry.model_validate(given)
    _connection.execute("INSERT INTO entry (number, text) VALUES (?, ?)", (entry.number, entry.text))


if os.environ.get("JOBS_PEER") == "celery":
    from celery import Celery

    app = Celery("peer_jobs", broker=REDIS)
    app.conf.update(task_acks_late=True, task_ignore_result=True, broker_connection_retry_on_startup=True)
    job = app.task(store, name="store")
    send = job.delay
    WORKER = [sys.executable, "-m", "celery", "-A", "peer_jobs", "worker", "--concurrency=2"]
    WORKER += ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=ERROR"]
elif os.environ.get("JOBS_PEER") == "huey":
    from huey import RedisHuey

    queue = RedisHuey("peer_jobs", url=REDIS, results=False)
    send = queue.task()(store)
    WORKER = [sys.executable, "-m", "huey.bin.huey_consumer", "peer_jobs.queue"]
    WORKER += ["--workers=2", "--worker-type=process", "--quiet"]


def main():
    peer, count = sys.argv[1], int(sys.argv[2])
    os.environ["JOBS_PEER"] = peer
    # The worker imports this file by its name, and so must who submits.
    sys.path.insert(0, str(HERE.parent))
    import peer_jobs

    connection = connect()
    connection.execute(
        "CREATE TABLE entry (id INTEGER PRIMARY KEY, number INTEGER NOT NULL, text TEXT NOT NULL)"
    )
    worker = subprocess.Popen(
        peer_jobs.WORKER, cwd=HERE.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        submit(peer_jobs.send, WARMING)
        until(connection, WARMING)
        time.sleep(0.5)
        began = time.perf_counter()
        submit(peer_jobs.send, count)
        until(connection, WARMING + count)
        print(f"{time.perf_counter() - began:.6f}")
    finally:
        worker.terminate()
        worker.wait()


def submit(send, count):
    for number in range(count):
        send({"number": number, "text": f"entry {number}"})


def until(connection, count):
    end = time.monotonic() + PATIENCE
    while connection.execute("SELECT count(*) FROM entry").fetchone() != (count,):
        if time.monotonic() > end:
            raise SystemExit("the jobs do not come to their end")
        time.sleep(0.005)


if __name__ == "__main__":
    main()
