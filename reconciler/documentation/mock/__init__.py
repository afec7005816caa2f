"""Values that fit their fields, and values that do not: seeded, always the same for the same seed.

    objects.py     inputs, settings, an example; objects with one mistake
    rows.py        rows that keep all that their table demands
    values.py      one value of each type
    patterns.py    a linear regular expression -> texts that may match it
    unfit.py       values that a field does not take

Sound by construction: every value is put before the field rules (`spec.literals`) before anybody gets it.
"""
