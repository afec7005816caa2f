"""Reconciling: make a plan, apply it, undo it, follow a source, tell what was done.

    reconciler        Reconciler: the one object that command line, API and controller talk to; `oversight` is the part
                      of it that makes no plans, `catalog_access` its connection
    planner           when a plan has to be made anew, and when what is remembered answers (`verdict`)
    planning          desired and actual state -> a plan; `observing` against a live database, `comparing` between two
                      commits without one
      recorded_policies, suspension, drift_rules   what is left alone, and why; `dependents`: what goes with it
    applying          a reviewed plan -> an apply: lease, staleness; `apply` runs it, `settling` finishes what was left
    controller/       follows a source, pass by pass
    proposals/        the other way: YAML into a folder or branch, plans onto pull requests
    lifecycle/        deletions, exports, imports
    history, status   what was done; how things stand

Everything that decides *when* and *whether* something happens is here; what a change is stands in `plans`,
how a database carries it out in `database`.
"""
