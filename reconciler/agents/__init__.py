"""Agents: what a type's schema means, and what runs its tasks.

    base.py             BaseAgent: what every agent is
    dynamic.py          DynamicAgent: one that is what its manifests say
    static.py           StaticAgents: Python classes that installed packages bring; `static_type` is what such a class
                        says of itself, `static_agent` holds it to that
    factory.py          AgentFactory: blueprint -> agent; `settings` merges what type, agent and task say
    registry.py         AgentRegistry: all agents there are, searched and described (`listing`), deprecated and retired
                        (`lifecycle`)
    rehearsal/          the manifests' own tests
    schema_manager.py   SchemaManager: types validated, compared, made into classes

Nothing here decides when something is applied, nor when a task runs: `control` and `execution`, above, do.
"""
