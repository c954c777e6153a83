"""Bugs on purpose: a proof that finds nothing is worth what it finds when there is something.

`python -m proofs.mutants NAME serve ...` runs ttweet with the bug NAME in it. The bugs are put into the loaded modules
of that one process; the package knows nothing of them.
"""

from proofs.mutants import bounds, clusters, files, serving, storing
from proofs.mutants.bug import BUGS

__all__ = ["BUGS", "bounds", "clusters", "files", "serving", "storing"]
