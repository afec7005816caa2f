"""The REST API: every capability over HTTP. A write is new YAML; nothing here goes round the plan.

    app.py          create_app: routes, middleware, OpenAPI
    state.py        what a server holds: settings, connections, keys
    auth.py         who asks: keys, roles, throttling of guesses
    problems.py     errors as RFC 9457 problem details
    bodies.py       JSON and YAML bodies with the place of what is wrong in them
    conditions.py   ETags, If-Match, idempotency keys
    middleware.py   sizes, times, hosts, headers, trace context
    routes/         a module per noun

What does not belong: decisions. A route reads the request, asks `control`, `execution`, `agents` or `builder`, and
writes the answer.
"""
