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

@description('Whether the infrastructure encrypts a second time; can\'t be changed later.')
param infrastructureEncryption bool

@description('Key that encrypts the account, without its version; empty: a key that Microsoft manages.')
param keyUri string

@description('Resource ID of the identity that may use the key.')
param keyIdentityId string

@description('Names of the queues.')
param queues array = []

@description('Names of the tables.')
param tables array = []

@description('Names of the containers.')
param containers array = []

@description('Origins of the pages that may read blobs, with a link that grants it.')
param readingOrigins array = []

@description('Enabled: reachable from everywhere, with a role. Guarded: by private endpoint and from the resources in guests. Disabled: by private endpoint only.')
@allowed(['Enabled', 'Guarded', 'Disabled'])
param publicAccess string = 'Enabled'

@description('Resource IDs with access from outside if publicAccess is Guarded; each also needs a role.')
param guests array = []

// Queues and tables use the account's key only if the account is created so.
var services = {
  blob: { enabled: true, keyType: 'Account' }
  file: { enabled: true, keyType: 'Account' }
  queue: { enabled: true, keyType: empty(keyUri) ? 'Service' : 'Account' }
  table: { enabled: true, keyType: empty(keyUri) ? 'Service' : 'Account' }
}
// The parts of https://<vault>.vault.azure.net/keys/<key>.
var keyParts = split(keyUri, '/')
var encryption = empty(keyUri)
  ? { keySource: 'Microsoft.Storage' }
  : {
      keySource: 'Microsoft.Keyvault'
      identity: { userAssignedIdentity: keyIdentityId }
      keyvaultproperties: { keyvaulturi: 'https://${keyParts[2]}', keyname: keyParts[4] }
    }

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  identity: empty(keyUri) ? null : { type: 'UserAssigned', userAssignedIdentities: { '${keyIdentityId}': {} } }
  properties: {
    encryption: union(encryption, {
      services: services
      requireInfrastructureEncryption: infrastructureEncryption
    })
    // With access keys off, only identities can sign links. Links that are valid longer than a day are logged.
    sasPolicy: {
      sasExpirationPeriod: '1.00:00:00'
      expirationAction: 'Log'
    }
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

// CORS grants no access: it only lets a page of these origins read what a signed link grants. The page requests ranges.
var corsRules = empty(readingOrigins)
  ? []
  : [
      {
        allowedOrigins: readingOrigins
        allowedMethods: ['GET', 'HEAD']
        allowedHeaders: ['range']
        exposedHeaders: ['accept-ranges', 'content-length', 'content-range', 'content-type']
        maxAgeInSeconds: 3600
      }
    ]

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    cors: {
      corsRules: corsRules
    }
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
