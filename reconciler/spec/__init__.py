"""What things are: agent types, agents, policies, tables, states. Frozen values.

Nothing here reads a file, opens a connection or knows YAML.
"""
