"""What manifests may compute: restricted Jinja in texts, and SQL-like conditions on rows.

    template.py   text with `{{ ... }}` -> Template: references, evaluation; the door to the first language
    nested.py     the same for lists and objects with such texts in them
    scope.py      is every name of a template declared, does every operator fit: at plan time, without values
    check_sql.py  row condition -> SQL of either dialect, or its answer for one row; the door to the second

Behind the first door: `syntax` (the closed set of nodes), `grammar`, `parser`, `values`, `filters`,
`predicates`, `operations`, `compiled`; behind `scope`: `shapes`, `names`, `shaping`. Behind the second: `check_syntax`,
`check_typing`, `check_parser`, `check_render`, `check_values`, `check_evaluate`. Both stand on `tokens`.

The first language is a subset of Jinja's expressions with its precedence. Where it parts from Jinja, it does
so to keep mistakes from passing silently:

* an undefined name is an error, unless `default(...)` or `is defined` stands over it; `default` also replaces
  none, and covers the whole expression on its left;
* arithmetic is for numbers only, and true is no number; texts are joined with `~`; `int` and `float` fail on
  what is no number instead of giving 0;
* in a text, none is empty and true, false, lists and objects are written as JSON;
* `x.y` reads a key of a mapping, never an attribute of a Python object, and nothing can be called;
* statements, comments, whitespace control, slices, dict literals and `a if b` without `else` do not parse;
* `truncate(n)` never gives more than n characters.

Length, nesting, numbers and the size of what is built are bounded: what a stranger wrote takes time and
memory in proportion to the values it is given. What does not belong here: regular expressions from manifests,
files, clocks, the network, and any knowledge of steps or tools.
"""
