"""What agents are made of at run time; so far the schemas of their types.

Nothing here decides when something is applied: that is `control`, which is above and handed in by
`bootstrap`.
"""
