"""What a spec may ask for at most: the built-in ceilings and the operator's policies.

Pure: a type and policies in, findings out. What does not belong here: whether a type is right in itself.
"""
