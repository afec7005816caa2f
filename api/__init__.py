"""The REST API: every capability over HTTP. A write is new YAML; nothing here goes round the plan.

    app.py          create_app: routes, middleware, OpenAPI
    serving.py      a server as a process: who may reach it, its first key, its end
    config.py       RECONCILER_API_* environment
    state.py        what a server holds: settings, connections, what answers
    auth.py         who asks: keys, roles, rates, throttling of guesses
    middleware.py   around every request: Host, sizes, times, headers, trace context
    problems.py     errors as RFC 9457 problem details
    conditions.py   ETags, If-Match, idempotency keys
    bodies.py       JSON and YAML manifests with the place of what is wrong in them
    writing.py      a wish -> YAML in the source -> applied, or a branch
    filters.py      the query language of results
    paging.py       lists made in memory, in pages
    operations.py   long work; `streaming` and `watching` tell of it, and of tasks, live
    openapi.py      the document, with roles and every failure; `routing` knows the routes
    routes/         a module per noun
    frontend/       the TypeScript package; `sdk` puts the types of an instance into it

What does not belong: decisions. A route reads the request, asks `control`, `execution`, `agents` or `builder`, and
writes the answer.
"""
