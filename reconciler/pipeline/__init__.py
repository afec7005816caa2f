"""ProcessingPipeline: the step language, compiled once per version of a type and run by many tasks.

    context.py        what a run is given from outside
    pipeline.py       ProcessingPipeline: compile, run, result
    steps.py          a step -> the function that runs it: loop, condition, going on after failure
    group.py          steps side by side as one step
    attempts.py       one step until it has a result: attempts, waits, fallback; `retry` decides, `watched` gives up
    calls.py          tools and agents called
    branch.py         what running steps share; `branch_rows`, `side_by_side`: what they must not mix up
    surroundings.py   settings and grants, evaluated once for all tasks that share them
    output.py         results of steps -> what the task returns
    prompts.py        what it asks language models, as a digest; `reads` is what its expressions read
    steplog.py        what a run says in the log; `sizes` measures for the trace

What does not belong: databases, processes, queues. A run reaches the outside through its Host and its tools alone.
"""
