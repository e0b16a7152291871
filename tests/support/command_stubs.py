"""Stands in for the programs that the documents call and no test may: checks what each is given.

Run as `command_stubs.py PROGRAM ARGUMENT...`. What is wrong goes into the file COMMAND_FAULTS, too:
a shell hides the failure of a command within `$(...)`. What a document is the first to use is to be
looked up in the program's reference and added here:

    https://learn.microsoft.com/cli/azure/reference-index
    https://learn.microsoft.com/azure/developer/azure-developer-cli/reference
    https://learn.microsoft.com/azure/azure-functions/functions-core-tools-reference
"""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from tests.support import az_stand_in

# Each word an argument: `!` is required, `+` one or more, `?` takes no value.
_NAMED = "--resource-group! --name!"
_AZ = {
    "login": "",
    "account show": "",
    "provider register": "--namespace!",
    "group create": "--name! --location!",
    "group show": "--name!",
    "identity create": _NAMED,
    "identity show": _NAMED,
    "identity federated-credential create": (
        f"{_NAMED} --identity-name! --issuer! --subject! --audiences+"
    ),
    "role assignment create": (
        "--scope! --role! --assignee-object-id! --assignee-principal-type"
        " --condition --condition-version"
    ),
    "role definition create": "--role-definition!",
    "group delete": "--name!",
    "deployment group create": "--resource-group! --name --template-file --parameters+",
    "resource list": "--resource-group --resource-type",
    "resource show": f"{_NAMED} --namespace --parent --resource-type! --api-version",
    "resource update": "--ids! --set+",
    "eventgrid event-subscription delete": "--name! --source-resource-id!",
    "storage blob download-batch": "--auth-mode --account-name! --source! --destination!",
    "functionapp list": "--resource-group",
    "functionapp show": _NAMED,
    "functionapp stop": _NAMED,
    "functionapp restart": _NAMED,
    "functionapp list-flexconsumption-locations": "",
    "functionapp deployment source config-zip": f"{_NAMED} --src! --build-remote",
    "functionapp function list": _NAMED,
    "functionapp function keys list": f"{_NAMED} --function-name!",
    "functionapp function keys set": f"{_NAMED} --function-name! --key-name!",
    "functionapp function keys delete": f"{_NAMED} --function-name! --key-name!",
    "functionapp keys list": _NAMED,
    "rest": "--method! --url! --body",
    "functionapp config appsettings list": _NAMED,
    "functionapp config appsettings set": f"{_NAMED} --settings+",
    "functionapp config appsettings delete": f"{_NAMED} --setting-names+",
    "keyvault list": "--resource-group",
    "keyvault list-deleted": "",
    "keyvault purge": "--name!",
    "keyvault secret recover": "--vault-name! --name!",
    "cognitiveservices account list": "--resource-group",
    "cognitiveservices account list-deleted": "",
    "cognitiveservices account purge": f"{_NAMED} --location!",
    "cognitiveservices account keys regenerate": f"{_NAMED} --key-name!",
    "storage account list": "--resource-group",
    "storage message peek": "--queue-name! --account-name --auth-mode",
}
_GLOBAL = "--query --output --subscription --only-show-errors?"
_SHORT = {"--resource-group": "-g", "--name": "-n", "--output": "-o", "--location": "-l"}
_AZD = {
    "auth login": "",
    "up": "",
    "down": "--purge? --force?",
    "env set": "NAME VALUE",
}
_FUNC = {
    "start": "--port --cors --python? --enableAuth?",
    "azure functionapp publish": "APP --python? --build --no-build?",
}
_APT = {"install": "PACKAGE+ --no-install-recommends? -y?", "update": ""}
_GH = {
    "variable set": "NAME --repo --env --body!",
    "api": "PATH --method --input --field --jq --silent?",
}
_BREW = {"install": "FORMULA+"}
_UV = {"python install": "VERSION"}
_PRE_COMMIT = {"install": ""}
_NPM = {
    "ci": "--ignore-scripts?",
    "install": "PACKAGE --global?",
    "pack": "",
    "run": "SCRIPT",
    "test": "",
}
_CURL = "-L? -s? -S? -f? --fail? --header+ --data URL"
_UNZIP = "-q? ZIP -d!"
_SMOKE = "URL --wait"
_PREFLIGHT = "GROUP"
# What is not yet filled in, or was filled in with nothing.
_GAP = re.compile(r"\s*|.*(…|\.\.\.|<.*>).*", re.DOTALL)
_FILES = (".bicep", ".bicepparam", ".zip", "requirements.txt")


def _value(text: str) -> str:
    if _GAP.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no value")
    if text.endswith(_FILES) and not Path(text).exists():
        raise argparse.ArgumentTypeError(f"there is no {text}")
    return text


class _Parser(argparse.ArgumentParser):
    """Ends by writing down what is wrong."""

    def error(self, message: str) -> NoReturn:
        _refuse(f"{self.prog}: {message}")


def _refuse(message: str) -> NoReturn:
    with Path(os.environ["COMMAND_FAULTS"]).open("a", encoding="utf-8") as faults:
        faults.write(f"{message}\n")
    sys.exit(f"stub: {message}")


