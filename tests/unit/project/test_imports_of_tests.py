"""Test modules import shared code only from tests/support."""

import ast
from pathlib import Path

from app.config import PROJECT

TESTS = PROJECT / "tests"


def test_no_test_file_or_conftest_is_imported() -> None:
    importers = [PROJECT / name for name in ("tests", "bench", "demo")]
    wrong = {
        str(path.relative_to(PROJECT)): found
        for folder in importers
        for path in folder.rglob("*.py")
        if (found := [name for name in _imported(path) if _is_test_file(name)])
    }

    assert wrong == {}


def _imported(path: Path) -> list[str]:
    """Return the modules that a file imports, also inside functions."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute"
            found += [str(node.module), *(f"{node.module}.{each.name}" for each in node.names)]
    return found


def _is_test_file(module: str) -> bool:
    return module.startswith("tests.") and not f"{module}.".startswith("tests.support.")
