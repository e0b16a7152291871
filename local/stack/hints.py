"""What whoever has started the stack may want to know once it is ready."""

from pathlib import Path

from local.ports import DEFAULT, HOST, Ports


def next_steps(ports: Ports, state: Path) -> str:
    """Say what to try, and how to stop."""
    url = f"http://{HOST}:{ports.host}"
    moved = "" if ports.host == DEFAULT else f"BASE_URL={url} "
    folder = state.relative_to(Path.cwd()) if state.is_relative_to(Path.cwd()) else state
    lines = {
        "page": f"http://{HOST}:{ports.page}  (run a check in your browser, and watch)",
        "try": f"{moved}examples/check.sh spoofface",
        "key": "local-function-key  (header x-functions-key; opens every route)",
        "controls": f"http://{HOST}:{ports.face}/simulator/  (see local/README.md)",
        "stop": f"Ctrl-C; `rm -r {folder}` then forgets every session",
    }
    return "".join(f"    {name:<9} {line}\n" for name, line in lines.items())


def func_start(app: Path, exports: Path, port: int, origins: str) -> str:
    """Say how Core Tools take the host's place."""
    command = f"func start --port {port} --cors {origins}"
    return f"    now run, in {app}:\n    . '{exports}'\n    {command}\n"
