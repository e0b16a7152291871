"""infra/ says what the code needs, nothing that Azure refuses, and lets no secret out."""

import ast
import json
import os
import re
import subprocess
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import function_app
from shared import settings
from shared.api import request_parts
from shared.errors import ConfigurationError
from shared.store.images import CONTAINER_NAME
from shared.store.session_store import TABLE_NAME
from tests.rules.source import ROOT, tree_of

INFRA = ROOT / "infra"
MAIN = INFRA / "main.bicep"
MODULE_FILES = sorted(set(INFRA.glob("*.bicep")) - {MAIN})
PARAMETER_FILES = sorted(INFRA.rglob("*.bicepparam"))
# scripts/rotate-face-key and scripts/events-webhook deploy them.
DEPLOYED_BY_SCRIPTS = {"face-key", "events-webhook"}
# What each parameter file of main.bicep makes, by its name: `main`, `examples/landing-zone`.
SNAPSHOTS = [
    path.relative_to(INFRA).with_suffix("").as_posix()
    for path in PARAMETER_FILES
    if path.stem not in DEPLOYED_BY_SCRIPTS
]
LANDING_ZONE = "examples/landing-zone"
ALL_FILES = [MAIN, *MODULE_FILES, *PARAMETER_FILES]

# What the platform and the SDKs read, beside what the app reads itself.
PLATFORM_SETTINGS = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AZURE_CLIENT_ID", "AZURE_TOKEN_CREDENTIALS", "AzureWebJobsDisableHomepage",
    "AzureWebJobsStorage__blobServiceUri", "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__credential",
    "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT",
}  # fmt: skip
# What other resources of this deployment say.
WIRED_SETTINGS = {
    "APP_SECRET_NAME", "AZURE_AUTHORITY_HOST", "AzureWebJobsStorage__queueServiceUri",
    "AzureWebJobsStorage__tableServiceUri", "ENVIRONMENT_NAME", "EVENTS_TOPIC_ENDPOINT",
    "FACE_AUTH",
    "FACE_ENDPOINT", "FACE_KEY_SECRET_NAME", "IMAGES_BLOB_ENDPOINT", "KEY_VAULT_URL",
}  # fmt: skip
# A connection string belongs to an emulator; the others are the platform's own to say.
NOT_IN_AZURE = {"AzureWebJobsStorage", "AZURE_FUNCTIONS_ENVIRONMENT", "IDENTITY_HEADER"}

# Enough for settings.py.
MINIMUM = {
    "FACE_ENDPOINT": "https://face.example",
    "KEY_VAULT_URL": "https://vault.example",
    "AzureWebJobsStorage__tableServiceUri": "https://table.example",
    "AzureWebJobsStorage__queueServiceUri": "https://queue.example",
    "IMAGES_BLOB_ENDPOINT": "https://blob.example",
    "SWEEP_SCHEDULE": "0 * * * * *",
}

# https://learn.microsoft.com/azure/azure-functions/functions-app-settings#flex-consumption-plan-deprecations
REFUSED_BY_FLEX = {
    "ENABLE_ORYX_BUILD", "FUNCTIONS_EXTENSION_VERSION", "FUNCTIONS_MAX_HTTP_CONCURRENCY",
    "FUNCTIONS_WORKER_PROCESS_COUNT", "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_WORKER_RUNTIME_VERSION", "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING", "WEBSITE_CONTENTSHARE", "WEBSITE_DNS_SERVER",
    "WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT", "WEBSITE_NODE_DEFAULT_VERSION",
    "WEBSITE_RUN_FROM_PACKAGE", "WEBSITE_VNET_ROUTE_ALL",
    "alwaysOn", "containerSize", "dailyMemoryTimeQuota", "ftpsState", "functionAppScaleLimit",
    "functionsRuntimeScaleMonitoringEnabled", "healthCheckPath", "isReserved", "javaVersion",
    "linuxFxVersion", "minimumElasticInstanceCount", "netFrameworkVersion", "powerShellVersion",
    "preWarmedInstanceCount", "use32BitWorkerProcess", "windowsFxVersion",
}  # fmt: skip

# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
KNOWN_ROLES = {
    "Cognitive Services Face Recognizer": "9894cab4-e18a-44aa-828b-cb588cd6f2d7",
    "Cognitive Services User": "a97b65f3-24c7-4388-baec-2e87135dc908",
    "EventGrid Data Sender": "d5a91429-5739-47e2-a06b-3470a27159e7",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
}

