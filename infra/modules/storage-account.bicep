// A storage account without key access: Entra only, TLS 1.2, no public blobs, soft delete.

@description('Name of the account, unique in all of Azure.')
param name string

@description('Region.')
param location string

@description('Tags of the account.')
param tags object

@description('Redundancy, such as Standard_ZRS.')
param sku string

@description('Whether overwritten and deleted blobs are kept as versions.')
param versioning bool

@description('Days for which a deleted blob or container can be restored.')
@minValue(1)
@maxValue(365)
param softDeleteDays int

@description('Names of the queues.')
param queues array = []

@description('Names of the tables.')
param tables array = []

@description('Names of the containers.')
param containers array = []

@description('Enabled: reachable from everywhere, with a role. Guarded: by private endpoint and from the resources in guests. Disabled: by private endpoint only.')
@allowed(['Enabled', 'Guarded', 'Disabled'])
param publicAccess string = 'Enabled'

@description('Resource IDs with access from outside if publicAccess is Guarded; each also needs a role.')
param guests array = []

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: publicAccess == 'Disabled' ? 'Disabled' : 'Enabled'
    networkAcls: {
      defaultAction: publicAccess == 'Enabled' ? 'Allow' : 'Deny'
      // Lifecycle rules and Event Grid's dead letters come from Azure's own services, which the firewall stops otherwise.
      bypass: publicAccess == 'Enabled' ? 'None' : 'AzureServices'
      resourceAccessRules: [
        for guest in publicAccess == 'Guarded' ? guests : []: {
          tenantId: tenant().tenantId
          resourceId: guest
        }
      ]
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    isVersioningEnabled: versioning
    deleteRetentionPolicy: {
      enabled: true
      days: softDeleteDays
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: softDeleteDays
    }
  }
}

resource heldContainers 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = [
  for container in containers: {
    parent: blobs
    name: container
    properties: {
      publicAccess: 'None'
    }
  }
]

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource heldQueues 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = [
  for queue in queues: {
    parent: queueService
    name: queue
  }
]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource heldTables 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-06-01' = [
  for table in tables: {
    parent: tableService
    name: table
  }
]
