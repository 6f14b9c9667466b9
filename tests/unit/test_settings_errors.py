"""A setting that cannot be used: which one and why, never what it holds."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from flows.settings import HttpSettings, NotifySettings, Settings, refuse_settings

SECRET = "nobody:hidden@"


@pytest.mark.parametrize(
    ("variable", "value", "kind"),
    [
        ("ALVH_HTTP_MIRROR_URL", f"no-scheme//{SECRET}host", HttpSettings),
        ("ALVH_HTTP_ATTEMPTS", SECRET, HttpSettings),
        ("ALVH_FETCH_RETRIES", SECRET, Settings),
        ("ALVH_NOTIFY_TIMEOUT_SECONDS", SECRET, NotifySettings),
    ],
)
def test_error_says_the_setting_and_not_its_value(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, kind: type
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError) as caught:
        kind()
    assert SECRET not in str(caught.value)
    error = refuse_settings(caught.value)
    assert error.where == variable
    assert SECRET not in str(error)
    assert error.exit_code == 2


@pytest.mark.parametrize("value", ["inf", "nan", "-inf"])
@pytest.mark.parametrize(
    ("variable", "kind"),
    [
        ("ALVH_HTTP_PACE_SECONDS", HttpSettings),
        ("ALVH_HTTP_TOTAL_TIMEOUT_SECONDS", HttpSettings),
        ("ALVH_NOTIFY_TIMEOUT_SECONDS", NotifySettings),
        ("ALVH_FETCH_RETRY_SECONDS", Settings),
    ],
)
def test_time_without_end_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str, kind: type, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError):
        kind()
