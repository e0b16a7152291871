"""Stands in for the Azure CLI where it lets Event Grid in at a receiver: a tenant of Entra."""

import json
import os
import sys

from tests.support.az_stand_in import Options, State, main

EVENT_GRID = "4962773b-9cdb-44cf-a8bf-237846a00ab7"

# Applications with their one role, what each is in the tenant, and who has the receiver's role.
A_TENANT: State = {
    "Microsoft.EventGrid/topics": "evgt-events-liveness-1",
    "me": {"user.type": "user", "user.name": "me@example.com"},
    "applications": {},
    "principals": {},
    "assigned": [],
    "webhook": {},
    "calls": [],
}


def run(state: State, command: str, options: Options) -> str:
    """Carry out one command and give what it prints."""
    query = "".join(options.get("--query", ()))
    match command:
        case "account show":
            return str(state["me"].get(query, ""))
        case "resource list":
            return str(state[options["--resource-type"][0]])
        case "cloud show":
            return "https://graph.example/"
        case "rest":
            return assign(state, query, options)
        case "deployment group create":
            given = {name: one for name, one in os.environ.items() if name.startswith("EVENTS_")}
            state["webhook"] = given
            return ""
    return run_ad(state, command, options, query)


def run_ad(state: State, command: str, options: Options, query: str) -> str:
    """Carry out a command on applications, whose names are their ids here."""
    named = options.get("--id", options.get("--display-name", ["me"]))[0]
    wanted = "".join(options.get("--filter", ()))
    match command:
        case "ad app list":
            return "\n".join(name for name in state["applications"] if f"'{name}'" in wanted)
        case "ad app create":
            (role,) = json.loads(options["--app-roles"][0])
            state["applications"][named] = role["value"]
            return named
        case "ad app show":
            role = state["applications"][named]
            return f"role-of-{role}" if f"'{role}'" in query else ""
        case "ad sp list":
            found = (one for name, one in state["principals"].items() if f"'{name}'" in wanted)
            return next(found, "")
        case "ad sp create":
            known = "Microsoft.EventGrid" if named == EVENT_GRID else named
            state["principals"][known] = f"id-of-{known}"
            return f"id-of-{known}"
        case "ad sp show" | "ad signed-in-user show":
            return f"id-of-{named}"
    raise NotImplementedError(command)


def assign(state: State, query: str, options: Options) -> str:
    """Say who has the role already, or give it to somebody."""
    if options["--method"] == ["get"]:
        return "".join(one for one in state["assigned"] if f"'{one}'" in query)
    state["assigned"].append(json.loads(options["--body"][0])["principalId"])
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], run))
