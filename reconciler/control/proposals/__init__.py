"""Proposals: changed manifests on their way into the source. Nothing reaches the system by another road.

    proposal.py    what is proposed, what became of it
    drafting.py    documents put into or taken out of the files where they are
    files.py       into a folder: atomically, and only over what the author has seen
    branches.py    into a git repository: a commit on a branch of its own or on the followed one
    forge.py       pull requests on GitHub, GitLab and Gitea

What does not belong: checking manifests. Whoever proposes plans first.
"""

from reconciler.control.proposals.branches import BranchWriter
from reconciler.control.proposals.drafting import drafted, removal
from reconciler.control.proposals.files import FolderWriter
from reconciler.control.proposals.forge import Forge, forge_of
from reconciler.control.proposals.proposal import Author, FileChange, Proposal, Proposed, Writer

__all__ = [
    "Author",
    "BranchWriter",
    "FileChange",
    "FolderWriter",
    "Forge",
    "Proposal",
    "Proposed",
    "Writer",
    "drafted",
    "forge_of",
    "removal",
]
