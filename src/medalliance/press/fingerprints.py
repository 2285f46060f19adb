"""What tells one state of files and code from another: a file's hash, the commit, the seeds."""

from __future__ import annotations

import ast
import hashlib
import subprocess
from pathlib import Path

from ..paths import PACKAGE, PROJECT


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, 64 hexadecimal digits."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def commit(project: Path = PROJECT) -> str:
    """Return the commit that a checkout stands at and whether files differ; ``""`` elsewhere.

    Returns
    -------
    str
        40 hexadecimal digits, with "with changed files" behind them where tracked files differ.
    """
    try:
        top, head, changed = (
            subprocess.run(
                ["git", "--no-optional-locks", "-C", project, *words],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.strip()
            for words in (
                ("rev-parse", "--show-toplevel"),
                ("rev-parse", "HEAD"),
                ("status", "--porcelain", "--untracked-files=no"),
            )
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    if Path(top).resolve() != project.resolve():
        return ""
    return f"{head}{' with changed files' if changed else ''}"


def package_seeds() -> list[tuple[str, str, int]]:
    """List every seed that the package fixes: module, name, seed; in order of module."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".")
        text = path.read_text(encoding="utf-8")
        named = seeds_in(text) if "seed" in text.lower() else []
        found += [(module.removesuffix(".__init__"), name, seed) for name, seed in named]
    return found


def seeds_in(source: str) -> list[tuple[str, int]]:
    r"""Find the seeds in a module's text: constants named SEED, defaults of arguments named seed.

    >>> seeds_in("SEED = 7\ndef draw(n, *, seed: int = 9): ...")
    [('SEED', 7), ('draw', 9)]
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign | ast.AnnAssign) and _is_whole(node.value):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            found += [(name, node.value.value) for name in names if "SEED" in name]  # type: ignore
        elif isinstance(node, ast.FunctionDef):
            given = node.args
            late = given.args[len(given.args) - len(given.defaults) :]
            pairs = [*zip(late, given.defaults, strict=True)]
            pairs += [*zip(given.kwonlyargs, given.kw_defaults, strict=True)]  # type: ignore
            found += [(node.name, text.value) for one, text in pairs  # type: ignore
                      if one.arg == "seed" and _is_whole(text)]  # fmt: skip
    return found


def _is_whole(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int
