"""Rules that read answers and free text. English first; the words for templates, yes, no and times also in German and
French. Each function takes a text and gives values, or nothing: what no rule is sure of is asked about.

    wording.py      cues; yes, no, none, never mind
    pasted.py       what a person says themselves, apart from what they paste
    secrets.py      secrets in what is said, taken out of it
    naming.py       names of agents and fields
    fields.py       lists of fields with their types
    categories.py   categories and the words that speak for them
    addresses.py    mail addresses, hosts
    timing.py       schedules
    editing.py      changes of what was said before, or of a type that exists
    answers.py      the answer to one question
    free_text.py    everything that a text says about a template's slots
    limits.py       wishes that nobody can grant, and what to say to them
"""
