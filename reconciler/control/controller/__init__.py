"""The controller: follows a source, one pass at a time, and keeps the database as it says.

    loop          who leads, when a pass is due, until told to stop
    waking        the bell, and who rings it when a folder changes
    passes        one pass: plan, select, apply, write down
      selection     what of a plan goes ahead now, and what waits, and why
      confirming    removals are believed only after a while
      backoff       when a unit that failed is tried again
      judging       what was found -> a condition for each object
    health        whether what is in place works, found out in slices between passes
    telling       log lines and gauges
    webhooks      whether a forge has really sent what came

What a change is stands in `plans`, how it is made in `control.apply`: nothing here knows SQL.
"""
