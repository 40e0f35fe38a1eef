"""Checks the settings without any connection: invalid ones, risky ones, and misspelt names."""

import difflib
import re
from collections.abc import Iterator, Mapping

from shared.errors import SettingsError
from shared.operations.doctor.findings import AUDIENCE_FIX, Finding, Level, ok
from shared.settings.settings import Settings

_DISABLED = re.compile(r"AzureWebJobs\.(\w+)\.Disabled", re.IGNORECASE)
_TRUE = frozenset({"1", "true"})
_HOST = "AzureFunctionsJobHost__"
_ENCODING = f"{_HOST}extensions__queues__messageEncoding"
_RUNTIME = "FUNCTIONS_WORKER_RUNTIME"
_SIGN_IN = "WEBSITE_AUTH_ENABLED"
_TODAYS_RETENTION = 24  # hours, by ACS's documentation
_SIMILAR = 0.86
# Names as documented, by the upper-case form that the app compares.
_KNOWN = {
    (alias or name).upper(): alias or name.upper()
    for name, alias in ((name, field.validation_alias) for name, field in Settings.model_fields.items())
    if alias is None or isinstance(alias, str)
}
_NOT_OURS = ("__CREDENTIAL", "__TENANTID")  # part of a connection, read by the host only


def concerns(name: str) -> bool:
    """Whether the doctor checks a setting of this name; a deployed app's other settings aren't read."""
    known = {_ENCODING, _RUNTIME, *_KNOWN.values()}
    return name.upper() in map(str.upper, known) or bool(_DISABLED.fullmatch(name)) or _meant(name) is not None


def invalid_settings(error: SettingsError, environment: Mapping[str, str]) -> list[Finding]:
    """A failure for each setting that stops the app. Misspelt names may explain a missing setting."""
    split = [finding.partition(": ") for finding in error.findings]
    found = [
        Finding(check=f"setting {name}", level=Level.FAILURE, detail="is missing or invalid", fix=fix)
        for name, _, fix in split
    ]
    untried = Finding(check="access", level=Level.NOTE, detail="wasn't checked: fix the settings first")
    return [*found, *_misspelt(environment), *_of_the_host(environment), untried]


def settings_findings(settings: Settings, environment: Mapping[str, str]) -> list[Finding]:
    """Findings about settings that are valid by themselves."""
    found = [
        *_doubtful(settings),
        *_of_sign_in(settings, environment),
        *_misspelt(environment),
        *_of_the_host(environment),
    ]
    return [ok("settings", f"all {len(Settings.model_fields)} are valid"), *found]


def _doubtful(settings: Settings) -> Iterator[Finding]:
    if settings.retention_hours > _TODAYS_RETENTION:
        yield Finding(
            check="setting RETENTION_HOURS",
            level=Level.WARNING,
            detail=f"is more than the {_TODAYS_RETENTION} hours that ACS guarantees: deadlines may be too late",
            fix=f"set it to {_TODAYS_RETENTION}",
        )
    if not settings.delete_source:
        yield Finding(
            check="setting DELETE_SOURCE",
            level=Level.NOTE,
            detail="is false: sources stay in ACS until ACS deletes them",
            fix="set it to true once you trust the archive",
        )
    if settings.acs_connection_string or settings.host_connection or settings.archive_connection:
        yield Finding(
            check="credentials",
            level=Level.NOTE,
            detail="keys are used instead of a managed identity",
            fix="set ACS_ENDPOINT and AzureWebJobsStorage__accountName instead of the connection strings",
        )
    yield from _of_callbacks(settings)
    if settings.participants_secret is None:
        yield Finding(
            check="setting PARTICIPANTS_SECRET",
            level=Level.WARNING,
            detail="isn't set: participants aren't listed, and a search by participant is refused",
            fix="set it to 32 random characters, then rebuild the lists (docs/queries.md#participants)",
        )
    if settings.announce_topic_endpoint:
        yield Finding(
            check="announcements",
            level=Level.NOTE,
            detail="weren't tried: a test event would reach every subscriber of the topic",
            fix="after the first chunk is archived, check that a subscriber of the topic received its announcement",
        )
    if settings.acs_local_gateway:
        yield Finding(
            check="setting ACS_LOCAL_GATEWAY",
            level=Level.NOTE,
            detail="is set: the app uses the local simulator, not ACS",
        )


