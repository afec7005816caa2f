"""Types and agents as files: manifests of all versions and rows, taken along to another database.

    archive.py     the format: a tar of parts of bounded size, each with its checksum, and a table of contents
    exporting.py   out of a database, at one moment of it
    selection.py   what goes along
    importing.py   into another: verified first, manifests through the source, rows all or none

What does not belong: how rows pass (`database.rows.transfer`).
"""
