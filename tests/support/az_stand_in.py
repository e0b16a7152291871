"""Stands in for the Azure CLI: a Face account with two keys, a vault, a function app, in one file.

Every command is written down, in order. Writing a key into the vault makes it the only one that the
local stack takes: harsher than Azure, where the other goes on working until it is made new.
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

State = dict[str, Any]
type Options = dict[str, list[str]]
type Run = Callable[[State, str, Options], str]

# Of whatever group is asked about.
ACCOUNTS = (
    "/subscriptions/an-id/resourceGroups/{group}/providers/Microsoft.CognitiveServices/accounts"
)
AFTER_A_DEPLOYMENT: State = {
    "Microsoft.EventGrid/topics": "topic-1",
    "Microsoft.CognitiveServices/accounts": "face-1",
    "Microsoft.KeyVault/vaults": "kv-1",
    "Microsoft.Web/sites": "func-1",
    "settings": {
        "FACE_AUTH": "key",
        "FACE_KEY_SECRET_NAME": "face-api-key",
        "FACE_KEY_CACHE_SECONDS": "1",
    },
    "secret": {
        "tags.faceKey": "key1",
        "tags.faceAccountId": f"{ACCOUNTS}/face-1",
        "properties.attributes.updated": 0,
    },
    "keys": {"key1": "first-1", "key2": "first-2"},
    "functions": {
        "start_session": {"default": "a"},
        "get_result": {"default": "b"},
        "consume_result": {},
        "get_session_image": {"default": "c"},
        "resend_event": {},
        "get_readiness": {},
        "unlock_person": {},
        "list_person_sessions": {},
        "erase_person": {},
    },
    "tokens": {},
    "host keys": {"masterKey": "local-master-key"},
    "calls": [],
}


def run(  # noqa: C901, PLR0912 - one case for each command
    state: State, command: str, options: Options
) -> str:
    """Carry out one command and give what it prints."""
    query, printed = "".join(options.get("--query", ())), ""
    match command:
        case "account show":
            printed = "an-id" if query else ""
        case "resource list":
            printed = str(state.get(options["--resource-type"][0], ""))
        case "resource show":
            group = options["--resource-group"][0]
            printed = str(state["secret"][query]).replace("{group}", group)
        case "account get-access-token":
            printed = str(state["tokens"][options["--scope"][0]])
        case "functionapp config appsettings list":
            (name,) = re.findall(r"name=='(\w+)'", query)
            printed = str(state["settings"].get(name, ""))
        case "functionapp function keys list":
            keys = state["functions"][options["--function-name"][0]]
            named = (str(keys[name]) for name in query.split(" || ") if name in keys)
            printed = "\n".join(keys) if query == "keys(@)" else next(named, "")
        case "functionapp function list":
            printed = "\n".join(f"func-1/{name}" for name in state["functions"])
        case "functionapp function keys delete":
            del state["functions"][options["--function-name"][0]][options["--key-name"][0]]
        case "functionapp keys list":
            printed = str(state["host keys"][query])
        case "functionapp function keys set":
            function, name = options["--function-name"][0], options["--key-name"][0]
            state["functions"][function][name] = f"made-{name}-of-{function}"
        case "rest":
            _, _, function, _, name = urlsplit(options["--url"][0]).path.rsplit("/", 4)
            state["functions"][function][name] = json.load(sys.stdin)["properties"]["value"]
        case "cognitiveservices account keys regenerate":
            name = options["--key-name"][0].lower()
            state["keys"][name] = f"new-{name}"
        case "deployment group create":
            publish(state, dict(one.split("=") for one in options["--parameters"]))
        case _:
            raise NotImplementedError(command)
    return printed


def publish(state: State, parameters: dict[str, str]) -> None:
    """Do what infra/face-key.bicep does."""
    key = parameters["keyName"]
    state["secret"] = {
        **state["secret"],
        "tags.faceKey": key,
        "properties.attributes.updated": int(time.time()),
    }
    if "AZ_FACE_URL" in os.environ:
        from urllib.request import Request, urlopen  # noqa: PLC0415 - it takes as long as all else

        body = json.dumps({"key": state["keys"][key]}).encode()
        url = f"{os.environ['AZ_FACE_URL']}/simulator/key"
        urlopen(Request(url, data=body, method="POST"), timeout=5).close()  # noqa: S310 - loopback


def main(arguments: list[str], run: Run = run) -> int:
    """Read the command line as az does, carry it out, and remember."""
    words, options, last = [], dict[str, list[str]](), ""
    for argument in arguments:
        if argument.startswith("-"):
            last = argument
            options[last] = []
        elif last:
            options[last].append(argument)
        else:
            words.append(argument)
    path = Path(os.environ["AZ_STATE"])
    state: State = json.loads(path.read_text(encoding="utf-8"))
    state["calls"].append(" ".join(arguments))
    printed = run(state, " ".join(words), options)
    path.write_text(json.dumps(state), encoding="utf-8")
    if options.get("--output") != ["none"]:
        sys.stdout.write(printed + "\n" if printed else "")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
