import subprocess
import sys

from tests.rules.source import ROOT

_SCRIPT = """
import gc, sys

sys.path.insert(0, sys.argv[1])
import function_app

waste = {"jwt", "azure.storage.blob", "azure.storage.queue", "azure.eventgrid"} & sys.modules.keys()
if waste:
    sys.exit(f"the start loads {waste}, which most apps never need")
if not (gc.isenabled() and gc.get_freeze_count()):
    sys.exit("what was imported is looked through for garbage, or nothing is")
"""


def test_the_start_loads_nothing_that_most_apps_never_need_and_sets_it_apart_from_garbage() -> None:
    done = subprocess.run(  # noqa: S603 - our own script on our own app
        [sys.executable, "-B", "-I", "-c", _SCRIPT, str(ROOT)],
        env={},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (0, "")