def _of_callbacks(settings: Settings) -> Iterator[Finding]:
    if settings.callback_url and not settings.callback_audience:
        yield Finding(
            check="setting CALLBACK_AUDIENCE",
            level=Level.FAILURE,
            detail="is missing while CALLBACK_URL is set: every callback of ACS is refused",
            fix=AUDIENCE_FIX,
        )
    if settings.callback_url and not settings.callback_secret:
        yield Finding(
            check="setting CALLBACK_SECRET",
            level=Level.FAILURE,
            detail="is missing while CALLBACK_URL is set: a token that ACS sent to another app can be replayed here",
            fix="set it to 32 random characters; in your own code that places calls, use the callback URL that "
            "python -m shared.callbackurls prints",
        )
    if settings.callback_audience is None and not settings.callback_url:
        yield Finding(
            check="setting CALLBACK_AUDIENCE",
            level=Level.NOTE,
            detail="isn't set: callbacks are refused",
            fix=f"to receive callbacks, set CALLBACK_URL, and {AUDIENCE_FIX}",
        )
    for name, wanted in (("REQUIRE_CONSENT", settings.require_consent), ("AUTO_RECORD", settings.auto_record_rules)):
        if wanted and settings.callback_url is None:
            yield Finding(
                check=f"setting {name}",
                level=Level.WARNING,
                detail="is set without CALLBACK_URL: if Callvault doesn't receive ACS's response to a start, it "
                "doesn't know that recording until its files are reported",
                fix="set CALLBACK_URL to https://<app>.azurewebsites.net/api/callbacks",
            )
    if settings.callback_url and not settings.callback_url.rstrip("/").endswith("/api/callbacks"):
        yield Finding(
            check="setting CALLBACK_URL",
            level=Level.WARNING,
            detail="doesn't end in /api/callbacks, the app's route for callbacks",
            fix="set it to https://<app>.azurewebsites.net/api/callbacks",
        )


def _of_sign_in(settings: Settings, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Only the platform may set the variable. It then sets the site's name, too."""
    named = [name for name in environment if name.upper() == _SIGN_IN]
    if named and "WEBSITE_SITE_NAME" not in environment:
        yield Finding(
            check=f"setting {_SIGN_IN}",
            level=Level.FAILURE,
            detail="is an app setting: while sign-in is off, the app would trust forged identity headers",
            fix="remove it: the platform sets it if App Service's built-in authentication is on",
        )
    if settings.sign_in_replaces_key and settings.callback_url is None:
        yield Finding(
            check="sign-in",
            level=Level.NOTE,
            detail="wasn't checked from outside: CALLBACK_URL, which contains the app's URL, isn't set",
            fix="set CALLBACK_URL to https://<app>.azurewebsites.net/api/callbacks",
        )


def _misspelt(environment: Mapping[str, str]) -> Iterator[Finding]:
    """The app silently ignores a setting whose name is misspelt."""
    for name in sorted(environment):
        meant = _meant(name)
        if meant is not None:
            yield Finding(
                check=f"setting {name}",
                level=Level.WARNING,
                detail=f"isn't a setting of Callvault and has no effect; it resembles {meant}",
                fix=f"rename it to {meant}",
            )


def _meant(name: str) -> str | None:
    """The setting with the most similar name; None if `name` is a setting, or similar to none."""
    if name.upper() in _KNOWN or name.upper().endswith(_NOT_OURS):
        return None
    near = difflib.get_close_matches(name.upper(), _KNOWN, n=1, cutoff=_SIMILAR)
    return _KNOWN[near[0]] if near else None


def _of_the_host(environment: Mapping[str, str]) -> Iterator[Finding]:
    for name, value in sorted(environment.items()):
        disabled = _DISABLED.fullmatch(name)
        if disabled and value.lower() in _TRUE:
            yield Finding(
                check=f"function {disabled[1]}",
                level=Level.FAILURE,
                detail="is disabled",
                fix=f"remove the setting {name}",
            )
    if environment.get(_RUNTIME, "python") != "python":
        yield Finding(check=f"setting {_RUNTIME}", level=Level.FAILURE, detail="isn't python", fix="set it to python")
    if environment.get(_ENCODING, "none").lower() != "none":
        yield Finding(
            check=f"setting {_ENCODING}",
            level=Level.WARNING,
            detail="keeps messages that aren't base64 from the app, so nothing reports them",
            fix="remove it: host.json sets none",
        )
    if "WEBSITE_SITE_NAME" in environment and "APPLICATIONINSIGHTS_CONNECTION_STRING" not in environment:
        yield Finding(
            check="setting APPLICATIONINSIGHTS_CONNECTION_STRING",
            level=Level.WARNING,
            detail="isn't set: no logs are kept, and no alert can fire",
            fix="connect the app to an Application Insights resource",
        )
