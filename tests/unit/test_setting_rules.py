import pytest

from shared import address_rules, name_rules
from shared.setting_rules import Rule

RIGHT = [
    *[
        pytest.param(address_rules.endpoint(), text, value, id=text)
        for text, value in {
            "https://my-face.cognitiveservices.azure.com": None,
            "https://my-face.cognitiveservices.azure.us//": "https://my-face.cognitiveservices.azure.us",
            "https://10.0.0.1:8443/": "https://10.0.0.1:8443",
            "HTTPS://Face.Test": None,
            "https://localhost:65535": None,
            f"https://{'a' * 63}.test": None,
            "http://127.0.0.1:7072": None,
            "http://localhost/": "http://localhost",
        }.items()
    ],
    *[
        pytest.param(name_rules.secret_name("x"), text, None, id=text)
        for text in ("face-api-key", "F", "0" * 127)
    ],
    *[
        pytest.param(name_rules.audience(), text, None, id=text)
        for text in ("urn:liveness", "api://1/x?y=%20#~", "api://a/.default/b")
    ],
    *[
        pytest.param(address_rules.topic_endpoint(), text, None, id=text)
        for text in (
            "https://evgt-liveness.swedencentral-1.eventgrid.azure.net/api/events",
            "https://127.0.0.1:7078/api/events",
        )
    ],
    *[
        pytest.param(name_rules.environment_name("x"), text, None, id=text)
        for text in ("p", "Liveness_dev-1.eu(2)", "0" * 64)
    ],
]
WRONG = [
    *[
        pytest.param(name_rules.audience(), text, id=ascii(text))
        for text in ("x", "1:x", "api:", "api:///", "api://a/.DEFAULT", "api://{x}", "api://\xe9")
    ],
    *[
        pytest.param(address_rules.endpoint(), text, id=ascii(text))
        for text in (
            "https://face.test/face/v1.2",
            "https://vault.test/secrets/face-api-key",
            "https://face.test;y",
            "https://face.test y",
            "https://fa ce.test",
            "https://face\N{ZERO WIDTH SPACE}.test",
            "https://face.test\N{ZERO WIDTH SPACE}",
            "https://fa\N{LATIN SMALL LETTER LONG S}ce.test",
            "https://f\N{LATIN SMALL LETTER U WITH DIAERESIS}.test",
            "https://<resource>.cognitiveservices.azure.com",
            "https://{resource}.cognitiveservices.azure.com",
            "https://[::1]:80",
            "http://[::1]",
            "https://[broken",
            "https://face..test",
            "https://.test",
            "https://-face.test",
            "https://face-.test",
            f"https://{'a' * 64}.test",
            "https://face.test:0",
            "https://face.test:65536",
            "https://face.test:",
            "https://face.test\\",
            "https://user@face.test",
            "https://user:password@face.test",
            "https://@face.test",
            "https://face.test?x=1",
            "https://face.test/?",
            "https://face.test/#",
            "https://face_1.test",
            "https://face.test\nx",
            "https:face.test",
            "https://",
            "//face.test",
            "face.test",
            "ftp://face.test",
            "http://face.test",
            "http://127.0.0.1.face.test",
            "http://localhost@face.test",
            "http://0.0.0.0",
            "/",
        )
    ],
    *[
        pytest.param(name_rules.secret_name("x"), text, id=text)
        for text in (
            "face_api_key",
            "https://vault.test/secrets/x",
            "face api key",
            "x" * 128,
            "schl\u00fcssel",
        )
    ],
    *[
        pytest.param(address_rules.topic_endpoint(), text, id=text)
        for text in (
            "https://topic.test",
            "https://topic.test/api/events/",
            "https://topic.test//api/events",
            "https://topic.test/api/events/api/events",
            "https://topic.test/api/events?api-version=2018-01-01",
            "https://topic.test/API/events",
            "http://127.0.0.1:7078/api/events",
            "http://topic.test/api/events",
            "/api/events",
        )
    ],
    *[
        pytest.param(name_rules.environment_name("x"), text, id=ascii(text))
        for text in ("a b", "a/b", "a?b", "a%20b", "\u00fcber", "a\n", "x" * 65)
    ],
]


@pytest.mark.parametrize(("rule", "text", "value"), RIGHT)
def test_a_setting_that_can_be_right_is_read(rule: Rule[str], text: str, value: str | None) -> None:
    assert rule.parse(text) == (value or text)


@pytest.mark.parametrize(("rule", "text"), WRONG)
def test_a_setting_that_can_only_be_wrong_is_refused(rule: Rule[str], text: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        rule.parse(text)
