"""Publishing to a branch of a bare repository on this machine."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from generator.export.publish.git import github_page
from tests.export.publish.branches import DONE, commits, published, state
from tests.export.publish.publishing import git, run
from tests.present.gallery import tree


def test_the_branch_holds_the_site_and_nothing_else(
    here: Path, bare: Path, site: Path, amount: str
) -> None:
    before = state(here)
    result = run(site, "--to", "branch", "--yes")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == DONE.format(amount=amount)
    assert published(bare) == tree(site)
    assert commits(bare) == ["Publish the gallery"]
    assert state(here) == before, "neither the working tree nor the index is touched"
    assert git(bare, "log", "--format=%an <%ae>", "gh-pages") == (
        "A. Curator <curator@example.org>"
    )


def test_again_without_a_change_makes_no_commit(here: Path, bare: Path, site: Path) -> None:
    run(site, "--to", "branch", "--yes")
    first = git(bare, "rev-parse", "gh-pages")
    result = run(site, "--to", "branch", "--yes")
    assert result.stdout == (
        "The branch gh-pages of origin already holds this site; there is nothing to do.\n"
    )
    assert git(bare, "rev-parse", "gh-pages") == git(here, "rev-parse", "gh-pages") == first


def test_a_changed_site_replaces_the_old_one_and_keeps_history(
    here: Path, bare: Path, site: Path, tmp_path: Path
) -> None:
    run(site, "--to", "branch", "--yes")
    changed = Path(shutil.copytree(site, tmp_path / "changed"))
    (changed / "assets" / "new.css").write_text("p {}")
    next((changed / "assets").glob("print.*.css")).unlink()
    run(changed, "--to", "branch", "--yes", "-m", "After the rebuttal")
    assert published(bare) == tree(changed)
    assert commits(bare) == ["After the rebuttal", "Publish the gallery"]


def test_from_a_machine_that_never_saw_the_branch(
    here: Path, bare: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(site, "--to", "branch", "--yes")
    git(tmp_path, "clone", "--quiet", "--single-branch", "--branch", "main", str(bare), "second")
    monkeypatch.chdir(tmp_path / "second")
    changed = Path(shutil.copytree(site, tmp_path / "changed"))
    (changed / "assets" / "new.css").write_text("p {}")
    assert run(changed, "--to", "branch", "--yes").exit_code == 0
    assert commits(bare) == ["Publish the gallery", "Publish the gallery"]


def test_without_history_one_commit_is_left(
    here: Path, bare: Path, site: Path, tmp_path: Path
) -> None:
    run(site, "--to", "branch", "--yes")
    changed = Path(shutil.copytree(site, tmp_path / "changed"))
    (changed / "assets" / "new.css").write_text("p {}")
    result = run(changed, "--to", "branch", "--yes", "--no-history")
    assert result.exit_code == 0, result.stderr
    assert published(bare) == tree(changed)
    assert commits(bare) == ["Publish the gallery"]


def test_no_push_leaves_it_on_this_machine(here: Path, bare: Path, site: Path, amount: str) -> None:
    git(here, "remote", "remove", "origin")
    result = run(site, "--to", "branch", "--yes", "--no-push")
    assert result.stdout == (
        f"Committed {amount}, to the local branch gh-pages.\n"
        "Push it with `git push origin gh-pages`.\n"
    )
    assert git(bare, "branch", "--list", "gh-pages") == ""
    assert ".nojekyll" in git(here, "ls-tree", "--name-only", "gh-pages").splitlines()


def test_another_repository_remote_and_branch(
    here: Path, bare: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(here, "remote", "rename", "origin", "lab")
    (here / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    words = ["--repository", here / "sub", "--remote", "lab", "--branch", "pages/one"]
    assert run(site, "--to", "branch", "--yes", *words).exit_code == 0
    assert published(bare, "pages/one") == tree(site)


def test_domain_is_written_and_then_kept(
    here: Path, bare: Path, site: Path, amount: str, tmp_path: Path
) -> None:
    told = (
        DONE.format(amount=amount) + "Its address: https://gallery.example.org/\n"
        "Once, on GitHub: Settings, Pages, Deploy from a branch, gh-pages and / (root).\n"
    )
    result = run(site, "--to", "branch", "--yes", "--cname", "gallery.example.org")
    assert result.stdout == told
    assert published(bare) == {**tree(site), "CNAME": b"gallery.example.org"}
    changed = Path(shutil.copytree(site, tmp_path / "changed"))
    next((changed / "assets").glob("print.*.css")).write_text("p {}")
    assert "https://gallery.example.org/" in run(changed, "--to", "branch", "--yes").stdout
    assert published(bare)["CNAME"] == b"gallery.example.org"


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("git@github.com:Lab/Registers.git", "https://lab.github.io/Registers/"),
        ("https://github.com/Lab/Registers", "https://lab.github.io/Registers/"),
        ("https://github.com/Lab/Registers.git/", "https://lab.github.io/Registers/"),
        ("ssh://git@github.com:22/lab/a.b.git", "https://lab.github.io/a.b/"),
        ("https://me:secret@github.com/lab/x", "https://lab.github.io/x/"),
        ("https://github.com/Lab/lab.github.io.git", "https://lab.github.io/"),
        ("https://gitlab.com/lab/x", ""),
        ("https://github.com.evil.org/lab/x", ""),
        ("/srv/git/x.git", ""),
    ],
)
def test_address_that_github_gives(url: str, page: str) -> None:
    assert github_page(url) == page


def test_dry_run_shows_every_file_and_asks_nobody(here: Path, site: Path, amount: str) -> None:
    git(here, "remote", "set-url", "origin", "https://me:secret@nowhere.invalid/lab/x.git")
    result = run(site, "--to", "branch", "--dry-run", "--cname", "a.example.org")
    assert (result.exit_code, result.stderr) == (0, "")
    listed, _, rest = result.stdout.partition(f"\n\n{amount}\n")
    assert [line[10:] for line in listed.splitlines()] == sorted(tree(site))
    assert rest == (
        "\nbeside the site, CNAME:\n\na.example.org\n"
        f"\nNothing was published: this was a dry run. {amount}, would go to the branch gh-pages "
        "of origin (https://nowhere.invalid/lab/x.git).\n"
    )
    assert git(here, "branch", "--list", "gh-pages") == ""
