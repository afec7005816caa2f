"""Addresses of git repositories: what they mean, and what is refused."""

from __future__ import annotations

import pytest

from reconciler.errors import UsageError
from reconciler.manifests.git import GitAddress, is_ref_name

READ = [
    ("git+https://host/repo.git", "https://host/repo.git", "HEAD", ""),
    ("git+https://host/repo.git@main", "https://host/repo.git", "main", ""),
    ("git+https://host/repo.git@main#agents.d", "https://host/repo.git", "main", "agents.d"),
    ("git+https://host:8443/a/b.git@feature/x#a/b", "https://host:8443/a/b.git", "feature/x", "a/b"),
    ("git+ssh://git@host/repo.git@v1.2", "ssh://git@host/repo.git", "v1.2", ""),
    ("git+file:///srv/repo.git@main", "file:///srv/repo.git", "main", ""),
    ("git+/srv/repo.git@main#x", "/srv/repo.git", "main", "x"),
]


@pytest.mark.parametrize(("text", "url", "ref", "folder"), READ)
def test_an_address_names_a_repository_a_ref_and_a_folder(text: str, url: str, ref: str, folder: str) -> None:
    address = GitAddress(text)
    assert (address.url, address.ref, address.folder) == (url, ref, folder)


@pytest.mark.parametrize(
    "text",
    [
        "git+",
        "git+https://host",
        "git+ext::sh -c evil",
        "git+ftp://host/repo",
        "git+https://user:secret@host/repo.git",
        "git+https://token@host/repo.git",
        "git+https://host/repo.git@--upload-pack=evil",
        "git+https://host/repo.git@a..b",
        "git+https://host/repo.git@main#../etc",
        "git+https://host/repo.git@main#a//b",
    ],
)
def test_an_address_that_could_mean_something_else_is_refused_without_repeating_a_secret(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        GitAddress(text)
    assert caught.value.hint
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["main", "feature/x", "v1.2.3", "ünicode", "a" * 40, "a-b_c"])
def test_names_of_refs(name: str) -> None:
    assert is_ref_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "-x", "--upload-pack=x", ".x", "/x", "x/", "x.lock", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[b",
     "a\\b", "a\n", "@{-1}", "@", "x.", "a//b", "a\x7f", "a" * 201],
)  # fmt: skip
def test_what_git_would_take_for_something_else_is_no_name(name: str) -> None:
    assert not is_ref_name(name)


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("git+https://host/repo.git@main#agents.d", "git+https://host/repo.git@v%231#agents.d"),
        ("git+ssh://git@host/team/repo.git#agents.d", "git+ssh://git@host/team/repo.git@v%231#agents.d"),
        ("git+file:///srv/a%20b/repo", "git+file:///srv/a%20b/repo@v%231#"),
        ("git+/srv/repo@main", "git+/srv/repo@v%231#"),
    ],
)
def test_an_address_leads_to_the_same_folder_at_another_ref(text: str, there: str) -> None:
    address = GitAddress(text)
    assert address.at("v#1") == there
    other = GitAddress(there)
    assert (other.url, other.local, other.folder, other.ref) == (
        address.url,
        address.local,
        address.folder,
        "v#1",
    )
