"""How the code is built, in numbers: what `infra/dev house` prints, of this tree or another one.

Reads sources and asks the import contracts about one planted import; judges nothing, `house` does.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LONG_MODULE = 250
PLANTED = "import lib.adapters.dashscope"


def table(root: Path) -> list[tuple[str, str]]:
    """The numbers of a tree, each with its name.

    Args:
        root: of a checkout, this one or an older one.
    """
    sources = {path: path.read_text("utf-8") for path in sorted(root.glob("lib/**/*.py"))}
    sources[root / "main.py"] = (root / "main.py").read_text("utf-8")
    trees = {path: ast.parse(text) for path, text in sources.items()}
    imports = {_name(root, path): _imports(tree) for path, tree in trees.items()}
    imports = {name: _known(found, imports) for name, found in imports.items()}
    lengths = {path: text.count("\n") for path, text in sources.items()}
    functions = [
        (function_lines(node), node.name, path.name)
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    classes = Counter(
        node.name
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    )
    long = sum(size > LONG_MODULE for size in lengths.values())
    longest = max(lengths, key=lambda path: lengths[path])
    rows = [
        (f"{ring}: members / floors / arrows / upward", _ring(f"lib.{ring}", imports))
        for ring in ("core", "adapters", "flows", "web")
    ]
    return [
        *rows,
        ("modules in import circles", str(len(in_circles(imports)))),
        ("modules; lines", f"{len(sources)}; {sum(lengths.values()):,}"),
        (
            f"modules of over {LONG_MODULE} lines; the longest",
            f"{long}; {lengths[longest]} ({longest.relative_to(root)})",
        ),
        ("longest function, lines", "{} ({} in {})".format(*max(functions))),
        ("noqa; type: ignore", f"{_count(sources, '# noqa')}; {_count(sources, '# type: ignore')}"),
        ("class names that stand twice", str(sum(number > 1 for number in classes.values()))),
        ("a planted import between adapters", _planted(root)),
        ("lines of README.md", str((root / "README.md").read_text("utf-8").count("\n"))),
    ]


def function_lines(node: ast.FunctionDef) -> int:
    """How long a function is, without its docstring."""
    size = (node.end_lineno or 0) - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        size -= (first.end_lineno or 0) - first.lineno + 1
    return size


def in_circles(imports: dict[str, set[str]]) -> set[str]:
    """The modules that can be reached from themselves.

    Args:
        imports: module to what it imports, also for types only.
    """
    return {name for name in imports if name in _reached(name, imports)}


def _reached(start: str, imports: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    todo = list(imports[start])
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += imports[name]
    return found


def _name(root: Path, path: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _known(found: set[str], modules: dict[str, set[str]]) -> set[str]:
    """Our modules among the imported names; a name in a module counts as its module."""
    names = {name if name in modules else name.rpartition(".")[0] for name in found}
    return names & modules.keys()


def _ring(ring: str, imports: dict[str, set[str]]) -> str:
    """A ring's members (modules and families), their longest chain, who knows whom, and circles."""

    def member(name: str) -> str:
        return name.removeprefix(f"{ring}.").partition(".")[0]

    inside = {name for name in imports if name.startswith(f"{ring}.")}
    arrows = {
        (member(name), member(other))
        for name in inside
        for other in imports[name] & inside
        if member(name) != member(other)
    }
    known: dict[str, set[str]] = {member(name): set() for name in inside}
    for name, other in arrows:
        known[name].add(other)
    upward = in_circles(known)
    depth: dict[str, int] = {}

    def floor(name: str, above: tuple[str, ...] = ()) -> int:
        if name not in depth:
            below = [other for other in known[name] if other not in above]
            depth[name] = 1 + max((floor(other, (*above, name)) for other in below), default=0)
        return depth[name]

    floors = max((floor(name) for name in sorted(known)), default=0)
    return f"{len(known)} / {floors} / {len(arrows)} / {len(upward)}"


def _count(sources: dict[Path, str], mark: str) -> int:
    return sum(len(re.findall(re.escape(mark), text)) for text in sources.values())


def _planted(root: Path) -> str:
    """Whether the import contracts let one adapter know another."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(root / "lib", Path(folder, "lib"))
        shutil.copy(root / "pyproject.toml", folder)
        (victim,) = Path(folder, "lib/adapters").rglob("outbox.py")
        victim.write_text(f"{victim.read_text('utf-8')}\n{PLANTED}\n", "utf-8")
        lint = str(Path(sys.executable).with_name("lint-imports"))
        ran = subprocess.run(  # noqa: S603 - the linter beside this interpreter
            [lint, "--no-logo", "--no-cache"],
            cwd=folder,
            capture_output=True,
            check=False,
            env={"PYTHONPATH": folder},
        )
    return "fails" if ran.returncode else "passes"


if __name__ == "__main__":
    for name, value in table(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT):
        sys.stdout.write(f"{name:<44} {value}\n")
