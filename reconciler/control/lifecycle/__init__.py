"""The end of an object's life, and its return: what a deletion takes along, deleted as shown, restored while it can be.

    impact.py      what would go, what stands in the way, how long it can be brought back
    deleting.py    orders the deletion and takes the manifest out of the source
    finishing.py   what is left once an apply has taken the object out of service: archives, purges
    restoring.py   the last manifest back into the source, and with it the tables

A manifest leaves and enters through `proposals` like any other change, so that the next pass agrees. What does not
belong: SQL (`database.remains`, `database.deletions`), and asking people.
"""
