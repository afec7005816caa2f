"""The reader of documentation blocks: what it runs, what it lets differ, and what it does not let pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.readme_blocks import Command, Edit, File, Unclear, apply_edit, same_form, walks
from tests.acceptance.shell_session import ShellSession

MARKDOWN = """\
# Title

```sh
reconcile init
```

```text
Wrote …
```

Change a line:

```diff
--- agents.d/notes.yaml
   version: 1.0.0
-  title: Notes
+  title: Better notes
@@
-    a: b
```

<!-- folder: applied -->
<!-- exits with 6 -->
```text
$ reconcile rollback \\
    --yes
refused
$ echo a
```

```yaml
# a/b.yaml
kind: Agent
```

<!-- not run: a drawing -->
```text
a -> b
```

```text
output of nothing that ran
```

```sql
SELECT 1
```
"""


def test_a_document_becomes_walks_of_steps() -> None:
    first, second = walks(MARKDOWN)
    assert (first.folder, second.folder) == ("empty", "applied")
    assert first.steps == [
        Command(3, "reconcile init\n", "Wrote …\n"),
        Edit(
            13,
            "agents.d/notes.yaml",
            (
                ("  version: 1.0.0\n  title: Notes\n", "  version: 1.0.0\n  title: Better notes\n"),
                ("    a: b\n", ""),
            ),
        ),
    ]
    rollback, echo, file, *unclear = second.steps
    assert rollback == Command(24, "reconcile rollback \\\n    --yes", "refused\n", 0)
    assert echo == Command(24, "echo a", "", 6), "the exit is the last command's"
    assert file == File(31, "a/b.yaml", "kind: Agent\n")
    assert [type(step) for step in unclear] == [Unclear, Unclear]


@pytest.mark.parametrize(
    ("documented", "printed", "same"),
    [
        ("Applied 1 unit.", "Applied 1 unit.", True),
        ("Applied 1 unit.", "Applied 2 units.", False),
        ("took 1.1 ms", "took 20 s", True),
        ("Plan  10eda7281540779c", "Plan    2ab41a7b05ac489f", True),
        ("at 2026-01-02T10:00:00Z", "at 2027-01-02T11:00:00.123Z", True),
        ("a\n...\nz", "a\nb\nc\nz", True),
        ("a\n...\nz", "a\nz", True),
        ("a\n...", "b\nc", False),
        ("Wrote … bytes", "Wrote 7 bytes", True),
        ("a  b", "a    b", True),
        ("  a", "a", False),
        ("a", "a\nb", False),
        ("", "a", False),
    ],
)
def test_what_differs_from_run_to_run_may_differ_and_nothing_else(
    documented: str, printed: str, same: bool
) -> None:
    assert same_form(documented, printed) is same


def test_a_change_needs_lines_that_stand_there_once(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("a\nb\na\n")
    apply_edit(Edit(1, "file", (("b\n", "c\n"),)), file)
    assert file.read_text() == "a\nc\na\n"
    with pytest.raises(AssertionError, match="stand 2 times"):
        apply_edit(Edit(1, "file", (("a\n", "c\n"),)), file)


def test_a_shell_keeps_what_a_reader_would_keep_and_tells_what_failed(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    with ShellSession(tmp_path, tmp_path, {}) as shell:
        assert shell.run("cd below; NAME=value; sleep 60 &\n").code == 0
        assert shell.run("echo $NAME; basename $PWD").text == "value\nbelow\n"
        assert shell.run("cat").text == "", "nothing waits for input"
        assert shell.run("false\necho on").code == 1
        assert shell.run("echo told >&2; (exit 6)").code == 6
        assert shell.run("jobs | wc -l").text.strip() == "1"
