"""Every setting, typed and read once: environment variables named `CORNERSTONE_...`, or a `.env` file."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import SplitResult, unquote, urlsplit

from platformdirs import user_config_path
from pydantic import Field, Json, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from orchestration.errors import CornerstoneError

PROJECT_DIR = Path(__file__).resolve().parent.parent

SMTP_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
"""By scheme of the mail server's address, the port where it names none."""


class Settings(BaseSettings):
    """Where things are and whose they are. Every path below `store` is made at run time."""

    model_config = SettingsConfigDict(
        env_prefix="CORNERSTONE_",
        env_file=PROJECT_DIR / ".env",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,  # a setting can hold a password
    )

    store: Path = Field(default=PROJECT_DIR / "store", description="Everything made at run time.")
    raw: Path = Field(
        default=PROJECT_DIR / "raw", description="The inbox where files are dropped, and the bundled figures."
    )
    la_code: str = Field(default="372", pattern=r"^\d{3}$", description="DfE code of the authority; Rotherham is 372.")
    la_ons_code: str = Field(
        default="E08000018",
        pattern=r"^[EWSN]\d{8}$",
        description="ONS code of the same authority, by which returns say whose they are and where a child lives.",
    )
    secret_key: SecretStr | None = Field(
        default=None,
        description="The secret behind pseudonyms and encryption, 64 hexadecimal digits; unset, `key_file` holds it.",
    )
    key_file: Path = Field(
        default_factory=lambda: user_config_path("cornerstone") / "secret.key",
        description="Where the secret is kept, outside the store; made with the first run of an empty store.",
    )
    release_approval: Literal["none", "required"] = Field(
        default="none", description="Whether a release waits for a named person before it becomes current."
    )

    memory_limit_gib: float = Field(
        default=3.0,
        ge=0.5,
        description=(
            "Memory (GiB) that DuckDB may take before it puts work on disk, in each process; Python and Arrow need about half as"
            " much beside it. 3 is above what a standard borough takes; more is quicker where returns are larger than that."
        ),
    )
    spill_limit_gib: float = Field(
        default=20.0,
        gt=0.0,
        description=(
            "Disk (GiB) that DuckDB may take for work that memory does not hold, in the store; a step that wants more stops and"
            " says so, before the disk is full for everybody."
        ),
    )

    landing_workers: int = Field(
        default=1,
        ge=1,
        description=(
            "Runs of the service at a time; more than one land several authorities at once (job land_by_authority). Each takes"
            " the memory above."
        ),
    )

    link_join_weight: float = Field(
        default=10.0,
        description="Match weight (log2 of the odds) from which two children that nothing contradicts are joined; 10 is 999 in 1,000.",
    )
    link_review_weight: float = Field(
        default=4.0,
        ge=0.0,
        description="Match weight from which two children that are not joined are put before a reviewer; 4 is 94 in 100.",
    )

    retention_years: Json[dict[str, Annotated[int, Field(ge=1)]]] = Field(
        default="{}",
        validate_default=True,
        description='Years that returns about persons are kept, by return, where not those of their specification: {"return_id": 7}.',
    )

    alert_email_from: str | None = Field(default=None, description="Address from which alerts are sent by e-mail.")
    alert_email_to: str | None = Field(
        default=None, description="Addresses to which alerts are sent by e-mail, separated by commas."
    )
    alert_smtp_url: SecretStr | None = Field(
        default=None,
        description=(
            "Mail server for alerts: smtp+starttls://user:password@host, smtps://user:password@host, or smtp://host without login;"
            " signs such as @ in user and password are written as %40. Unset, no e-mail is sent."
        ),
    )
    alert_webhook_url: SecretStr | None = Field(
        default=None, description="Address to which alerts are posted as JSON. Unset, none is called."
    )
    alert_remind_days: int = Field(default=7, ge=1, description="Days after which an alert that stands is told again.")
    alert_disk_free_gib: float = Field(
        default=5.0,
        ge=0.0,
        description=(
            "Free space (GiB) on the disk of the store below which there is an alert. A first run of the standard borough takes"
            " 1.6, a later one 0.6 beside what is there; the rest is time to act."
        ),
    )

    @field_validator("store")
    @classmethod
    def _is_no_file(cls, store: Path) -> Path:
        if store.is_file():
            raise ValueError(f"{store} is a file and has to be a folder, or not there yet")
        return store

    @field_validator("alert_smtp_url")
    @classmethod
    def _is_a_mail_server(cls, url: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if url is None:
            return None
        parts = urlsplit(url.get_secret_value())
        if parts.scheme not in SMTP_PORTS or not parts.hostname or not _has_sound_port(parts):
            raise ValueError(
                "it has to be smtp+starttls://, smtps:// or smtp://, then a host, and a port where it is another than"
                " usual; signs such as @ : / # in user and password are written as %40 %3A %2F %23"
            )
        if parts.username and parts.scheme == "smtp":
            raise ValueError("a password is never sent in clear; write smtp+starttls:// or smtps://")
        if not unquote(f"{parts.username or ''}{parts.password or ''}").isascii():
            raise ValueError("user and password of a mail server can hold ASCII signs alone")
        if not (info.data.get("alert_email_from") and info.data.get("alert_email_to")):
            raise ValueError("it goes with CORNERSTONE_ALERT_EMAIL_FROM and CORNERSTONE_ALERT_EMAIL_TO")
        return url

    @field_validator("alert_webhook_url")
    @classmethod
    def _is_a_web_address(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None:
            parts = urlsplit(url.get_secret_value())
            if parts.scheme not in ("https", "http") or not parts.hostname or not _has_sound_port(parts):
                raise ValueError("it has to begin with https:// or http:// and name a host")
        return url

    @model_validator(mode="after")
    def _both_codes_are_of_one_authority(self) -> Self:
        defaults = type(self).model_fields
        if self.la_code != defaults["la_code"].default and self.la_ons_code == defaults["la_ons_code"].default:
            raise ValueError(
                f"authority {self.la_code} has another ONS code than {self.la_ons_code}; set CORNERSTONE_LA_ONS_CODE too"
            )
        return self

    @model_validator(mode="after")
    def _review_below_join(self) -> Self:
        if self.link_review_weight > self.link_join_weight:
            raise ValueError("CORNERSTONE_LINK_REVIEW_WEIGHT is above CORNERSTONE_LINK_JOIN_WEIGHT")
        return self

    @property
    def database_limits(self) -> dict[str, str]:
        """What a connection to DuckDB is held to, by the names of DuckDB's own settings."""
        return {
            "memory_limit": f"{self.memory_limit_gib:g}GiB",
            "max_temp_directory_size": f"{self.spill_limit_gib:g}GiB",
        }

    @property
    def project_dir(self) -> Path:
        """The checkout that holds `dbt_project/`, `expectations/` and `raw/`."""
        return PROJECT_DIR

    @property
    def dbt_project_dir(self) -> Path:
        """The dbt project."""
        return PROJECT_DIR / "dbt_project"

    @property
    def rules_dir(self) -> Path:
        """The rule catalogue, one YAML file a return."""
        return PROJECT_DIR / "expectations" / "rules"

    @property
    def inbox_dir(self) -> Path:
        """Where people drop files: one folder a return."""
        return self.raw / "inbox"

    @property
    def seed_dir(self) -> Path:
        """Figures that ship with Cornerstone: one folder a return; landed once, never moved."""
        return self.raw / "seed"

    @property
    def boundaries_dir(self) -> Path:
        """Boundaries of wards and neighbourhoods to draw maps with, as GeoJSON; they stay where they are."""
        return self.raw / "boundaries"

    @property
    def synthetic_dir(self) -> Path:
        """The invented borough of a store that nobody delivered to: one folder a return, and `calibration.csv`."""
        return self.store / "synthetic"

    @property
    def archive_dir(self) -> Path:
        """The bytes of every file ever received, by SHA-256."""
        return self.store / "archive"

    @property
    def vault_dir(self) -> Path:
        """Quarantined rows, and every identifier of a child; nothing below it is ever shared."""
        return self.store / "vault"

    @property
    def key_id_path(self) -> Path:
        """Which secret the store was made with: a fingerprint, not the secret."""
        return self.store / "key_id"

    @property
    def child_link_path(self) -> Path:
        """Which child each pseudonymised person row is: row_person_ref to child_key."""
        return self.landed_dir / "child_link" / "child_link.parquet"

    @property
    def linkage_dir(self) -> Path:
        """What linking children by likeness keeps between runs: the model, scored pairs, joins and their journal."""
        return self.vault_dir / "linkage"

    @property
    def landed_dir(self) -> Path:
        """Landed submissions as Parquet."""
        return self.store / "landed"

    @property
    def warehouse_path(self) -> Path:
        """dbt's working database; one writer, never read by people."""
        return self.store / "warehouse.duckdb"

    @property
    def quality_dir(self) -> Path:
        """Validation results and Data Docs."""
        return self.store / "quality"

    @property
    def dagster_home(self) -> Path:
        """DAGSTER_HOME: run history and dagster.yaml."""
        return self.store / "dagster"

    @property
    def releases_dir(self) -> Path:
        """Immutable release folders."""
        return self.store / "releases"

    @property
    def current_link(self) -> Path:
        """Link to the release that people read."""
        return self.store / "current"


def _has_sound_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def load_settings() -> Settings:
    """Read the settings once.

    Raises:
        CornerstoneError: a variable holds something it cannot hold.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors()[0]
        wrong = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:
            raise CornerstoneError(f"The settings do not go together: {wrong}. Correct them and run again.") from error
        name, *within = first["loc"]
        raise CornerstoneError(
            f"The setting CORNERSTONE_{str(name).upper()} cannot be used: {': '.join([*map(str, within), wrong])}."
            " Correct it and run again."
        ) from error
    return settings.model_copy(update={"store": settings.store.absolute(), "raw": settings.raw.absolute()})
