"""What is wanted: settings -> sources of manifests, and what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.manifests.cache import Cache
    from reconciler.manifests.compiled import Loaded
    from reconciler.manifests.git_source import GitSource
    from reconciler.manifests.pinned import Pinned
    from reconciler.manifests.sources import Source
    from reconciler.settings import Settings


def load_manifests(settings: Settings, *, use_cache: bool = True) -> Loaded:
    """What the source says now, with everything that is wrong in it. Raises SourceError."""
    from reconciler.manifests.cache import Cache, cache_folder
    from reconciler.manifests.load import cache_key, load
    from reconciler.manifests.pinned import Pinned

    source, pinned = open_source(settings), Pinned(settings.policy)
    cache = Cache(cache_folder(settings.cache), cache_key(source, pinned)) if use_cache else None
    return load(source, cache, pinned)


def load_base(settings: Settings, ref: str) -> tuple[Loaded, str]:
    """The manifests of the source as they are at a branch, tag or commit of its repository, and what to call that.
    Raises UsageError where the source is in no repository, SourceError where that has no such commit."""
    from dataclasses import replace
    from pathlib import Path
    from urllib.parse import quote

    from reconciler.errors import UsageError
    from reconciler.manifests.git import Git, GitAddress, GitError

    if settings.source.startswith("git+"):
        return load_manifests(replace(settings, source=GitAddress(settings.source).at(ref))), ref
    followed = Path(settings.source)
    git = Git(followed if followed.is_dir() else Path())
    try:
        root = git.text("rev-parse", "--show-toplevel")
        prefix = git.text("rev-parse", "--show-prefix").strip("/")
    except GitError as error:
        raise UsageError(
            f"{settings.source} is not in a git repository", hint="--base compares with a commit of one"
        ) from error
    commit = git.commit_of(ref)
    if commit is None:
        raise GitError(
            f"there is no commit {ref} here", hint="fetch it first: CI often has the newest commit only"
        )
    address = f"git+file://{quote(root)}@{commit}#{prefix}"
    return load_manifests(replace(settings, source=address)), f"{ref} at {commit[:12]}"


def open_source(settings: Settings) -> Source:
    """The folder or git repository (`git+https://host/repo.git@main#agents.d`) of the settings. Raises UsageError."""
    if not settings.source.startswith("git+"):
        from reconciler.manifests.directory import DirectorySource

        return DirectorySource(settings.source)
    return git_source(settings)


def remembering(settings: Settings) -> Callable[[bool], Loaded]:
    """`load_manifests` for a program that stays: what is known of the manifests is kept in memory, for as long as they
    are judged by the same pinned policies."""
    from reconciler.manifests.cache import cache_folder
    from reconciler.manifests.load import cache_key, load
    from reconciler.manifests.pinned import Pinned
    from reconciler.manifests.remembered import Remembered

    def known_under(pinned: Pinned) -> Cache:
        return Remembered(cache_folder(settings.cache), cache_key(open_source(settings), pinned))

    pinned = Pinned(settings.policy)
    cache = known_under(pinned)

    def load_again(use_cache: bool) -> Loaded:
        nonlocal pinned, cache
        now = pinned.now()
        if now is not pinned:
            pinned, cache = now, known_under(now)
        return load(open_source(settings), cache if use_cache else None, pinned)

    return load_again


def load_kept(source: Source, settings: Settings, pinned: Pinned) -> Loaded:
    from reconciler.manifests.cache import Cache, cache_folder
    from reconciler.manifests.load import cache_key, load

    return load(source, Cache(cache_folder(settings.cache), cache_key(source, pinned)), pinned)


def git_source(settings: Settings) -> GitSource:
    from reconciler.manifests.cache import cache_folder
    from reconciler.manifests.git_source import GitSource

    return GitSource(settings.source, cache_folder(settings.cache), token=git_token())


def git_token() -> str:
    import os

    from reconciler.manifests.git import TOKEN_VARIABLE

    return os.environ.get(TOKEN_VARIABLE, "")
