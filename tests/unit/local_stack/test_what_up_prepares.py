import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from local.azure.app_registration import AppRegistration
from local.azure.certificate import TRUSTED, Certificate
from local.clock import StackClock, real_now
from local.ports import Ports, StackError
from local.stack import app_settings, hints, state_folder
from local.stack.host_process import APP
from local.stack.stack import Stack
from tests.support import any_host


def test_caller_beats_the_stack_and_the_stack_beats_the_file() -> None:
    file = app_settings.SettingsFile(values={"A": "file", "B": "file", "C": "file"}, cors="")
    computed = {"B": "stack", "C": "stack", "SSL_CERT_FILE": "ours-and-theirs"}
    caller = {"C": "caller", "SSL_CERT_FILE": "theirs"}

    settings = app_settings.merge(file, computed, caller)

    assert settings == {
        "A": "file",
        "B": "stack",
        "C": "caller",
        "SSL_CERT_FILE": "ours-and-theirs",
    }


def test_own_settings_file_is_read_instead_of_the_example(tmp_path: Path) -> None:
    example = tmp_path / "local.settings.json.example"
    example.write_text('{"Values": {"A": "1"}, "Host": {"CORS": "http://localhost:3000"}}')
    before = app_settings.load(tmp_path)
    (tmp_path / "local.settings.json").write_text('{"Values": {"A": "2"}}')

    after = app_settings.load(tmp_path)

    assert (before.values, before.cors) == ({"A": "1"}, "http://localhost:3000")
    assert (after.values, after.cors) == ({"A": "2"}, "")


@pytest.mark.parametrize("content", ["{", "[]", '{"Values": 1}'])
def test_broken_settings_file_is_named_in_one_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "local.settings.json").write_text(content)

    with pytest.raises(StackError, match=r"local\.settings\.json is not a settings file"):
        app_settings.load(tmp_path)


def test_exports_mean_the_same_to_a_shell(tmp_path: Path) -> None:
    value = 'it\'s $HOME; "quoted" & `run`'
    settings = {"PLAIN": "x", "ODD": value}
    app_settings.write_exports(tmp_path / "func.env", settings, environment=Path(sys.prefix))

    script = '. ./func.env && printf "%s|%s" "$PLAIN" "$ODD"'
    shell = ["/bin/sh", "-c", script]
    output = subprocess.check_output(shell, cwd=tmp_path)  # noqa: S603 - our own script

    assert output.decode() == f"x|{value}"


def test_exports_lead_to_the_python_that_has_the_packages_of_the_app(tmp_path: Path) -> None:
    app_settings.write_exports(tmp_path / "func.env", {}, environment=Path(sys.prefix))

    script = ". ./func.env && python -c 'import azure.functions, sys; print(sys.prefix)'"
    shell = ["/bin/sh", "-c", f'{script} && printf "%s" "$VIRTUAL_ENV"']
    output = subprocess.check_output(shell, cwd=tmp_path, env={"PATH": "/bin"})  # noqa: S603 - our own script

    assert output.decode().split("\n") == [sys.prefix, sys.prefix]


TELL_THE_TIME = """
from shared import composition, telemetry
print(composition.now().isoformat())
telemetry.log_event("session ended", status="canceled")
"""


def test_app_in_a_process_of_somebody_else_reads_the_clock_and_keeps_the_log(
    tmp_path: Path,
) -> None:
    stack = Stack(ports=Ports(base=7071), state=tmp_path)
    stack.clock.advance(86_400)
    exports = tmp_path / "func.env"
    app_settings.write_exports(exports, stack.joining, environment=Path(sys.prefix))

    script = f". '{exports}' && exec python -c '{TELL_THE_TIME}'"
    told = subprocess.check_output(["/bin/sh", "-c", script], cwd=APP, text=True)  # noqa: S603 - our own script

    ahead = datetime.fromisoformat(told.strip()) - real_now()
    assert timedelta(hours=23) < ahead < timedelta(hours=25)
    assert 'face_liveness session ended status="canceled"\n' in stack.log.read_text()


def test_state_folder_tells_a_test_all_of_the_stack_that_runs_there(tmp_path: Path) -> None:
    stack = Stack(ports=Ports(base=28_071), state=tmp_path)
    app_settings.write_exports(tmp_path / "func.env", stack.settings, environment=Path(sys.prefix))
    where = {"TEST_HOST_URL": "http://127.0.0.1:9999/", "TEST_HOST_STATE": str(tmp_path)}

    given = any_host.given(where)

    assert given is not None
    assert given.url == "http://127.0.0.1:9999"
    assert (given.stack.ports, given.stack.settings) == (stack.ports, stack.settings)
    assert any_host.given({}) is None


