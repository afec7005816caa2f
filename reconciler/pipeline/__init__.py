"""ProcessingPipeline: the step language, compiled once per version of a type and run by many tasks.

    context.py    what a run is given from outside
    pipeline.py   ProcessingPipeline: compile, run, outcome

What does not belong: databases, processes, queues. A run reaches the outside through its Host and its tools alone.
"""
