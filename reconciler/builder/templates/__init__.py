"""Templates: what is asked for each kind of agent, and the manifests that grow out of the answers, by code alone.

    template.py             Template, the one shape of all
    installed.py            the built-in ones and those that installed packages bring
    asking.py               slots that several templates share
    documents.py            the parts that every manifest has
    reading.py              how a text is sorted and read: keywords and patterns, or a language model before them
    samples.py              values and texts for tests and previews
    email.py, knowledge_base.py, text_processing.py, document_extraction.py, blank.py
    change.py               a type that exists, changed

A package brings its own by an entry point in the group `reconciler.templates` that leads to a Template.
"""
