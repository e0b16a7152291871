"""The workflows run nothing that can change under them, and may do no more than they must."""

import json
import re
import stat
from collections import defaultdict
from pathlib import Path

import pytest

from local.openapi.routes import ROUTES
from tests.rules.source import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
CI = ROOT / ".github" / "workflows" / "ci.yml"
DEPLOY = ROOT / ".github" / "workflows" / "deploy.yml"
SCRIPTS = sorted(path for path in (ROOT / "scripts").iterdir() if path.is_file())

SCRIPTS_AND_GUIDES = [
    *(ROOT / "clients" / "typescript" / name for name in ("README.md", "try-package")),
    *(ROOT / name for name in ("README.md", "examples/README.md", "tests/README.md")),
]

FOLDERS_WITH_A_LOCK = {
    path.parent
    for path in ROOT.rglob("package-lock.json")
    if "node_modules" not in path.relative_to(ROOT).parts
}


def text_of(path: Path) -> str:
    return re.sub(r"(?m)^\s*#.*$", "", path.read_text(encoding="utf-8"))


def jobs_of(path: Path) -> dict[str, str]:
    jobs = text_of(path).partition("\njobs:\n")[2]
    names = re.split(r"(?m)^ {2}([\w-]+):\n", jobs)[1:]
    return dict(zip(names[::2], names[1::2], strict=True))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda one: one.stem)
def test_every_action_is_pinned_by_its_commit(path: Path) -> None:
    used = re.findall(r"uses: (.+)", text_of(path))

    assert used
    assert not [
        action
        for action in used
        if not re.fullmatch(r"\.\S+|[\w/.-]+@[0-9a-f]{40} # v\d+(\.\d+)*", action)
    ]


def test_both_workflows_pin_the_same_version_of_an_action() -> None:
    pins = {pin for path in WORKFLOWS for pin in re.findall(r"uses: (\S+@.+)", text_of(path))}

    assert len({pin.partition("@")[0] for pin in pins}) == len(pins)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda one: one.stem)
def test_a_job_may_only_do_what_it_says(path: Path) -> None:
    assert "\npermissions: {}\n" in text_of(path)
    for job in jobs_of(path).values():
        granted = re.findall(r"(?m)^ {6}([\w-]+): (read|write)$", job)
        assert ("contents", "read") in granted
        written = {name for name, access in granted if access == "write"}
        assert written <= ({"security-events"} if path.stem == "codeql" else {"id-token"})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda one: one.stem)
def test_no_workflow_holds_or_is_given_a_secret(path: Path) -> None:
    text = text_of(path)

    assert "secrets." not in text
    assert "secrets: inherit" not in text
    assert "pull_request_target" not in text
    assert text.count("persist-credentials: false") == text.count("actions/checkout@")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda one: one.stem)
def test_no_script_is_made_of_what_others_wrote(path: Path) -> None:
    scripts = re.findall(
        r"(?m)^( *)(?:- )?run: *[|>]?-?\n?((?:.*\n)(?:\1 {2,}.*\n)*)", text_of(path)
    )

    assert scripts or path.stem == "codeql"
    assert not [script for _, script in scripts if "${{" in script]


def test_the_checks_are_those_that_everybody_runs() -> None:
    lines = text_of(CI)

    for command in ("make test", "make bicep BICEP=bicep", "supply-chain.yml"):
        assert command in lines


def test_only_main_is_deployed() -> None:
    condition = re.search(r"(?m)^ {4}if: (.+)$", jobs_of(DEPLOY)["deploy"])

    assert condition
    assert condition[1].endswith("&& github.ref == 'refs/heads/main'")


def test_the_compiler_is_of_one_version_and_one_hash() -> None:
    (action,) = ACTIONS
    text = text_of(action)

    assert "BICEP_VERSION: 0.49.2\n" in text
    assert re.search(r"BICEP_SHA256: [0-9a-f]{64}\n", text)
    assert "sha256sum --check" in text
    for job in ("what-if", "deploy"):
        assert "uses: ./.github/actions/bicep" in jobs_of(DEPLOY)[job]


def test_the_tools_of_the_workflow_come_by_their_hashes() -> None:
    folder = ROOT / ".github" / "tools"
    asked = re.findall(r"(?m)^([\w-]+==\S+)$", (folder / "requirements.in").read_text())
    locked = (folder / "requirements.txt").read_text().replace("\\\n", " ")

    assert asked
    assert not [one for one in asked if f"\n{one} " not in locked]
    assert all(
        "--hash=sha256:" in line for line in locked.splitlines() if re.match(r"[\w-]+==", line)
    )
    assert "--require-hashes" in text_of(ROOT / ".github" / "workflows" / "supply-chain.yml")


def test_everything_that_is_locked_is_audited_and_kept_fresh() -> None:
    text = text_of(ROOT / ".github" / "workflows" / "supply-chain.yml")
    fresh = set(re.findall(r"directory: (\S+)", text_of(ROOT / ".github" / "dependabot.yml")))

    for name in ("requirements.txt", "requirements-dev.txt", ".github/tools/requirements.txt"):
        assert f"--requirement {name}\n" in text
    assert "git ls-files '*package-lock.json'" in text
    locked = {"/" + str(path.relative_to(ROOT)) for path in FOLDERS_WITH_A_LOCK}
    assert "pip-audit --strict --requirement examples/server-python/requirements.txt\n" in text
    assert fresh == {"/", "/.github/tools", "/examples/server-python", *locked}


