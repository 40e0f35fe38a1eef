"""What the templates must match: the product's settings, and the triggers that function_app binds."""

import importlib.util
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from shared.settings.settings import Settings, is_reference, load_settings
from tests.infra.expressions import look
from tests.infra.templates import Templates, made

_FUNCTION_APP = Path(__file__).parents[2] / "function_app.py"

# Read by the host, not by us: identity-based connections, how much it hands an instance at once, and telemetry,
# and what it answers by itself.
HOST_SETTINGS = frozenset(
    {
        "AzureWebJobsDisableHomepage",
        "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT",
        "AzureWebJobsStorage__credential",
        "AzureFunctionsJobHost__extensions__queues__batchSize",
        "AzureFunctionsJobHost__extensions__queues__newBatchThreshold",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
        "OTEL_TRACES_SAMPLER",
        "OTEL_TRACES_SAMPLER_ARG",
    }
)
# Read by the worker, where it shall send Callvault's metrics and spans.
METRIC_SETTINGS = frozenset({"PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"})


def app_settings(templates: Templates, scenario: str = "default") -> Mapping[str, str]:
    """The app settings that the template sets."""
    deployment = templates.main(scenario)
    (config,) = [one for one in made(deployment, "Microsoft.Web/sites/config") if one.name.endswith("/appsettings")]
    settings: Mapping[str, str] = config.properties
    return settings


def as_resolved(given: Mapping[str, str]) -> Mapping[str, str]:
    """The settings as the platform hands them to the app, with stand-ins for what only Azure or a vault knows."""
    return {name: "s" * 72 if is_reference(value) else look(value) for name, value in given.items()}


def setting_names() -> set[str]:
    """Every setting that the product reads."""
    fields = Settings.model_fields.items()
    return {str(field.validation_alias or name.upper()) for name, field in fields}


def settings_under(given: Mapping[str, str]) -> Settings:
    """The product's settings in an environment that holds nothing but these. Raises SettingsError as at start."""
    with patch.dict(os.environ, as_resolved(given), clear=True):
        return load_settings()


@cache
def functions() -> Mapping[str, Mapping[str, Any]]:
    """Each function's trigger, by name, from function_app itself, started with the settings that the template sets."""
    spec = importlib.util.spec_from_file_location("function_app_under_template", _FUNCTION_APP)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with patch.dict(os.environ, as_resolved(app_settings(Templates()))):
        spec.loader.exec_module(module)
    return {one.get_function_name(): one.get_trigger().get_dict_repr() for one in module.app.get_functions()}
