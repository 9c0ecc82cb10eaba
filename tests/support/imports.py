"""What a Python file imports, read from its syntax tree: nothing is run."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Import:
    """One import. `from a import b` names a and a.b: b may be a module or a name in one.

    late: inside a function, so it runs when the function does.
    typing: under `if TYPE_CHECKING:`, so it never runs.
    """

    module: str
    target: str
    line: int
    late: bool = False
    typing: bool = False

    def reaches(self, prefix: str) -> bool:
        return self.target == prefix or self.target.startswith(prefix + ".")


def module_name(path: Path, root: Path) -> str:
    """nlp/text.py -> nlp.text, nlp/__init__.py -> nlp."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(source: str, module: str, *, package: bool = False) -> list[Import]:
    """Every import of one file. package: it is an `__init__.py`, which relative imports count from.

    A module named in a call of `import_module` or `__import__` counts as well.
    """
    home = module if package else module.rpartition(".")[0]
    return [
        Import(module, target, node.lineno, late, typing)
        for node, late, typing in _nodes(ast.parse(source), late=False, typing=False)
        for target in _targets(node, home)
    ]


def _nodes(node: ast.AST, *, late: bool, typing: bool) -> Iterator[tuple[ast.stmt, bool, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom | ast.Expr | ast.Assign | ast.Return):
            yield child, late, typing
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        # With an `else` the whole counts as run: better too strict than blind.
        checking = isinstance(child, ast.If) and not child.orelse and _asks_typing(child.test)
        yield from _nodes(child, late=late or inside, typing=typing or checking)


def _asks_typing(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _targets(node: ast.stmt, home: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = home.split(".")[: len(home.split(".")) - node.level + 1] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)
    else:
        yield from _called(node, home)


def _called(node: ast.stmt, home: str) -> Iterator[str]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] in _IMPORTERS:
            argument = call.args[0] if call.args else None
            if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
                yield "?"  # a name made at run time: nobody can say what it reaches
            else:
                yield argument.value if argument.value[:1] != "." else home + argument.value


_IMPORTERS = ("import_module", "__import__")