# The least version of every type. Older ones of Key Vault end on 27 February 2027:
# https://learn.microsoft.com/azure/key-vault/general/access-control-default
MIN_VERSIONS = {
    "Microsoft.Authorization/roleAssignments": "2022-04-01",
    "Microsoft.CognitiveServices/accounts": "2025-06-01",
    "Microsoft.EventGrid/systemTopics": "2025-02-15",
    "Microsoft.EventGrid/topics": "2025-02-15",
    "Microsoft.EventGrid/topics/eventSubscriptions": "2025-02-15",
    "Microsoft.Insights/actionGroups": "2023-01-01",
    "Microsoft.Insights/components": "2020-02-02",
    "Microsoft.Insights/diagnosticSettings": "2021-05-01-preview",
    "Microsoft.Insights/metricAlerts": "2018-03-01",
    "Microsoft.Insights/scheduledQueryRules": "2023-12-01",
    "Microsoft.Insights/webtests": "2022-06-15",
    "Microsoft.Insights/workbooks": "2023-06-01",
    "Microsoft.KeyVault/vaults": "2026-02-01",
    "Microsoft.KeyVault/vaults/secrets": "2026-02-01",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "2024-11-30",
    "Microsoft.Network/privateDnsZones": "2024-06-01",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": "2024-06-01",
    "Microsoft.Network/privateEndpoints": "2025-05-01",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": "2025-05-01",
    "Microsoft.Network/virtualNetworks": "2025-05-01",
    "Microsoft.Network/virtualNetworks/subnets": "2025-05-01",
    "Microsoft.OperationalInsights/workspaces": "2025-07-01",
    "Microsoft.Storage/storageAccounts": "2025-06-01",
    "Microsoft.Web/serverfarms": "2025-03-01",
    "Microsoft.Web/sites": "2025-03-01",
}


Resource = dict[str, Any]


@cache
def snapshot(name: str) -> list[Resource]:
    """Give every resource that a parameter file would make, as the compiler predicts it."""
    text = (INFRA / f"{name}.snapshot.json").read_text(encoding="utf-8")
    resources: list[Resource] = json.loads(text)["predictedResources"]
    return resources


def predicted(name: str, kind: str) -> list[Resource]:
    return [one for one in snapshot(name) if one["type"] == kind]


def text_of(path: Path) -> str:
    """Read a file without its comments."""
    text = path.read_text(encoding="utf-8")
    return re.sub(r"(?m)^\s*//.*$|(?<=\s)//\s.*$", "", text)


def module(name: str) -> str:
    return text_of(INFRA / f"{name}.bicep")


def block(text: str, opening: str) -> str:
    """Cut out what stands between a line and the brace at the line's own depth that ends it."""
    match = re.search(rf"(?ms)^{re.escape(opening)}\n(.*?)^}}", text)
    assert match, f"no {opening}"
    return match[1]


def infra_settings() -> dict[str, str]:
    """Name every setting that function-app.bicep sets, with the expression of its value."""
    pairs = re.findall(r"(?m)^ {2}(\w+): (.+)$", block(module("function-app"), "var settings = {"))
    return dict(pairs)


