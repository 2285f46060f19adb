"""No module imports, even through others, lazily or for types, a module that imports it."""

import grimp
import pytest


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("medalliance", cache_dir=None)


def test_no_module_imports_itself_through_others(graph: grimp.ImportGraph) -> None:
    """Drop modules that import nothing left, again and again; only circles remain."""
    left = {
        module: set(graph.find_modules_directly_imported_by(module)) for module in graph.modules
    }
    assert sum(map(len, left.values())) > 500
    while free := [module for module, imported in left.items() if not imported & left.keys()]:
        for module in free:
            del left[module]
    assert not left, f"modules in a circle of imports, or above one: {sorted(left)}"
