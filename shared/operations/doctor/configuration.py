"""What the settings tell by themselves: those that are wrong, those that will be regretted, and those misspelt."""

import difflib
import re
from collections.abc import Iterator, Mapping

from shared.errors import SettingsError
from shared.operations.doctor.findings import AUDIENCE_MEND, Finding, Level, ok
from shared.settings.settings import Settings

_DISABLED = re.compile(r"AzureWebJobs\.(\w+)\.Disabled", re.IGNORECASE)
_TRUE = frozenset({"1", "true"})
_HOST = "AzureFunctionsJobHost__"
_ENCODING = f"{_HOST}extensions__queues__messageEncoding"
_RUNTIME = "FUNCTIONS_WORKER_RUNTIME"
_SIGN_IN = "WEBSITE_AUTH_ENABLED"
_TODAYS_RETENTION = 24  # hours that ACS's documentation tells
_SIMILAR = 0.86
# As they are written in README, by how the app compares them.
_KNOWN = {
    (alias or name).upper(): alias or name.upper()
    for name, alias in ((name, field.validation_alias) for name, field in Settings.model_fields.items())
    if alias is None or isinstance(alias, str)
}
_NOT_OURS = ("__CREDENTIAL", "__TENANTID")  # of a connection, and read by the host alone


def concerns(name: str) -> bool:
    """Whether the doctor has anything to say to a setting of this name: what it needs of a deployed app's."""
    known = {_ENCODING, _RUNTIME, *_KNOWN.values()}
    return name.upper() in map(str.upper, known) or bool(_DISABLED.fullmatch(name)) or _meant(name) is not None


def wrong(error: SettingsError, environment: Mapping[str, str]) -> list[Finding]:
    """A failure for each setting that stops the app; one may be missing because its name is misspelt."""
    split = [finding.partition(": ") for finding in error.findings]
    found = [
        Finding(check=f"setting {name}", level=Level.FAILURE, detail="is missing or wrong", mend=mend)
        for name, _, mend in split
    ]
    untried = Finding(check="access", level=Level.NOTE, detail="was not tried: the settings come first")
    return [*found, *_misspelt(environment), *_of_the_host(environment), untried]


def told_by(settings: Settings, environment: Mapping[str, str]) -> list[Finding]:
    """What can be said of settings that are right in themselves."""
    found = [
        *_doubtful(settings),
        *_of_sign_in(settings, environment),
        *_misspelt(environment),
        *_of_the_host(environment),
    ]
    return [ok("settings", f"all {len(Settings.model_fields)} can be read"), *found]


def _doubtful(settings: Settings) -> Iterator[Finding]:
    if settings.retention_hours > _TODAYS_RETENTION:
        yield Finding(
            check="setting RETENTION_HOURS",
            level=Level.WARNING,
            detail=f"is more than the {_TODAYS_RETENTION} hours that ACS promises today: deadlines may come too late",
            mend=f"set it to {_TODAYS_RETENTION}",
        )
    if not settings.delete_source:
        yield Finding(
            check="setting DELETE_SOURCE",
            level=Level.NOTE,
            detail="is false: sources stay in ACS until it destroys them",
            mend="set it to true once you trust the archive",
        )
    if settings.acs_connection_string or settings.host_connection or settings.archive_connection:
        yield Finding(
            check="credentials",
            level=Level.NOTE,
            detail="keys are in use where a managed identity could be",
            mend="set ACS_ENDPOINT and AzureWebJobsStorage__accountName in place of the connection strings",
        )
    yield from _of_callbacks(settings)
    if settings.participants_secret is None:
        yield Finding(
            check="setting PARTICIPANTS_SECRET",
            level=Level.WARNING,
            detail="is not set: participants aren't listed, and a search for one is refused",
            mend="set it to 32 random characters, then run python -m shared.rebuild --apply",
        )
    if settings.announce_topic_endpoint:
        yield Finding(
            check="announcements",
            level=Level.NOTE,
            detail="were not tried: whatever is sent to the topic reaches whoever listens to it",
            mend="see the first chunk announced, or its alert stay silent",
        )
    if settings.acs_local_gateway:
        yield Finding(
            check="setting ACS_LOCAL_GATEWAY", level=Level.NOTE, detail="is set: this is the local stack, not Azure"
        )


