"""Execution: tasks and the processes that run them.

    tasks           the way in: input held against the agent, then stored
    worker          claims what is due, has it run, records how it ended
    single          the same for one task that somebody else names (Celery)
                    both: beginning and gate before a task, standing for the database, secret_store
    inline          one task, in this very process
    pool            jobs in children, each held to its bounds           brood, child_handle, jobs, usage, endings
    nursery         the worker's side of the zygote, which forks the children
    zygote, child   what runs in processes of their own                 pipe_host, sandbox, landlock, seccomp, kernel
    program         all that children inherit: agents, tools, the way to language models
    wire            what worker and children say to each other, and how it is checked
    host_calls      what tasks ask their host, answered within the reach of their agent
    recording       ends on their way into the database, many in one transaction
    scheduler       tasks by the clock
    forwarder       tasks on their way to a broker                      celery_app, celery_forwarder
    monitoring      logs and counters

A task runs in a child that never held a connection, an agent's secret or the worker's environment (it is told the key
of its language models, if they want one), and is not believed: what it sends is checked, what it asks is answered
within its grants, what it wants written is validated again where it is written. What does not belong here: SQL
(`database.tasks`) and what an agent does (`agents`, `pipeline`).
"""
