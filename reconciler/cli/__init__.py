"""The command line: what is asked, what is shown, which exit code. Decides nothing of plans or databases.

`reconcile --help` must be instant: a module here imports at its top only click and what is as light as that;
everything a command needs besides is imported when the command runs.
"""

from reconciler.garbage import search_seldom

search_seldom()  # here, so that the imports to come are spared as well
