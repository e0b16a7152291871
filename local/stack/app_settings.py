"""The settings that the app gets on a laptop, put together from where they come."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local import json_file
from local.ports import HOST, Ports, StackError

_FILES = ("local.settings.json", "local.settings.json.example")
_AT_START = Path(__file__).with_name("at_start")


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsFile:
    """What the settings file says: values for the app, and who may call it from a browser."""

    values: dict[str, str]
    cors: str


def load(app: Path) -> SettingsFile:
    """Read local.settings.json, or the example where there is none."""
    path = next((app / name for name in _FILES if (app / name).exists()), app / _FILES[-1])
    try:
        content = json_file.read(path, default={})
        values, host = content.get("Values", {}), content.get("Host", {})
        named = {str(name): str(value) for name, value in values.items()}
        return SettingsFile(values=named, cors=str(host.get("CORS", "")))
    except (AttributeError, ValueError) as error:
        raise StackError(f"{path.name} is not a settings file: {error}") from error


def merge(
    file: SettingsFile, computed: Mapping[str, str], caller: Mapping[str, str]
) -> dict[str, str]:
    """Put the settings together, lowest first: the file, the stack, the caller's environment."""
    # The one exception: the stack's list of certificates, which holds all that the caller's has.
    trusted = {"SSL_CERT_FILE": computed["SSL_CERT_FILE"]}
    return {**file.values, **computed, **caller, **trusted}


def list_origins(file: SettingsFile, ports: Ports) -> str:
    """Name who may call the app from a browser: whom the file names, and the page."""
    page = [f"http://{name}:{ports.page}" for name in (HOST, "localhost")]
    return ",".join([file.cors, *page] if file.cors else page)


def write_exports(path: Path, settings: Mapping[str, str], *, environment: Path) -> None:
    """Write the settings for a shell to source, and where the app's Python and packages are."""
    values = {**settings, "VIRTUAL_ENV": str(environment)}
    lines = [f"export {name}={_quote(value)}\n" for name, value in values.items()]
    # Core Tools take the first Python on the path, whatever packages it has.
    lines.append(_prepend("PATH", environment / "bin"))
    # And it joins the app to the stack, whose host is not there to do it.
    lines.append(_prepend("PYTHONPATH", _AT_START))
    json_file.write_bytes(path, "".join(lines).encode())


def _prepend(name: str, folder: Path) -> str:
    return f'export {name}={_quote(str(folder))}"${{{name}:+:${name}}}"\n'


def _quote(value: str) -> str:
    # Always in quotes, also where a shell would not need them.
    return shlex.quote(value) if "'" in value else f"'{value}'"
