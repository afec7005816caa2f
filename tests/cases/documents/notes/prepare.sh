reconcile --apply --yes
python - <<'END'
import sqlite3
with sqlite3.connect("reconciler.db") as connection:
    connection.executemany("INSERT INTO notes__note (title, priority) VALUES (?, ?)", [("a", 1), ("b", 5)])
END
mkdir agents.d/notes && mv agents.d/notes.yaml agents.d/notes/type.yaml
