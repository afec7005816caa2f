"""The builder: from what somebody says to manifests that pass every gate, and on to a proposal.

    service.py         AgentBuilderService: start, say, schema, finalize; list, resume, fork, delete
    views.py           what callers are shown: sessions, replies, previews
    overview.py        what they are shown of a session, made of it
    session.py         one conversation as a frozen value, and as the texts that the catalog keeps
    store.py           sessions in the catalog: found for their owner, and what two say at once both kept
    slots.py           what a template asks for: kinds of slots, their values and where those come from
    templates/         email, knowledge base, text processing, document extraction, blank, and a changed type
    understanding/     rules that read answers and free text: no model
    turns.py           one turn from what is said to what is kept: heard, drafted, answered
    interview.py       what was said -> slots, notices, contradictions
    questions.py       what to ask next, and how complete it all is
    modelling.py       what a language model is asked, what of its answer counts, repairs
    model_answers.py   the form of its answer, and what is sound in one
    workshop.py        slots -> documents -> every check there is: reader, links, policies, plan, tests
    preview.py         what a draft means, in plain words
    speech.py          what the builder says
    amending.py, existing.py, bounds.py, refusing.py
                       parts of a turn and of the checks

What does not belong: SQL, YAML, knowledge of HTTP or terminals. Whatever people, documents and models say is data: it
fills slots, and nothing else; what a manifest may reach (hosts, recipients, tools, limits) is decided by code.
"""