@pytest.mark.parametrize(
    ("base", "command"), [(7071, "examples"), (28_071, "BASE_URL=http://127.0.0.1:28071 examples")]
)
def test_hints_fit_a_terminal_and_name_the_command_for_this_very_port(
    base: int, command: str
) -> None:
    lines = hints.next_steps(Ports(base=base), Path.cwd() / ".local").splitlines()

    assert lines[0].split("page")[1].strip().startswith(f"http://127.0.0.1:{base + 8}")
    assert lines[1].split("try")[1].strip().startswith(f"{command}/check.sh spoofface")
    assert all(len(line) <= 80 for line in lines)
    assert "`rm -r .local`" in lines[-1]


def test_hints_say_that_a_key_opens_nothing_where_servers_come_with_tokens() -> None:
    told = hints.next_steps(Ports(base=7071), Path.cwd() / ".local", has_tokens=True)

    assert "SERVER_AUTH=entra examples/check.sh spoofface" in told
    assert "local-function-key" not in told
    assert all(len(line) <= 80 for line in told.splitlines())


def test_advanced_clock_is_true_for_every_reader_at_once(tmp_path: Path) -> None:
    here, there = (StackClock(tmp_path / "clock.json") for _ in range(2))

    here.advance(3600)
    here.advance(0.5)

    assert abs(there.now() - real_now() - timedelta(seconds=3600.5)) < timedelta(seconds=1)


def test_certificate_is_kept_while_it_can_be_read_and_its_key_is_private(tmp_path: Path) -> None:
    def make() -> bytes:
        Certificate(tmp_path)
        return (tmp_path / "vault.pem").read_bytes()

    first, again = make(), make()
    (tmp_path / "vault.pem").write_bytes(first[:100])
    anew = make()

    assert first == again != anew
    assert (tmp_path / "vault-authority.pem").read_bytes() in (tmp_path / TRUSTED).read_bytes()
    assert (tmp_path / "vault.pem").stat().st_mode & 0o777 == 0o600


def test_state_folder_serves_one_stack_at_a_time(tmp_path: Path) -> None:
    refusal = pytest.raises(StackError, match="another stack uses the state directory")
    with state_folder.hold(tmp_path), refusal, state_folder.hold(tmp_path):
        pass

    with state_folder.hold(tmp_path):
        pass


def test_settings_lead_to_the_ports_in_a_row(tmp_path: Path) -> None:
    settings = Stack(ports=Ports(base=7071), state=tmp_path).settings

    assert settings["FACE_ENDPOINT"] == "http://127.0.0.1:7072"
    assert settings["KEY_VAULT_URL"] == "https://127.0.0.1:7073"
    assert settings["IDENTITY_ENDPOINT"] == "http://127.0.0.1:7074/msi/token"
    assert settings["EVENTS_TOPIC_ENDPOINT"] == "https://127.0.0.1:7078/api/events"
    for service, port in {"Blob": 7075, "Queue": 7076, "Table": 7077}.items():
        endpoint = f"{service}Endpoint=http://127.0.0.1:{port}/devstoreaccount1;"
        assert endpoint in settings["AzureWebJobsStorage"]
    assert "SERVER_AUTH" not in settings


@pytest.mark.parametrize(
    ("named", "tenant_id", "audience"),
    [
        ({}, "11111111-1111-1111-1111-111111111111", "api://face-liveness"),
        ({"ENTRA_TENANT_ID": "", "ENTRA_AUDIENCE": ""}, None, "api://face-liveness"),
        ({"ENTRA_TENANT_ID": "0A-1", "ENTRA_AUDIENCE": "api://mine"}, "0a-1", "api://mine"),
    ],
)
def test_with_entra_settings_lead_to_the_stand_in_for_entra_unless_the_caller_names_another(
    named: dict[str, str], tenant_id: str | None, audience: str, tmp_path: Path
) -> None:
    registration = AppRegistration.of_settings({"SERVER_AUTH": "entra", **named})
    stack = Stack(ports=Ports(base=7071), state=tmp_path, registration=registration)

    assert stack.has_tokens
    assert stack.settings["SERVER_AUTH"] == "entra"
    assert stack.settings["ENTRA_TENANT_ID"] == (tenant_id or AppRegistration().tenant_id)
    assert stack.settings["ENTRA_AUDIENCE"] == audience
    assert stack.settings["AZURE_AUTHORITY_HOST"] == "https://127.0.0.1:7073"


@pytest.mark.parametrize("server_auth", ["", "key", "Entra"])
def test_callers_come_with_keys_unless_the_settings_say_otherwise(server_auth: str) -> None:
    assert AppRegistration.of_settings({"SERVER_AUTH": server_auth}) is None