def test_every_check_runs_once_and_the_same_ones_run_everywhere() -> None:
    here = re.findall(r"(?m)^make (.+)$", text_of(ROOT / ".ci" / "run"))
    there = re.findall(r"run: make (.+)", jobs_of(CI)["code"])

    # `make check` is the first part of `make test`, and setup is part of each.
    assert here == ["setup", *there]
    assert there == ["test", "demo", "package", "chaos-short", "test-client", "test-browser"]


def test_azure_is_reached_by_a_token_and_after_an_approval() -> None:
    jobs = jobs_of(DEPLOY)
    reaching = {name for name, job in jobs.items() if "Azure/login@" in job}

    assert reaching == {"what-if", "deploy"}
    assert all("id-token: write" in jobs[name] for name in reaching)
    assert "environment: what-if" in jobs["what-if"]
    assert "environment: production" in jobs["deploy"]
    assert "needs: check" in jobs["deploy"]
    assert "az deployment group what-if" in jobs["what-if"]
    assert "respect-funcignore: true" in jobs["deploy"]
    assert "scripts/after-deploy" in jobs["deploy"]


def test_what_others_release_comes_once_a_month_and_together() -> None:
    text = text_of(ROOT / ".github" / "dependabot.yml")
    count = text.count("package-ecosystem:")

    assert count == text.count("interval: monthly") == text.count('patterns: ["*"]')
    assert set(re.findall(r"package-ecosystem: (\S+)", text)) == {"pip", "npm", "github-actions"}


def test_azd_deploys_the_service_that_infra_tags() -> None:
    azure = text_of(ROOT / "azure.yaml")
    function_app = (ROOT / "infra" / "function-app.bicep").read_text(encoding="utf-8")
    (tag,) = re.findall(r"'azd-service-name': '(\w+)'", function_app)

    assert re.search(rf"(?m)^ {{2}}{tag}:$", azure)
    for line in ("host: function", "language: python", "remoteBuild: true", "scripts/after-deploy"):
        assert line in azure


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda one: one.name)
def test_a_script_can_be_run_and_says_by_what(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]

    assert first in {"#!/bin/sh", "#!/usr/bin/env python3"}
    assert path.stat().st_mode & stat.S_IXUSR


def test_each_audience_has_a_key_for_all_of_its_functions() -> None:
    script = (ROOT / "scripts" / "function-keys").read_text(encoding="utf-8")
    made = dict(re.findall(r"(?m)^make_key (\w+) (.*)$", script))
    wanting = defaultdict(set)
    for route in ROUTES:
        if route.audience in made:
            wanting[route.audience].add(route.function)

    assert {audience: set(functions.split()) for audience, functions in made.items()} == wanting


def test_the_linter_rules_are_errors() -> None:
    text = (ROOT / "infra" / "bicepconfig.json").read_text(encoding="utf-8")
    rules = json.loads(re.sub(r"(?m)^\s*//.*$", "", text))["analyzers"]["core"]["rules"]

    levels = {name: rule["level"] for name, rule in rules.items()}
    assert {name for name, level in levels.items() if level != "error"} == {
        "use-recent-api-versions"
    }


def test_the_real_host_comes_by_its_hash_and_meets_the_journeys() -> None:
    job = jobs_of(CI)["core-tools"]
    folder = ".github/tools/core-tools"

    assert f"run: npm ci --prefix {folder} " in job
    assert f"run: .ci/any-host {folder}/node_modules/.bin/func start " in job


def test_no_workflow_installs_what_no_lock_names() -> None:
    for path in WORKFLOWS:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"npm (install|i) |npx |pipx |pip install(?!.*--require-hashes)", text)


def test_no_package_runs_a_script_of_its_own_when_it_is_installed() -> None:
    places = [ROOT / "Makefile", ROOT / "local" / "setup", *WORKFLOWS]
    places += [path for path in SCRIPTS_AND_GUIDES if "npm " in path.read_text(encoding="utf-8")]
    lines = [line for path in places for line in path.read_text(encoding="utf-8").splitlines()]
    installs = {line.strip() for line in lines if re.search(r"npm (ci|install) ", line)}

    assert len(installs) > 5
    # Core Tools are what such a script fetches; the other is a package of ours.
    exempt = ("npm ci --prefix .github/tools/core-tools ", "npm install <this folder>/")
    assert not [
        line
        for line in installs
        if "--ignore-scripts" not in line and not any(one in line for one in exempt)
    ]


def test_github_analyzes_all_that_ships_and_keeps_a_list_of_it() -> None:
    analyses = text_of(ROOT / ".github" / "workflows" / "codeql.yml")
    packages = jobs_of(ROOT / ".github" / "workflows" / "supply-chain.yml")["packages"]

    assert "language: [python, javascript-typescript, actions]\n" in analyses
    assert "queries: security-extended\n" in analyses
    assert re.search(r"cyclonedx-py requirements requirements\.txt\s", packages)
    assert "path: sbom.cdx.json" in packages
    assert "detect-secrets-hook" in packages
