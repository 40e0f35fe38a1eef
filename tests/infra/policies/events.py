"""Event Grid: the function receives single events, and undeliverable events are stored before the source expires."""

from collections.abc import Mapping
from typing import Any

from shared.contracts.events.call_started import CALL_STARTED
from shared.contracts.events.recording_event import RECORDING_FILE_STATUS_UPDATED
from tests.infra.policies.storage import CONTAINER, account_of, settings_of
from tests.infra.product import app_settings, functions
from tests.infra.templates import ACS, Templates, made, only

TOPIC = "Microsoft.EventGrid/systemTopics"
SUBSCRIPTION = f"{TOPIC}/eventSubscriptions"


def the_topic_is_that_of_the_acs_resource(templates: Templates) -> None:
    topic = only(templates.main("other"), TOPIC)
    assert topic.group == "rg2"
    assert topic.body["location"] == "global"
    assert topic.body["identity"] == {"type": "SystemAssigned"}
    assert topic.properties["topicType"] == "Microsoft.Communication.CommunicationServices"
    assert topic.properties["source"].endswith(f"/rg2/providers/Microsoft.Communication/communicationServices/{ACS}")


def an_existing_topic_is_used(templates: Templates) -> None:
    """Azure allows one for a resource: a second would fail the deployment."""
    assert not made(templates.main("foundtopic"), TOPIC)
    assert only(templates.events("eventsfoundtopic"), SUBSCRIPTION).name == "t1/callvault"


def the_announcement_topic_is_created_on_request(templates: Templates) -> None:
    kind = "Microsoft.EventGrid/topics"
    assert not made(templates.main(), kind)
    assert settings_of(templates).announce_topic_endpoint is None
    topic = only(templates.main("announce"), kind)
    assert topic.properties["inputSchema"] == "CloudEventSchemaV1_0"
    assert topic.properties["disableLocalAuth"] is True
    assert topic.properties["minimumTlsVersionAllowed"] == "1.2"
    settings = settings_of(templates, "announce")
    assert topic.gives(app_settings(templates, "announce")["ANNOUNCE_TOPIC_ENDPOINT"], "endpoint")
    assert settings.announce_topic_key is None


def the_acs_resource_is_created_only_on_request(templates: Templates) -> None:
    acs = "Microsoft.Communication/communicationServices"
    assert not made(templates.main(), acs)
    assert only(templates.main("createacs"), acs).properties == {"dataLocation": "Europe"}


def events_go_to_the_function_that_processes_them(templates: Templates) -> None:
    subscription = only(templates.events(), SUBSCRIPTION).properties
    destination = subscription["destination"]
    assert destination["endpointType"] == "AzureFunction"
    app, _, name = destination["properties"]["resourceId"].rpartition("/functions/")
    assert functions()[name]["type"] == "eventGridTrigger"
    assert app.endswith(f"/sites/{templates.main().outputs['functionAppName']}")
    assert destination["properties"]["maxEventsPerBatch"] == 1
    assert subscription["eventDeliverySchema"] == "EventGridSchema"


def only_the_events_that_callvault_uses_are_subscribed(templates: Templates) -> None:
    subscription = only(templates.events(), SUBSCRIPTION).properties
    assert subscription["filter"] == {"includedEventTypes": [RECORDING_FILE_STATUS_UPDATED, CALL_STARTED]}


def delivery_ends_while_the_media_exist(templates: Templates) -> None:
    for hours, scenario in ((1, "eventsshort"), (24, "events"), (48, "eventslong")):
        retry = only(templates.events(scenario), SUBSCRIPTION).properties["retryPolicy"]
        assert 1 <= retry["eventTimeToLiveInMinutes"] <= hours * 30, "half of the media's time is left for a replay"
        assert 1 <= retry["maxDeliveryAttempts"] <= 30


def undelivered_events_are_dead_lettered(templates: Templates) -> None:
    letters = only(templates.events(), SUBSCRIPTION).properties["deadLetterWithResourceIdentity"]
    assert letters["identity"] == {"type": "SystemAssigned"}
    destination = letters["deadLetterDestination"]
    container = settings_of(templates).deadletter_container
    account = account_of(templates, container)
    assert destination["endpointType"] == "StorageBlob"
    assert destination["properties"]["blobContainerName"] == container
    assert destination["properties"]["resourceId"].endswith(f"/storageAccounts/{account}")
    assert settings_of(templates).host_storage.blob_uri == f"https://{account}.blob.core.windows.net/"
    assert f"{account}/default/{container}" in {one.name for one in made(templates.main(), CONTAINER)}


def with_a_package_one_deployment_does_everything_in_order(templates: Templates) -> None:
    package = "Microsoft.Web/sites/extensions"
    assert not made(templates.main(), package)
    assert not made(templates.main(), SUBSCRIPTION)
    deployment = templates.main("release")
    assert only(deployment, package).name.endswith("/onedeploy")
    assert only(deployment, package).properties == {
        "packageUri": "https://example.com/callvault.zip",
        "remoteBuild": False,
    }
    subscription, alone = only(deployment, SUBSCRIPTION), only(templates.events(), SUBSCRIPTION)
    assert subscription.group == "rg2"
    assert subscription.properties == alone.properties
    steps = {one["name"]: " ".join(one.get("dependsOn", ())) for one in nested(templates.compiled())}
    assert "'callvault-app'" in steps["callvault-package"]
    assert "'callvault-host-roles'" in steps["callvault-package"], "the package is stored as the app's identity"
    assert "'callvault-package'" in steps["callvault-package-events"]
    assert "'callvault-deadletter-role'" in steps["callvault-package-events"]


def no_deployment_has_the_name_of_one_that_it_is_part_of(templates: Templates) -> None:
    """Azure refuses to start a deployment under the name of an active one in the same group."""
    names = [one["name"] for one in all_nested(templates.compiled())]
    assert len(set(names)) == len(names)
    assert not set(names) & {"callvault", "callvault-events"}, "the names that deploy.sh and azure.yaml give"


def nested(template: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The nested deployments of a compiled template, whose resources are a list or, with symbolic names, an object."""
    resources = template["resources"]
    listed = resources.values() if isinstance(resources, Mapping) else resources
    return [one for one in listed if one["type"] == "Microsoft.Resources/deployments"]


def all_nested(template: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    inner = nested(template)
    return inner + [deeper for one in inner for deeper in all_nested(one["properties"]["template"])]
