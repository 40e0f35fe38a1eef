"""Private networking, by one parameter: storage is reachable only from inside, and all its names resolve there."""

from tests.infra.expressions import look
from tests.infra.policies.storage import ACCOUNT
from tests.infra.templates import Templates, made, names, only

NETWORK = "Microsoft.Network/virtualNetworks"
ENDPOINT = "Microsoft.Network/privateEndpoints"
ZONE = "Microsoft.Network/privateDnsZones"
WORKSPACE = "Microsoft.OperationalInsights/workspaces"


def the_network_is_created_only_on_request(templates: Templates) -> None:
    deployment = templates.main()
    assert not [one for one in deployment.resources if one.type.startswith("Microsoft.Network/")]
    assert only(deployment, "Microsoft.Web/sites").properties["virtualNetworkSubnetId"] is None
    assert all(one.properties["publicNetworkAccess"] == "Enabled" for one in made(deployment, ACCOUNT))


def storage_has_no_public_access(templates: Templates) -> None:
    """The archive has none; the host's account admits one topic, which stores dead letters there."""
    deployment = templates.main("private")
    host, archive = made(deployment, ACCOUNT)
    assert archive.properties["publicNetworkAccess"] == "Disabled"
    for account in (host, archive):
        assert account.properties["networkAcls"]["defaultAction"] == "Deny"
        assert account.properties["networkAcls"]["bypass"] == "AzureServices", "lifecycle rules and dead letters"
    guests = [one["resourceId"] for one in host.properties["networkAcls"]["resourceAccessRules"]]
    assert guests == [only(deployment, "Microsoft.EventGrid/systemTopics").id]
    assert archive.properties["networkAcls"]["resourceAccessRules"] == []


def every_service_in_use_has_an_endpoint_and_a_name(templates: Templates) -> None:
    for scenario in ("private", "oneprivate"):
        deployment = templates.main(scenario)
        network = only(deployment, NETWORK)
        reached = set()
        for endpoint in made(deployment, ENDPOINT):
            (connection,) = endpoint.properties["privateLinkServiceConnections"]
            account = connection["properties"]["privateLinkServiceId"].rpartition("/")[2]
            (service,) = connection["properties"]["groupIds"]
            reached.add((account, service))
            assert endpoint.properties["subnet"]["id"] == f"{network.id}/subnets/endpoints"
            (group,) = [
                one for one in made(deployment, f"{ENDPOINT}/privateDnsZoneGroups") if endpoint.name in one.name
            ]
            (zone,) = group.properties["privateDnsZoneConfigs"]
            dns = look(zone["properties"]["privateDnsZoneId"])
            assert dns.endswith(f"/callvault', '{ZONE}', 'privatelink.{service}.core.windows.net')]")
        host, *archive = [one.name for one in made(deployment, ACCOUNT)]
        wanted = {(host, "blob"), (host, "queue"), (host, "table"), *((name, "blob") for name in archive)}
        assert reached == wanted
        zones = {one.name for one in made(deployment, ZONE)}
        assert zones == {f"privatelink.{service}.core.windows.net" for service in ("blob", "queue", "table")}
        links = made(deployment, f"{ZONE}/virtualNetworkLinks")
        assert {one.name.partition("/")[0] for one in links} == zones
        assert {one.properties["virtualNetwork"]["id"] for one in links} == {network.id}


def the_apps_outbound_traffic_uses_its_own_subnet(templates: Templates) -> None:
    deployment = templates.main("private")
    network, site = only(deployment, NETWORK), only(deployment, "Microsoft.Web/sites")
    assert site.properties["virtualNetworkSubnetId"] == f"{network.id}/subnets/app"
    assert site.properties["publicNetworkAccess"] == "Enabled", "Event Grid and callers come from outside"
    subnets = {one["name"]: one["properties"] for one in network.properties["subnets"]}
    assert [one["properties"]["serviceName"] for one in subnets["app"]["delegations"]] == ["Microsoft.App/environments"]
    assert subnets["app"]["natGateway"]["id"] == only(deployment, "Microsoft.Network/natGateways").id
    assert names(deployment, "Microsoft.Network/publicIPAddresses")


def own_subnets_zones_and_workspace_are_used(templates: Templates) -> None:
    deployment = templates.main("ownplaces")
    assert not [one for one in deployment.resources if one.type in {NETWORK, ZONE, f"{ZONE}/virtualNetworkLinks"}]
    assert only(deployment, "Microsoft.Web/sites").properties["virtualNetworkSubnetId"].endswith("/hub/subnets/app")
    endpoints = made(deployment, ENDPOINT)
    assert len(endpoints) == 4
    assert all(one.properties["subnet"]["id"].endswith("/hub/subnets/endpoints") for one in endpoints)
    groups = made(deployment, f"{ENDPOINT}/privateDnsZoneGroups")
    zones = [look(one.properties["privateDnsZoneConfigs"][0]["properties"]["privateDnsZoneId"]) for one in groups]
    assert len(zones) == 4
    assert all("/resourceGroups/dns'" in zone for zone in zones)
    assert not made(templates.main("ownsubnets"), f"{ENDPOINT}/privateDnsZoneGroups"), "a policy creates the records"
    assert not made(deployment, WORKSPACE)
    assert not made(deployment, f"{WORKSPACE}/savedSearches"), "nothing is written into another group"
    assert only(deployment, "Microsoft.Insights/components").properties["WorkspaceResourceId"].endswith("/shared")
    for rule in made(deployment, "Microsoft.Insights/scheduledQueryRules"):
        assert rule.properties["scopes"][0].endswith("/resourceGroups/logs/providers/" + WORKSPACE + "/shared")
    sent = [one.properties["workspaceId"] for one in made(deployment, "Microsoft.Insights/diagnosticSettings")]
    assert len(sent) == 5
    assert all(one.endswith("/shared") for one in sent)