def _parse(program: str, words: str, arguments: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(prog=program, allow_abbrev=False, add_help=False)
    for word in words.split():
        name, kind = word.rstrip("!+?"), word[-1]
        names = [name, _SHORT[name]] if name in _SHORT else [name]
        if kind == "?":
            parser.add_argument(*names, action="store_true")
        elif not name.startswith("-"):
            parser.add_argument(name, type=_value, nargs="+" if kind == "+" else None)
        elif kind == "+":
            parser.add_argument(*names, type=_value, nargs="+", action="extend")
        else:
            parser.add_argument(*names, type=_value, required=kind == "!")
    return parser.parse_args(arguments)


def _command(program: str, table: dict[str, str], arguments: Sequence[str]) -> argparse.Namespace:
    """Find the command by its words, the longest that is known, and parse what follows."""
    for count in range(len(arguments), 0, -1):
        known = table.get(" ".join(arguments[:count]))
        if known is not None:
            name = " ".join(arguments[:count])
            return _parse(f"{program} {name}", known, arguments[count:])
    _refuse(f"{program} knows no command {' '.join(arguments)}")


def _az(arguments: Sequence[str]) -> None:
    given = _command("az", {name: f"{words} {_GLOBAL}" for name, words in _AZ.items()}, arguments)
    # A deployment of all that is in infra/ is more than that stand-in plays.
    if not str(getattr(given, "parameters", None)).endswith(".bicepparam']"):
        with contextlib.suppress(NotImplementedError):
            az_stand_in.main(list(arguments))
            return
    if given.output == "tsv":
        # As many columns as the query asks for.
        columns = re.search(r"\[([\w, ]+)\]$", given.query or "")
        count = len(columns[1].split(",")) if columns else 1
        sys.stdout.write("\t".join(["a-name"] * count) + "\n")


def _sudo(arguments: Sequence[str]) -> None:
    _become([word for word in arguments if word != "-E"])


def _gh(arguments: Sequence[str]) -> None:
    given = vars(_command("gh", _GH, arguments))
    if given.get("input") == "-":
        json.load(sys.stdin)
    if given.get("jq"):
        sys.stdout.write("7\n")


def _git(arguments: Sequence[str]) -> None:
    if arguments[0] != "clone":
        _become([os.environ["REAL_GIT"], *arguments])
    given = _parse("git clone", "URL", arguments[1:])
    name = urlsplit(given.URL).path.rpartition("/")[2].removesuffix(".git")
    if not name:
        _refuse(f"git clone: {given.URL} names no repository")
    if not Path(name).exists():
        Path(name).symlink_to(".")


def _curl(arguments: Sequence[str]) -> None:
    if any(word.startswith("http://127.0.0.1:") for word in arguments):
        _become([os.environ["REAL_CURL"], *arguments])
    given = _parse("curl", _CURL, arguments)
    _check_url("curl", given.URL)
    if "@-" in (given.header or ()) and not re.fullmatch(r"[\w-]+: \S+\n?", sys.stdin.read()):
        _refuse("curl: a header without a value")


def _check_url(program: str, text: str) -> None:
    url = urlsplit(text)
    if url.scheme != "https" or not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", url.netloc):
        _refuse(f"{program}: {text} is no address")


def _make(arguments: Sequence[str]) -> None:
    dry = subprocess.run(  # noqa: S603 - make, of our own Makefile
        [os.environ["REAL_MAKE"], "--dry-run", *arguments],
        check=False,
        capture_output=True,
        text=True,
    )
    if dry.returncode:
        _refuse(f"make {' '.join(arguments)}: {dry.stderr}")
    if arguments == ["package"]:
        _become([os.environ["REAL_MAKE"], *arguments])


def _npm(arguments: Sequence[str]) -> None:
    given = vars(_command("npm", _NPM, arguments))
    script = given.get("SCRIPT") or ("test" if arguments[0] == "test" else None)
    scripts = json.loads(Path("package.json").read_text(encoding="utf-8"))["scripts"]
    if script is not None and script not in scripts:
        _refuse(f"npm: package.json has no script {script}")


def _unzip(arguments: Sequence[str]) -> None:
    import zipfile  # noqa: PLC0415 - every command waits for what is imported above

    given = _parse("unzip", _UNZIP, arguments)
    with zipfile.ZipFile(given.ZIP) as archive:
        archive.extractall(given.d)


def _python(arguments: Sequence[str]) -> None:
    if arguments[:2] != ["-m", "pip"]:
        _become([sys.executable, *arguments])
    # pip's own parser, which is not for others but knows best.
    from pip._internal.commands import create_command  # noqa: PLC0415 - slow, and for this alone

    name, *rest = arguments[2:]
    options, _ = create_command(name).parser.parse_args(list(rest))
    for path in options.requirements:
        _value(path)


def _smoke(arguments: Sequence[str]) -> None:
    _check_url("smoke", _parse("smoke", _SMOKE, arguments).URL)
    if not os.environ.get("SMOKE_KEY"):
        _refuse("smoke: SMOKE_KEY is not given")


def _webhook(arguments: Sequence[str]) -> None:
    _parse("events-webhook", _PREFLIGHT, arguments)
    _check_url("events-webhook", os.environ.get("EVENTS_WEBHOOK_URL", ""))


def _become(words: Sequence[str]) -> NoReturn:
    os.execvp(words[0], list(words))  # noqa: S606 - the command of the document


PROGRAMS: dict[str, Callable[[Sequence[str]], object]] = {
    "apt": lambda given: _command("apt", _APT, given),
    "az": _az,
    "azd": lambda given: _command("azd", _AZD, given),
    "brew": lambda given: _command("brew", _BREW, given),
    "curl": _curl,
    "events-webhook": _webhook,
    "func": lambda given: _command("func", _FUNC, given),
    "gh": _gh,
    "git": _git,
    "make": _make,
    "npm": _npm,
    "pre-commit": lambda given: _command("pre-commit", _PRE_COMMIT, given),
    "preflight": lambda given: _parse("preflight", _PREFLIGHT, given),
    "python": _python,
    "sleep": lambda _: None,
    "smoke": _smoke,
    "sudo": _sudo,
    "unzip": _unzip,
    "uv": lambda given: _command("uv", _UV, given),
}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](sys.argv[2:])
