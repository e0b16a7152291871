import json
import os
from datetime import timedelta
from pathlib import Path

import pytest

from local.functions_host.app_settings import connection_string, expand
from local.functions_host.host_json import HostOptions, QueueOptions, read_host_options
from local.functions_host.start_error import HostStartError, IndexingError


def test_settings_are_expanded_and_the_missing_one_is_named() -> None:
    assert expand("a-%B%-%C%", {"B": "1", "C": "2"}) == "a-1-2"
    with pytest.raises(IndexingError, match="%B%"):
        expand("a-%B%", {})


def test_connection_is_found_with_and_without_its_prefix() -> None:
    storage, other = (
        "AccountName=x;AccountKey=eA==",
        "BlobEndpoint=https://x;SharedAccessSignature=s",
    )
    settings = {"AzureWebJobsStorage": storage, "Other": other}

    found = [connection_string(name, settings) for name in ("Storage", *settings)]

    assert found == [storage, storage, other]
    with pytest.raises(IndexingError, match="Nowhere"):
        connection_string("Nowhere", settings)


@pytest.mark.parametrize("text", ["garbage", "AccountName=x", "a=b;c=d"])
def test_connection_that_is_none_is_named_and_not_repeated(text: str) -> None:
    with pytest.raises(IndexingError, match="AzureWebJobsStorage is no connection") as caught:
        connection_string("Storage", {"AzureWebJobsStorage": text})

    assert text not in str(caught.value)


HOST_JSON = {
    "version": "2.0",
    "functionTimeout": "00:05:00",
    "extensions": {
        "queues": {"batchSize": 4, "maxDequeueCount": 12, "visibilityTimeout": "00:00:15"},
        "http": {
            "customHeaders": {"X-A": "b"},
            "hsts": {"isEnabled": True, "maxAge": "10", "includeSubDomains": True},
        },
    },
}


def test_host_json_is_read_and_settings_override_it(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text(json.dumps(HOST_JSON))

    options = read_host_options(
        tmp_path, {"AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:01"}
    )

    assert options == HostOptions(
        route_prefix="api",
        extra_headers={
            "X-A": "b",
            "Strict-Transport-Security": "max-age=864000; includeSubDomains",
        },
        queues=QueueOptions(
            batch_size=4,
            new_batch_threshold=2 * (os.process_cpu_count() or 1),
            max_dequeue_count=12,
            visibility_timeout=timedelta(seconds=15),
            max_polling_interval=timedelta(seconds=1),
        ),
        function_timeout=timedelta(minutes=5),
    )


@pytest.mark.parametrize(
    "text",
    [
        *("{", "[]", '{"version": "1.0"}', '{"version": "2.0", "functionTimeout": "soon"}'),
        '{"version": "2.0", "extensions": {"queues": {"batchSize": 33}}}',
        '{"version": "2.0", "extensions": {"queues": {"maxDequeueCount": 0}}}',
        '{"version": "2.0", "extensions": {"queues": {"messageEncoding": "foo"}}}',
        '{"version": "2.0", "functionTimeout": "00:00:00"}',
        '{"version": "2.0", "extensions": {"http": {"customHeaders": {"X-A": "\\u00e9"}}}}',
    ],
)
def test_wrong_host_json_stops_the_start(tmp_path: Path, text: str) -> None:
    (tmp_path / "host.json").write_text(text)

    with pytest.raises(HostStartError, match=r"host\.json"):
        read_host_options(tmp_path, {})
