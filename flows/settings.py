"""Settings of a run, from the environment (``ALVH_*``), overridden by command-line options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from transforms.errors import UsageError
from transforms.notices.kinds import DEFAULT_TEXT

if TYPE_CHECKING:
    from pydantic import ValidationError

    from warehouse.retention import Retention

_COMMON: SettingsConfigDict = {
    "frozen": True,
    "allow_inf_nan": False,
    # An address may hold a password: an error names the setting and the rule, never the value.
    "hide_input_in_errors": True,
}


class HttpSettings(BaseSettings):
    """How to behave towards a publisher's servers (``ALVH_HTTP_*``).

    The defaults are polite to Cboe's CDN, which blocks bursts of about 170 quick requests.
    """

    model_config = SettingsConfigDict(env_prefix="ALVH_HTTP_", **_COMMON)

    mirror_url: HttpUrl | None = Field(
        default=None, description="Ask MIRROR/<host>/<path> instead of the publishers themselves."
    )
    pace_seconds: float = Field(default=0.8, ge=0, description="Least time between two requests to one host.")
    connect_timeout_seconds: float = Field(default=10.0, gt=0, description="Longest wait for a connection.")
    read_timeout_seconds: float = Field(default=60.0, gt=0, description="Longest silence of the server.")
    total_timeout_seconds: float = Field(default=300.0, gt=0, description="Bound on one body, however it drips.")
    attempts: int = Field(default=4, ge=1, le=10, description="Tries of one request, transient errors only.")
    backoff_seconds: float = Field(default=2.0, ge=0, description="First wait; doubled each time, with jitter.")
    max_wait_seconds: float = Field(default=120.0, ge=0, description="Longest wait a Retry-After may ask for.")
    user_agent: str = Field(
        default="Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) alvh/0.1",
        description="How requests introduce themselves.",
    )


class NotifySettings(BaseSettings):
    """Who is told of a night, and of what (``ALVH_NOTIFY_*``).

    Read where messages are sent and nowhere else: no night, step or record ever holds an address.
    """

    model_config = SettingsConfigDict(env_prefix="ALVH_NOTIFY_", **_COMMON)

    url: SecretStr | None = Field(default=None, description="Addresses of apprise, separated by blanks or commas.")
    block: str | None = Field(default=None, description="A notification block of Prefect, such as slack-webhook/ops.")
    on: str = Field(default=DEFAULT_TEXT, description="Kinds of news that are told; orders may be added.")
    timeout_seconds: float = Field(default=15.0, gt=0, description="Bound on delivering a message, to all receivers.")

    @property
    def is_on(self) -> bool:
        """True where somebody is to be told."""
        return bool((self.url and self.url.get_secret_value().strip()) or (self.block or "").strip())


class RetentionSettings(BaseSettings):
    """How many of each kind a home keeps; 0 keeps all (``ALVH_KEEP_*``).

    Every night removes what is beyond, and so does ``alvh prune``. Defaults bound what every night adds; what only a
    person adds, and what cannot be made again, is kept.
    """

    model_config = SettingsConfigDict(env_prefix="ALVH_KEEP_", **_COMMON)

    published: int = Field(default=7, ge=1, description="Earlier warehouses under published/.")
    reports: int = Field(default=756, ge=0, description="Session reports, those written last; about three years.")
    raw_versions: int = Field(
        default=0, ge=0, description="Superseded versions of a raw file. Without them the past cannot be built again."
    )
    audits: int = Field(default=0, ge=0, description="Claim audits.")
    sweeps: int = Field(default=0, ge=0, description="Sweeps.")
    run_details: int = Field(
        default=60, ge=0, description="Records of published runs that keep their inputs, row counts and timings."
    )
    other_runs: int = Field(default=400, ge=0, description="Records of runs that published nothing.")
    notices: int = Field(default=5000, ge=0, description="Attempts to deliver a message.")

    known: int = Field(default=3, ge=0, description="Warehouses of what was known at an instant, those asked last.")

    def to_retention(self) -> Retention:
        """Return them as the warehouse takes them."""
        from warehouse.retention import Retention

        return Retention(**self.model_dump())


class Settings(BaseSettings):
    """Where a run works (``ALVH_*``)."""

    model_config = SettingsConfigDict(env_prefix="ALVH_", **_COMMON)

    home: Path | None = Field(default=None, description="Home folder; see below for where none is named.")
    source: str | None = Field(
        default=None, description="cboe, archive or sample; the sample where neither it nor an archive is named."
    )
    archive: Path | None = Field(
        default=None, description="Offline archive, laid out as <host>/<path>; alone it chooses the source archive."
    )
    # Read where a source is opened and nowhere else: no night, step or record ever holds it.
    fred_api_key: SecretStr | None = Field(
        default=None, description="Your own key for FRED's API; without one, vintages are not asked for."
    )
    fetch_retries: int = Field(default=2, ge=0, description="Further tries of the whole fetch, transient errors only.")
    fetch_retry_seconds: float = Field(default=60.0, ge=0, description="Wait before a further try of the fetch.")
    report_base_url: str | None = Field(
        default=None,
        description="Address under which the folder reports/ is served; messages and Prefect's pages link to it.",
    )


def refuse_settings(error: ValidationError) -> UsageError:
    """Return the error for settings that cannot be used: which ones and why, without what they hold."""
    kinds = {kind.__name__: kind for kind in (HttpSettings, NotifySettings, RetentionSettings, Settings)}
    prefix = kinds[error.title].model_config.get("env_prefix", "") if error.title in kinds else ""
    wrong = [(prefix + "_".join(map(str, one["loc"])).upper(), one["msg"]) for one in error.errors()]
    return UsageError(
        "a setting cannot be used",
        where=", ".join(name for name, _ in wrong),
        found="; ".join(f"{name}: {why}" for name, why in wrong),
        expected="a value as docs/configuration.md describes it",
        next_step="mend the environment variable, or unset it",
    )