def _of_callbacks(settings: Settings) -> Iterator[Finding]:
    if settings.callback_url and not settings.callback_audience:
        yield Finding(
            check="setting CALLBACK_AUDIENCE",
            level=Level.FAILURE,
            detail="is missing while CALLBACK_URL is set: every callback of ACS is refused",
            mend=AUDIENCE_MEND,
        )
    if settings.callback_url and not settings.callback_secret:
        yield Finding(
            check="setting CALLBACK_SECRET",
            level=Level.FAILURE,
            detail="is missing while CALLBACK_URL is set: a token that ACS sent elsewhere can be replayed here",
            mend="set it to 32 random characters; for calls of other code, have ACS call back the URL that "
            "python -m shared.callbackurls prints",
        )
    if settings.callback_audience is None and not settings.callback_url:
        yield Finding(
            check="setting CALLBACK_AUDIENCE",
            level=Level.NOTE,
            detail="is not set: callbacks are refused",
            mend=f"to have them, set CALLBACK_URL; and {AUDIENCE_MEND}",
        )
    for name, wanted in (("REQUIRE_CONSENT", settings.require_consent), ("AUTO_RECORD", settings.auto_record_rules)):
        if wanted and settings.callback_url is None:
            yield Finding(
                check=f"setting {name}",
                level=Level.WARNING,
                detail="is set and CALLBACK_URL is not: of a start whose answer is lost ACS tells us no more",
                mend="set CALLBACK_URL to https://<app>.azurewebsites.net/api/callbacks",
            )
    if settings.callback_url and not settings.callback_url.rstrip("/").endswith("/api/callbacks"):
        yield Finding(
            check="setting CALLBACK_URL",
            level=Level.WARNING,
            detail="does not end in /api/callbacks, where this app takes them",
            mend="set it to https://<app>.azurewebsites.net/api/callbacks",
        )


def _of_sign_in(settings: Settings, environment: Mapping[str, str]) -> Iterator[Finding]:
    """The platform sets the variable in the app, where it sets the site's name as well; elsewhere it is a setting."""
    said = [name for name in environment if name.upper() == _SIGN_IN]
    if said and "WEBSITE_SITE_NAME" not in environment:
        yield Finding(
            check=f"setting {_SIGN_IN}",
            level=Level.FAILURE,
            detail="is an app setting: where sign-in is off, the app believes whoever a request claims to come from",
            mend="remove it: the platform sets it where App Service's built-in authentication is on",
        )
    if settings.sign_in_replaces_key and settings.callback_url is None:
        yield Finding(
            check="sign-in",
            level=Level.NOTE,
            detail="was not tried from outside: CALLBACK_URL, which names the app's address, is not set",
            mend="set CALLBACK_URL to https://<app>.azurewebsites.net/api/callbacks",
        )


def _misspelt(environment: Mapping[str, str]) -> Iterator[Finding]:
    """A setting whose name is nearly one of ours is passed over in silence by the app."""
    for name in sorted(environment):
        meant = _meant(name)
        if meant is not None:
            yield Finding(
                check=f"setting {name}",
                level=Level.WARNING,
                detail="is none of Callvault's, and nearly one: it has no effect",
                mend=f"call it {meant}",
            )


def _meant(name: str) -> str | None:
    """The setting that this is nearly the name of; None if it is one, or like none."""
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
                detail="is switched off",
                mend=f"remove the setting {name}",
            )
    if environment.get(_RUNTIME, "python") != "python":
        yield Finding(check=f"setting {_RUNTIME}", level=Level.FAILURE, detail="is not python", mend="set it so")
    if environment.get(_ENCODING, "none").lower() != "none":
        yield Finding(
            check=f"setting {_ENCODING}",
            level=Level.WARNING,
            detail="keeps messages that aren't base64 from the app, so that nobody is told of them",
            mend="remove it: host.json says none",
        )
    if "WEBSITE_SITE_NAME" in environment and "APPLICATIONINSIGHTS_CONNECTION_STRING" not in environment:
        yield Finding(
            check="setting APPLICATIONINSIGHTS_CONNECTION_STRING",
            level=Level.WARNING,
            detail="is not set: nobody sees the logs, and no alert can ring",
            mend="connect the app with an Application Insights resource",
        )
