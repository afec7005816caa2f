"""A GitOps reconciler for LLM agents.

Agent types, agents and policies are YAML; the reconciler compares them with the database, shows a plan and
makes it so. Importing this package loads nothing else: every verb imports what it needs.
"""

__version__ = "0.1.0"