class _Asked(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def get(self, name: str, default: str = "") -> str:  # type: ignore[override] # as os.environ
        self.names.add(name)
        return super().get(name, default)


def settings_the_app_reads() -> set[str]:
    """Ask settings.py itself, once for each way of proving ourselves to Face."""
    names: set[str] = set()
    for values in ({"FACE_AUTH": "key"}, {"FACE_AUTH": "entra"}):
        asked = _Asked(values)
        with pytest.raises(ConfigurationError):
            settings.from_environment(asked)
        names |= asked.names
    return names


def queues_of_the_app() -> set[str]:
    """Name every queue of function_app.py, whether it is written out or by its constant."""
    words = [
        word.value
        for word in ast.walk(tree_of(ROOT / "function_app.py"))
        if isinstance(word, ast.keyword) and word.arg == "queue_name"
    ]
    constants = {word.id for word in words if isinstance(word, ast.Name)}
    written = {str(word.value) for word in words if isinstance(word, ast.Constant)}
    return written | {str(getattr(function_app, name)) for name in constants}


def settings_the_bindings_read() -> set[str]:
    return set(re.findall(r"%(\w+)%", (ROOT / "function_app.py").read_text(encoding="utf-8")))


def chosen(name: str) -> dict[str, str]:
    """Give the settings that a parameter file chooses."""
    choices = re.search(r"(?m)^param choices = \{(.*)\}$", text_of(INFRA / f"{name}.bicepparam"))
    return dict(re.findall(r"(\w+): '([^']*)'", choices[1])) if choices else {}


def role_lines(path: Path) -> list[tuple[str, str, str]]:
    """Give each role of a file with its id and the line above it."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = (re.fullmatch(r"  '([\w ]+)': '([0-9a-f-]{36})'", line) for line in lines)
    return [(role[1], role[2], lines[i - 1]) for i, role in enumerate(found) if role]


def test_every_setting_that_is_read_is_set_and_no_other() -> None:
    needed = settings_the_app_reads() | settings_the_bindings_read()

    assert set(infra_settings()) == needed - NOT_IN_AZURE | PLATFORM_SETTINGS


def test_what_infra_sets_is_what_the_app_defaults_to() -> None:
    written = {name: value.strip("'") for name, value in infra_settings().items()}
    known = MINIMUM | {
        "FACE_AUTH": "key",
        "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
        "ENTRA_TENANT_ID": "00000000-0000-0000-0000-000000000000",
        "EVENTS_TOPIC_ENDPOINT": "https://topic.example/api/events",
        "ENVIRONMENT_NAME": "production",
    }
    by_main = {"APP_SECRET_NAME", "FACE_KEY_SECRET_NAME"}
    written = {name: value for name, value in written.items() if name not in by_main}

    assert settings.from_environment(written | known) == settings.from_environment(known)


def test_an_environment_may_choose_every_setting_that_is_not_wired() -> None:
    choices = re.findall(r"(?m)^ {2}(\w+): string\?$", block(text_of(MAIN), "type Choices = {"))

    assert set(choices) == set(infra_settings()) - PLATFORM_SETTINGS - WIRED_SETTINGS


def test_the_host_takes_no_larger_body_than_the_app() -> None:
    limit = infra_settings()["FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"]

    assert limit == f"'{request_parts.MAX_BYTES}'"


def test_nothing_is_said_that_flex_consumption_refuses() -> None:
    words = set(re.findall(r"\w+", "\n".join(map(text_of, ALL_FILES))))

    assert words & REFUSED_BY_FLEX == set()


def test_an_instance_takes_more_than_one_request_at_a_time() -> None:
    text = module("function-app")

    assert "triggers: { http: { perInstanceConcurrency: requestsPerInstance } }" in text
    assert int(re.findall(r"var requestsPerInstance = (\d+)", text)[0]) > 1


def test_every_role_is_known_and_justified() -> None:
    roles = [role for path in MODULE_FILES for role in role_lines(path)]

    assert {name: role_id for name, role_id, _ in roles} == KNOWN_ROLES
    assert all(re.match(r" {2}// \S+( \S+){3,}", above) for _, _, above in roles)


def test_no_other_role_is_given_in_any_other_way() -> None:
    text = "\n".join(map(text_of, [MAIN, *MODULE_FILES]))
    ids = re.findall(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", text)

    assert set(ids) == set(KNOWN_ROLES.values())
    assert len(ids) == sum(len(role_lines(path)) for path in MODULE_FILES)
    loops = text.count("for role in items(roles):")
    assert loops == text.count("'Microsoft.Authorization/roleAssignments@")


def outputs_of(path: Path) -> list[tuple[str, str]]:
    return re.findall(r"(?m)^output (\w+) \w+ = (.+)$", text_of(path))


@pytest.mark.parametrize("path", [MAIN, *MODULE_FILES], ids=lambda one: one.stem)
def test_no_secret_leaves_by_an_output(path: Path) -> None:
    secret = re.compile(
        r"list\w*\(|key[12s]?\b|connectionstring|password|sas\b|secret", re.IGNORECASE
    )

    assert [name for name, value in outputs_of(path) if secret.search(f"{name} {value}")] == []


@pytest.mark.parametrize("path", ALL_FILES, ids=lambda one: one.name)
def test_no_secret_is_a_parameter(path: Path) -> None:
    names = re.findall(r"(?m)^param (\w+)", text_of(path))

    harmless = {"secretNames", "secretName", "keyName"}
    assert [
        name
        for name in names
        if re.search("password|secret|token|key$|connection", name, re.IGNORECASE)
        and name not in harmless
    ] == []
    given = re.findall(r"(?m)^@secure\(\)\nparam (\w+) string(?! = newGuid\(\)$)", text_of(path))
    # An address may hold one, of whoever owns it; scripts/events-webhook says it to nobody else.
    assert given == (["endpointUrl"] if path.name == "events-webhook.bicep" else [])
    assert ("@secure" in text_of(path)) == (path.stem == "app-secret" or given != [])


def test_what_is_made_once_is_never_written_again() -> None:
    once = [
        path.stem for path in MODULE_FILES if "@onlyIfNotExists()\nresource secret" in text_of(path)
    ]

    assert once == ["app-secret", "first-face-key"]
    assert {one for one in re.findall(r"'([\w-]+)\.bicep'", text_of(MAIN)) if "-key" in one} == {
        "first-face-key"
    }


def test_the_secret_of_the_app_is_long_enough_for_deriving_keys() -> None:
    text = module("app-secret")

    assert len(re.findall(r"(?m)^param \w+ string = newGuid\(\)$", text)) == 3
    assert "value: '${first}${second}${third}'" in text


@pytest.mark.parametrize("name", ["first-face-key", "face-key"])
def test_a_face_key_is_to_be_rotated_within_90_days(name: str) -> None:
    text = module(name)

    assert "param expiresAt int = dateTimeToEpoch(dateTimeAdd(utcNow(), 'P90D'))" in text
    assert "attributes: { exp: expiresAt }" in text
    assert "faceAccountId: account.id }" in text


def test_keys_are_read_where_the_vault_is_written_and_nowhere_else() -> None:
    readers = [path.stem for path in ALL_FILES if re.search(r"\blist\w+\(", text_of(path))]

    assert readers == ["face-key", "first-face-key"]


def types_of(path: Path) -> list[tuple[str, str]]:
    return re.findall(r"'(Microsoft\.[\w.]+(?:/\w+)+)@([\w-]+)'", text_of(path))


@pytest.mark.parametrize("path", MODULE_FILES, ids=lambda one: one.stem)
def test_every_type_is_of_a_version_that_lasts(path: Path) -> None:
    used = types_of(path)

    assert used
    assert [(name, version) for name, version in used if version < MIN_VERSIONS[name]] == []


def test_every_table_and_queue_of_the_code_is_declared() -> None:
    storage = module("storage")
    tables = re.findall(r"'tables' = \{\s+name: '(\w+)'", storage)
    (queues,) = re.findall(r"var queueNames = \[(.+)\]", storage)
    named = queues_of_the_app()

    assert tables == [TABLE_NAME]
    assert set(re.findall(r"'([\w-]+)'", queues)) == {
        *named,
        *(f"{name}-poison" for name in named),
    }


def test_the_package_of_code_lies_in_an_account_of_its_own() -> None:
    containers = predicted(
        "production", "Microsoft.Storage/storageAccounts/blobServices/containers"
    )

    assert [one["name"] for one in containers] == ["stlivenesscode4gs3hlytzy/default/app-package"]
    assert "'${account.properties.primaryEndpoints.blob}${account::blobs::package.name}'" in module(
        "package"
    )
    assert "value: packageContainerUrl" in module("function-app")


def audited(name: str) -> dict[str, set[str]]:
    """Give the categories of storage that are logged, by account and service."""
    logged = {}
    for one in predicted(name, "Microsoft.Insights/diagnosticSettings"):
        place = re.search(r"storageAccounts/(\w+?)\w{10}/(\w+)Services/default", one["id"])
        if place:
            logged[f"{place[1]} {place[2]}"] = {
                log["category"] for log in one["properties"]["logs"]
            }
    return logged


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_whoever_writes_verdicts_or_code_or_looks_at_a_picture_leaves_a_trace(name: str) -> None:
    images = {"stlivenessimgs blob": {"StorageRead", "StorageWrite", "StorageDelete"}}

    assert audited(name) == {
        "stliveness blob": {"StorageDelete"},
        "stliveness table": {"StorageWrite", "StorageDelete"},
        "stlivenesscode blob": {"StorageWrite", "StorageDelete"},
        **(images if name == LANDING_ZONE else {}),
    }


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_every_storage_account_is_closed_alike(name: str) -> None:
    accounts = {
        one["name"][:-10]: one["properties"]
        for one in predicted(name, "Microsoft.Storage/storageAccounts")
    }
    bypasses = {kind: one["networkAcls"].pop("bypass") for kind, one in deepcopy(accounts).items()}
    properties = accounts["stliveness"]

    assert bypasses == {kind: "AzureServices" if "imgs" in kind else "None" for kind in accounts}
    for one in accounts.values():
        assert one | {"networkAcls": {}} == properties | {"networkAcls": {}}
        assert one["networkAcls"]["defaultAction"] == properties["networkAcls"]["defaultAction"]
    (dead_letters,) = (
        one["properties"]
        for one in predicted("events-webhook", "Microsoft.Storage/storageAccounts")
    )
    for each in (properties, dead_letters):
        assert each["allowSharedKeyAccess"] is False
        assert each["allowBlobPublicAccess"] is False
        assert each["minimumTlsVersion"] == "TLS1_2"


@pytest.mark.parametrize(
    ("name", "besides"), [("production", set()), (LANDING_ZONE, {"images"})], ids=["none", "kept"]
)
def test_what_is_private_is_reached_by_an_endpoint_for_each_service(
    name: str, besides: set[str]
) -> None:
    endpoints = predicted(name, "Microsoft.Network/privateEndpoints")
    reached = {one["name"].rpartition("-")[2] for one in endpoints}
    zones = predicted(name, "Microsoft.Network/privateEndpoints/privateDnsZoneGroups")

    assert reached == {"blob", "queue", "table", "package", "vault"} | besides
    assert len(zones) == len(reached)
    for kind in ("Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"):
        accounts = predicted(name, kind)
        assert {one["properties"]["publicNetworkAccess"] for one in accounts} == {"Disabled"}


def child_of_images(kind: str) -> Resource:
    """Give the one resource of a kind that an account of pictures has."""
    (child,) = (
        one
        for one in predicted(LANDING_ZONE, f"Microsoft.Storage/storageAccounts/{kind}")
        if "stlivenessimgs" in one["name"]
    )
    properties: Resource = child["properties"]
    return properties


def test_nothing_is_made_for_pictures_that_nobody_keeps() -> None:
    for name in ("main", "production"):
        assert "stlivenessimgs" not in json.dumps(snapshot(name))
        (site,) = predicted(name, "Microsoft.Web/sites/config")
        assert site["properties"]["IMAGES_BLOB_ENDPOINT"] == ""


def test_a_picture_that_is_deleted_is_gone_and_none_outlives_its_record_by_more_than_two_days() -> (
    None
):
    blobs = child_of_images("blobServices")
    (rule,) = child_of_images("managementPolicies")["policy"]["rules"]
    kept = settings.from_environment(chosen(LANDING_ZONE) | MINIMUM).retention_days
    default = settings.from_environment(MINIMUM).retention_days

    assert blobs["isVersioningEnabled"] is False
    for policy in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
        assert blobs[policy] == {"enabled": False}
    assert rule["enabled"]
    assert rule["definition"]["filters"]["prefixMatch"] == [f"{CONTAINER_NAME}/"]
    deletion = rule["definition"]["actions"]["baseBlob"]["delete"]
    assert deletion == {"daysAfterCreationGreaterThan": kept + 2}
    assert f"retentionDays: int(choices.?RETENTION_DAYS ?? '{default}')" in text_of(MAIN)


def test_the_app_reaches_the_container_of_pictures_and_nothing_else_of_their_account() -> None:
    containers = predicted(
        LANDING_ZONE, "Microsoft.Storage/storageAccounts/blobServices/containers"
    )
    names = [one["name"] for one in containers if "stlivenessimgs" in one["name"]]
    roles = [
        one["id"]
        for one in predicted(LANDING_ZONE, "Microsoft.Authorization/roleAssignments")
        if "stlivenessimgs" in one["id"]
    ]

    assert [name.rpartition("/")[2] for name in names] == [CONTAINER_NAME]
    assert child_of_images("blobServices/containers") == {"publicAccess": "None"}
    (role,) = roles
    assert f"/containers/{CONTAINER_NAME}'" in role
    assert KNOWN_ROLES["Storage Blob Data Contributor"] in role


def test_who_comes_to_face_without_a_key_may_read_pictures_only_where_they_are_kept() -> None:
    text = text_of(MAIN)

    assert "readsImages: keepsImages" in text
    assert "hasImages: keepsImages" in text
    assert "var roles = union(sessionRoles, readsImages ? imageRoles : {})" in module("face-access")
    assert "(choices.?SESSION_IMAGE ?? 'off') != 'off'" in text


def test_what_must_be_off_is_off() -> None:
    app = module("function-app")

    assert app.count("properties: { allow: false }") == 2
    assert infra_settings()["AzureWebJobsDisableHomepage"] == "'true'"
    assert "httpsOnly: true" in app
    assert module("monitoring").count("isableLocalAuth: true") == 2
    assert "disableLocalAuth: auth == 'entra'" in module("face")


def test_browsers_are_never_let_in_from_everywhere() -> None:
    app = module("function-app")

    # What is looked at is what is deployed: without blanks, and without a slash at the end.
    assert "var origins = map(allowedOrigins, origin => withoutSlash(toLower(trim(origin))))" in app
    assert re.search(r"var namedOrigins = contains\(origins, '\*'\) \? fail\(.*\) : origins\n", app)
    assert "cors: { allowedOrigins: namedOrigins," in app
    assert not [path for path in [MAIN, *PARAMETER_FILES] if "'*'" in text_of(path)]


def site_config(name: str) -> Resource:
    (site,) = predicted(name, "Microsoft.Web/sites")
    config: Resource = site["properties"]["siteConfig"]
    return config


def test_origins_arrive_as_browsers_send_them() -> None:
    assert site_config(LANDING_ZONE)["cors"]["allowedOrigins"] == [
        "https://app.example.com",
        "https://admin.example.com",
    ]


def test_whoever_is_not_named_is_kept_out_once_somebody_is() -> None:
    config = site_config(LANDING_ZONE)
    callers = {rule["ipAddress"]: rule["tag"] for rule in config["ipSecurityRestrictions"]}
    deployers = {rule["ipAddress"]: rule["tag"] for rule in config["scmIpSecurityRestrictions"]}

    assert callers == {
        "AzureFrontDoor.Backend": "ServiceTag",
        "203.0.113.0/24": "Default",
        "ApplicationInsightsAvailability": "ServiceTag",
    }
    assert deployers == {"198.51.100.7/32": "Default"}
    for name, action in ((LANDING_ZONE, "Deny"), ("main", "Allow")):
        assert site_config(name)["ipSecurityRestrictionsDefaultAction"] == action
        assert site_config(name)["scmIpSecurityRestrictionsDefaultAction"] == action


def test_what_is_handed_out_is_used_and_not_made_again() -> None:
    for kind in (
        "Microsoft.CognitiveServices/accounts",
        "Microsoft.OperationalInsights/workspaces",
    ):
        assert len(predicted("main", kind)) == 1
        assert predicted(LANDING_ZONE, kind) == []
    roles = [
        one["id"] for one in predicted(LANDING_ZONE, "Microsoft.Authorization/roleAssignments")
    ]
    at_face = [one for one in roles if "/rg-shared/providers/Microsoft.CognitiveServices/" in one]
    assert len(at_face) == 2
    for role in ("Cognitive Services Face Recognizer", "Cognitive Services User"):
        assert [one for one in at_face if KNOWN_ROLES[role] in one]
    (secret,) = predicted(LANDING_ZONE, "Microsoft.KeyVault/vaults/secrets")
    assert "'app-secret'" in secret["name"]


def test_the_groups_that_are_always_ready_are_functions_of_the_app() -> None:
    (site,) = predicted(LANDING_ZONE, "Microsoft.Web/sites")
    ready = site["properties"]["functionAppConfig"]["scaleAndConcurrency"]["alwaysReady"]

    assert [group["name"] for group in ready] == ["http", "function:record_result"]
    assert callable(function_app.record_result)


def test_production_is_watched_from_three_regions_by_what_needs_no_key() -> None:
    (test,) = predicted("production", "Microsoft.Insights/webtests")
    properties = test["properties"]

    assert predicted("main", "Microsoft.Insights/webtests") == []
    assert len({place["Id"] for place in properties["Locations"]}) == 3
    assert "/api/health'" in properties["Request"]["RequestUrl"]
    assert properties["ValidationRules"]["ExpectedHttpStatusCode"] == 200
    assert callable(function_app.get_health)


def test_a_topic_is_made_where_it_is_wanted_and_takes_tokens_only() -> None:
    kind = "Microsoft.EventGrid/topics"
    (topic,) = predicted(LANDING_ZONE, kind)
    settings = {
        name: predicted(name, "Microsoft.Web/sites/config")[0]["properties"] for name in SNAPSHOTS
    }

    assert topic["properties"]["disableLocalAuth"] is True
    assert topic["properties"]["inputSchema"] == "CloudEventSchemaV1_0"
    assert topic["identity"] == {"type": "SystemAssigned"}
    for name in SNAPSHOTS:
        endpoint = settings[name]["EVENTS_TOPIC_ENDPOINT"]
        assert bool(predicted(name, kind)) == ("topic" in endpoint) == bool(endpoint)
        assert settings[name]["ENVIRONMENT_NAME"] in {"dev", "production", "landing-zone"}


def test_whom_events_are_delivered_to_gets_a_token_and_what_nobody_takes_is_kept_for_a_month() -> (
    None
):
    (webhook,) = (
        one["properties"]
        for one in predicted("events-webhook", "Microsoft.EventGrid/topics/eventSubscriptions")
    )
    receiver = webhook["destination"]["properties"]
    letters = webhook["deadLetterWithResourceIdentity"]["deadLetterDestination"]["properties"]
    (account,) = predicted("events-webhook", "Microsoft.Storage/storageAccounts")

    assert receiver["azureActiveDirectoryTenantId"] == "[tenant().tenantId]"
    assert "azureActiveDirectoryApplicationIdOrUri" in receiver
    assert webhook["eventDeliverySchema"] == "CloudEventSchemaV1_0"
    assert letters["resourceId"] == account["id"]
    assert account["properties"]["networkAcls"]["bypass"] == "AzureServices"
    assert "daysAfterModificationGreaterThan: 30" in module("events-webhook")


def test_the_webhook_finds_what_main_has_made_by_the_names_that_main_gives() -> None:
    (topic,) = predicted(LANDING_ZONE, "Microsoft.EventGrid/topics")
    accounts = {one["name"] for one in predicted(LANDING_ZONE, "Microsoft.Storage/storageAccounts")}
    (prefix,) = re.findall(r"name: '(\w+)\$\{uniqueStem\}'\n\}", module("events-webhook"))

    assert f"{prefix}{topic['name'].split('-')[-1]}" in accounts
    assert topic["name"].startswith("evgt-events-liveness-")
    assert "starts_with(name, 'evgt-events-liveness-')" in (
        ROOT / "scripts" / "events-webhook"
    ).read_text(encoding="utf-8")


def test_main_joins_modules_and_makes_nothing_itself() -> None:
    assert re.findall(r"(?m)^resource ", text_of(MAIN)) == []
    assert (
        set(re.findall(r"module \w+ '([\w-]+)\.bicep'", text_of(MAIN)))
        == {path.stem for path in MODULE_FILES} - DEPLOYED_BY_SCRIPTS
    )
    assert not [path for path in MODULE_FILES if re.search(r"(?m)^module ", text_of(path))]


@pytest.mark.parametrize("path", [MAIN, *MODULE_FILES], ids=lambda one: one.stem)
def test_every_parameter_and_output_is_described(path: Path) -> None:
    text = text_of(path)
    declared = re.findall(r"(?m)^(?:param|output) (\w+)", text)
    described = re.findall(
        r"(?m)^@description\('.+'\)\n(?:@\w+\(.*\)\n)*(?:param|output) (\w+)", text
    )

    assert described == declared


@pytest.mark.parametrize("path", PARAMETER_FILES, ids=lambda one: one.stem)
def test_a_parameter_file_knows_the_parameters(path: Path) -> None:
    (used,) = re.findall(r"(?m)^using '([\w./-]+)'$", text_of(path))
    declared = set(re.findall(r"(?m)^param (\w+)", text_of((path.parent / used).resolve())))

    assert set(re.findall(r"(?m)^param (\w+) =", text_of(path))) <= declared


ALERT_TYPES = (
    "Microsoft.Insights/scheduledQueryRules",
    "Microsoft.Insights/metricAlerts",
    "Microsoft.EventGrid/systemTopics/eventSubscriptions",
)


def alerts() -> dict[str, Resource]:
    """Give what is watched where there is most to watch, by the names that the documents know."""
    return {
        re.sub(r"^.*/|-liveness-\w+$", "", one["name"]): one
        for kind in ALERT_TYPES
        for name in SNAPSHOTS
        for one in predicted(name, kind)
    }


def rows_of_operations() -> dict[str, str]:
    """Give each alert's row in the documents: whom it tells."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    return dict(re.findall(r"(?m)^\| `([a-z-]+)` \| (page|mail) \|", text))


def description_of(alert: Resource) -> str:
    properties = alert["properties"]
    destination = properties.get("destination", {}).get("properties", {})
    text: str = properties.get("description") or destination["description"]
    return text


def test_somebody_woken_by_an_alert_can_read_what_to_do() -> None:
    told = {
        name: re.fullmatch(
            rf"(Page|Mail): .+\. What to do: docs/operations\.md, row {name}\.", description_of(one)
        )
        for name, one in alerts().items()
    }

    assert all(told.values())
    assert rows_of_operations() == {name: one[1].lower() for name, one in told.items() if one}


def test_what_may_wait_until_morning_wakes_nobody() -> None:
    for name, one in alerts().items():
        severity = one["properties"].get("severity", 3)
        groups = json.dumps(one["properties"].get("actions", ""))
        assert (severity == 1) == (rows_of_operations()[name] == "page")
        if "outputs." in groups:
            assert ("outputs.page" in groups) == (severity == 1)
    # Of a loop the snapshot says nothing.
    assert "for (_, i) in page: { actionGroupId: page[i] }" in module("availability")
    assert "for (_, i) in mail: { actionGroupId: mail[i] }" in module("alerts")


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_a_snapshot_shows_every_setting_and_every_type_of_the_files(name: str) -> None:
    (site,) = predicted(name, "Microsoft.Web/sites/config")
    literal = {name: value for name, value in infra_settings().items() if value[0] == "'"}
    literal |= {setting: f"'{value}'" for setting, value in chosen(name).items()}
    kinds = {(one["type"], one["apiVersion"]) for one in snapshot(name)}
    declared = {one for file in MODULE_FILES for one in types_of(file)}

    assert set(site["properties"]) == set(infra_settings())
    assert {
        setting: value
        for setting, value in literal.items()
        if site["properties"][setting] != value.strip("'") and "${" not in value
    } == {}
    assert {kind for kind in kinds if kind[0].count("/") == 1} <= declared


def test_nothing_of_this_environment_gets_into_a_snapshot() -> None:
    read = {
        name
        for path in PARAMETER_FILES
        for name in re.findall(r"readEnvironmentVariable\('(\w+)'", text_of(path))
    }
    unset = re.search(r"(?m)^unset ((?:.*\\\n)*.*)$", (INFRA / "check").read_text())

    assert unset
    assert set(re.findall(r"[A-Z]\w+", unset[1])) == read


COMPILER = """#!/bin/sh
case $1 in
lint) printf '%s' "$FINDING" >&2 ;;
format) cat "$2" && printf '%s' "$UNFORMATTED" ;;
snapshot) exit "$CHANGED" ;;
esac
"""


@pytest.mark.parametrize(
    ("state", "complaint"),
    [
        pytest.param({}, "", id="nothing to complain of"),
        pytest.param(
            {"FINDING": "x.bicep(1,1) : Warning BCP081: odd"},
            "no finding may be left",
            id="warning",
        ),
        pytest.param({"UNFORMATTED": " "}, "is not formatted", id="unformatted"),
        pytest.param({"CHANGED": "1"}, "says something else", id="changed"),
    ],
)
def test_the_check_of_infra_ends_with_the_first_thing_it_finds(
    tmp_path: Path, state: dict[str, str], complaint: str
) -> None:
    compiler = tmp_path / "bicep"
    compiler.write_text(COMPILER)
    compiler.chmod(0o700)
    given = {"BICEP": str(compiler), "FINDING": "", "UNFORMATTED": "", "CHANGED": "0", **state}

    done = subprocess.run(  # noqa: S603 - our own script
        [INFRA / "check"], env={**os.environ, **given}, capture_output=True, text=True, check=False
    )

    assert done.returncode == (1 if complaint else 0), done.stderr
    assert complaint in done.stderr
