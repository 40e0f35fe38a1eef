// Deletes dead letters after some days: an event is useless after ACS has deleted its media.

@description('Account that holds the dead letters.')
param accountName string

@description('Container of the dead letters.')
param container string

@description('Days after which dead letters are deleted.')
@minValue(1)
param days int

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName
}

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'deadletters'
          enabled: true
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: ['${container}/']
            }
            actions: {
              baseBlob: { delete: { daysAfterModificationGreaterThan: days } }
            }
          }
        }
      ]
    }
  }
}
