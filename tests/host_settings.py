"""`python -m tests.host_settings journeys`, or `chaos`: what their host must be started with.

For a shell to evaluate, before `python -m local up` and the host are started in it.
"""

import sys

from tests.chaos.system import IMPATIENT
from tests.conftest import FOR_TESTS

SETTINGS = {"journeys": FOR_TESTS, "chaos": IMPATIENT}

if __name__ == "__main__":
    lines = [f"export {name}='{value}'\n" for name, value in SETTINGS[sys.argv[1]].items()]
    sys.stdout.writelines(lines)
