"""`python -m tests.benchmarks.bare_route PORT`: the least that a FastAPI server can do to answer with 50 rows."""

from __future__ import annotations

import os
import sys

import orjson
import uvicorn
from fastapi import FastAPI, Response
from sqlalchemy import MetaData, Table, create_engine, select

engine = create_engine(f"sqlite:///{os.environ['DATABASE']}")
notes = Table("notes__note", MetaData(), autoload_with=engine)
names = ["id", "task_id", "agent", "created_at", "text", "length"]
query = (
    select(*(notes.c[name] for name in names))
    .where(notes.c.agent == "my-notes", notes.c.deleted_at.is_(None))
    .order_by(notes.c.id.desc())
    .limit(50)
)
app = FastAPI()


@app.get("/rows")
async def rows() -> Response:
    with engine.connect() as connection:
        found = [dict(zip(names, row, strict=True)) for row in connection.execute(query)]
    return Response(orjson.dumps({"items": found}), media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), http="httptools", access_log=False, log_level="warning")
