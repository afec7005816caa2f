"""The manifests' own tests: a type's pipeline runs for real, on a stage where nothing gets out.

    rehearse.py       rehearse: one type, all its tests -> verdicts and what they leave unexercised
    stage.py          a throw-away database with the type's tables, and a host over it
    doors.py          a network and a language model that lead nowhere, and remember who tried them
    mocks.py          answers that stand in for the calls of steps
    document.py       verdicts as JSON
    stand_ins.py      values of settings that a test does not care about
    expectations.py   what a test expects, against what came
    coverage.py       steps and branches that no test ever took

What does not belong: manifests as files, and how verdicts are shown.
"""

from reconciler.agents.rehearsal.coverage import Gap
from reconciler.agents.rehearsal.expectations import Difference
from reconciler.agents.rehearsal.rehearse import Rehearsal, Verdict, rehearse

__all__ = ["Difference", "Gap", "Rehearsal", "Verdict", "rehearse"]
