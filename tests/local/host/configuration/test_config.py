"""host.json and local.settings.json are read as by Core Tools. Errors name the key."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from local.host.configuration.config import HostConfig, QueueOptions, Settings, read_host_json, read_settings
from local.host.configuration.log_filter import LogFilter
from local.host.errors import ConfigError


def read(directory: Path, content: object) -> HostConfig:
    (directory / "host.json").write_text(json.dumps(content))
    return read_host_json(directory, {})


def test_a_bare_host_json_gives_the_defaults(tmp_path: Path) -> None:
    config = read(tmp_path, {"version": "2.0", "extensionBundle": {"id": "x"}})
    assert config == HostConfig()
    assert (config.function_timeout, config.queues.max_dequeue_count) == (timedelta(minutes=30), 5)


def test_values_of_host_json_are_used(tmp_path: Path) -> None:
    queues = {
        "batchSize": 32,
        "maxPollingInterval": "00:00:30",
        "visibilityTimeout": "00:01:00",
        "maxDequeueCount": 3,
        "messageEncoding": "None",
    }
    content = {
        "version": "2.0",
        "functionTimeout": "1.02:03:04.5",
        "extensions": {"http": {"routePrefix": "/v1/"}, "queues": queues},
    }
    assert read(tmp_path, content) == HostConfig(
        route_prefix="v1",
        function_timeout=timedelta(days=1, hours=2, minutes=3, seconds=4.5),
        queues=QueueOptions(
            batch_size=32,
            new_batch_threshold=16,
            max_polling_interval=timedelta(seconds=30),
            visibility_timeout=timedelta(minutes=1),
            max_dequeue_count=3,
            message_encoding="none",
        ),
    )


def test_a_timeout_of_minus_one_is_none(tmp_path: Path) -> None:
    assert read(tmp_path, {"version": "2.0", "functionTimeout": "-1"}).function_timeout is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([], "the whole must be an object"),
        ({}, 'version must be "2.0"'),
        ({"version": "2.0", "functionTimeout": "soon"}, "functionTimeout must be a time span"),
        ({"version": "2.0", "functionTimeout": 5}, "functionTimeout must be a string"),
        ({"version": "2.0", "extensions": []}, "extensions must be an object"),
        (
            {"version": "2.0", "extensions": {"http": {"routePrefix": 1}}},
            "http.routePrefix must be a string",
        ),
        ({"version": "2.0", "extensions": {"queues": {"batchSize": 33}}}, "extensions.queues.batchSize must be"),
        ({"version": "2.0", "extensions": {"queues": {"batchSize": True}}}, "extensions.queues.batchSize must be"),
        ({"version": "2.0", "extensions": {"queues": {"messageEncoding": "x"}}}, "queues.messageEncoding must be"),
        ({"version": "2.0", "logging": {"logLevel": {"default": 1}}}, "logging.logLevel.default must be a string"),
    ],
)
def test_an_invalid_value_is_reported_with_its_key(tmp_path: Path, content: Any, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        read(tmp_path, content)


def test_a_directory_without_host_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has no host\.json"):
        read_host_json(tmp_path, {})


def test_an_app_setting_wins_over_host_json_in_any_casing(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0", "extensions": {"queues": {"batchSize": 4}}}')
    settings = {
        "AzureFunctionsJobHost__extensions__queues__batchSize": "7",
        "AZUREFUNCTIONSJOBHOST__Extensions__Queues__VisibilityTimeout": "00:00:09",
        "AzureFunctionsJobHost__functionTimeout": "-1",
    }
    config = read_host_json(tmp_path, settings)
    assert (config.queues.batch_size, config.queues.visibility_timeout) == (7, timedelta(seconds=9))
    assert config.function_timeout is None


def test_an_invalid_app_setting_is_refused_with_its_key(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    with pytest.raises(ConfigError, match=r"host\.json: extensions\.queues\.batchSize must be"):
        read_host_json(tmp_path, {"AzureFunctionsJobHost__extensions__queues__batchSize": "many"})


def test_comments_are_not_json(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"} // comment')
    with pytest.raises(ConfigError, match=r"host\.json is not valid JSON"):
        read_host_json(tmp_path, {})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"IsEncrypted": True, "Values": {}}, "is encrypted"),
        ({"Values": {"PORT": 7}}, r"Values\.PORT must be a string"),
        ({"Values": []}, "Values must be an object"),
        ([], "must be a JSON object"),
    ],
)
def test_invalid_settings_are_refused(tmp_path: Path, content: Any, reason: str) -> None:
    file = tmp_path / "local.settings.json"
    file.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match=reason):
        read_settings(file, {})


def test_the_environment_wins_over_local_settings(tmp_path: Path) -> None:
    file = tmp_path / "local.settings.json"
    file.write_text(json.dumps({"Values": {"A": "local", "B": "local"}}))
    settings = read_settings(file, {"A": "environment"})
    assert (settings.get("A"), settings.get("B"), settings.skipped) == ("environment", "local", ("A",))


def test_binding_expressions_are_resolved_from_settings() -> None:
    settings = Settings(values={"NAME": "jobs"})
    assert settings.resolve("%NAME%-poison") == "jobs-poison"
    with pytest.raises(ConfigError, match="%OTHER% does not resolve"):
        settings.resolve("%OTHER%")


def test_the_longest_matching_category_sets_the_log_level() -> None:
    allows = LogFilter({"default": "Warning", "Function": "Error", "Function.a.User": "Information"})
    info = {"level": "INFO", "logger": "app"}
    assert allows({**info, "function": "a"})
    assert not allows({**info, "function": "b"})
    assert not allows({**info, "level": "WARNING", "function": "b"})
    assert allows({**info, "level": "WARNING", "logger": "host"})


def test_an_unknown_log_level_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"logging\.logLevel\.default must be one of"):
        LogFilter({"default": "Loud"})
