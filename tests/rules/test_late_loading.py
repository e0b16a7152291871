import ast
import subprocess
import sys

from tests.rules.source import MODULES, ROOT, tree_of

# Whoever looks at what is in a module has it loaded, so this asks for its class alone.
_SCRIPT = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from local.functions_host.worker import Worker
asyncio.run(Worker.start(Path(sys.argv[1])))
print(*(name for name in sys.argv[2:] if type(sys.modules.get(name)).__name__ != "_LazyModule"))
"""
_APP = ROOT / "function_app.py"


def loaded_later() -> set[str]:
    blocks = [
        node
        for path in (_APP, *MODULES.values())
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.With) and ast.unparse(node.items[0]) == "load_later()"
    ]
    assert blocks
    names = set()
    for statement in (one for block in blocks for one in block.body):
        if isinstance(statement, ast.Import):
            names |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            names |= {f"{statement.module}.{alias.name}" for alias in statement.names}
    return names


def test_what_is_to_be_loaded_later_is_not_loaded_when_the_worker_has_indexed_the_app() -> None:
    done = subprocess.run(  # noqa: S603 - our own script on our own app
        [sys.executable, "-B", "-I", "-c", _SCRIPT, str(ROOT), *loaded_later()],
        env={"AzureWebJobsStorage": "", "SWEEP_SCHEDULE": "0 * * * * *"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout.split(), done.stderr) == (0, [], "")
