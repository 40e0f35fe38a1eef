// Private endpoints of one storage account, and their names in the network's DNS zones.

@description('Name of the account.')
param accountName string

@description('Region.')
param location string

@description('Tags of the endpoints.')
param tags object

@description('Services of the account with private endpoints.')
param services array

@description('Subnet of the endpoints.')
param subnetId string

@description('Resource ID of the group with the DNS zones; empty: no records are created.')
param zoneGroupId string

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName
}

// One after the other: endpoints of one account or in one subnet disturb each other while they are created.
@batchSize(1)
resource endpoints 'Microsoft.Network/privateEndpoints@2024-10-01' = [
  for service in services: {
    name: 'pe-${accountName}-${service}'
    location: location
    tags: tags
    properties: {
      subnet: {
        id: subnetId
      }
      privateLinkServiceConnections: [
        {
          name: service
          properties: {
            privateLinkServiceId: account.id
            groupIds: [service]
          }
        }
      ]
    }
  }
]

// The parts of /subscriptions/<id>/resourceGroups/<group>.
var zoneGroup = split(empty(zoneGroupId) ? '////' : zoneGroupId, '/')
var recorded = empty(zoneGroupId) ? [] : services

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' existing = [
  for service in recorded: {
    scope: resourceGroup(zoneGroup[2], zoneGroup[4])
    name: 'privatelink.${service}.${environment().suffixes.storage}'
  }
]

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-10-01' = [
  for (service, i) in recorded: {
    parent: endpoints[i]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: service
          properties: {
            privateDnsZoneId: zones[i].id
          }
        }
      ]
    }
  }
]
