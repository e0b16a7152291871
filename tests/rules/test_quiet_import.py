import subprocess
import sys

from tests.rules.source import MODULES, ROOT

_SCRIPT = """
import sys

def watch(event, args):
    writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if writes or event in {"socket.connect", "socket.getaddrinfo", "os.mkdir",
                           "os.remove", "os.system", "os.putenv"}:
        sys.exit(f"{event} {args} while importing")

sys.addaudithook(watch)
sys.path.insert(0, sys.argv[1])
for module in sys.argv[2:]:
    __import__(module)

if {"azure.eventgrid", "azure.storage.blob", "azure.storage.queue"} & sys.modules.keys():
    sys.exit("what only the first message, picture or event needs was imported")
import logging, threading
if logging.root.handlers or threading.active_count() > 1:
    sys.exit("importing set up a log handler or a thread")
"""


def test_importing_the_app_with_an_empty_environment_does_nothing() -> None:
    modules = [*(f"shared.{name}" for name in MODULES), "function_app"]
    done = subprocess.run(  # noqa: S603 - our own script on our own modules
        [sys.executable, "-B", "-I", "-W", "error", "-c", _SCRIPT, str(ROOT), *modules],
        env={},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
