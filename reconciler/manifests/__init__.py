"""YAML -> DesiredState: sources, hardened reading, compiling one document, linking them all.

In the order a manifest passes through them:

    load             from a source to the state it wants; the one entrance
    sources          what a source of manifests is: a listing with stamps, and contents
      directory        a folder
      git_source       a branch, tag or commit of a repository; `git` calls the program
    cache            what is known of an unchanged source; `kept` lays it out, `program` names who judged
    refresh          which files have to be read again
    workshop         compiles and links, in several processes (`forked`) with a `bench` each
    reader           one file -> compiled documents and problems
      document         bytes -> documents: `text` decodes and cuts, `subset` reads the plain YAML that most is,
                       `construct` all other, within a `budget`; `scalars` says what plain words mean
      positions        where a value stands, looked up only where something is wrong
      messages         what the models complain of, in words (`syntax` for the parser's complaints)
      checks/          what can be said against one document alone
    link             one document among the others: types, agents, policies
    resolve          all documents together: which stand, which are held
    json_schema      the kinds, for editors
    write            the way back: a document into the text of a manifest

Values shared by them: `compiled`, `reading_error`. Nothing here knows a database. A broken manifest never hides a
good one: problems are returned, not raised.
"""
