import pytest

from local.functions_host.hooks import run_last_hook


async def test_hook_that_fails_at_the_stop_is_logged_and_the_stop_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail() -> None:
        raise RuntimeError("planted fault")

    await run_last_hook(fail)

    assert "the hook at the stop failed" in caplog.text
    assert "planted fault" in caplog.text
