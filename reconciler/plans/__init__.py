"""(desired, actual) -> Plan. Pure: the same two states always give the same plan, in the same order.

No database, no files, no clock in here: two git trees can be compared without any of them.
"""
