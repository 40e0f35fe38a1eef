// Key Vault with the app's secrets. The first deployment creates them at random, and later deployments don't change
// them. Nobody has to know them, and they never appear in an output or in a deployment's history.
// The vault accepts requests from all networks, but every reader needs a role. The platform resolves Key Vault
// references from outside the app's network, which fails if public network access is off.

@description('Name of the vault.')
param name string

@description('Region.')
param location string

@description('Tags of the vault.')
param tags object

@description('Principals that read the secrets: objects with key (known before the deployment), principalId and principalType.')
param readers array

@description('Id of the role that allows reading secrets.')
param roleId string

@description('Resource ID of the workspace that receives a log of each read of a secret; empty: none.')
param workspaceId string

@description('A new secret for the participants\' digests, used only if the vault has none.')
@secure()
param newParticipantsSecret string = '${newGuid()}${newGuid()}'

@description('A new secret for the signatures of callback URLs, used only if the vault has none.')
@secure()
param newCallbackSecret string = '${newGuid()}${newGuid()}'

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    publicNetworkAccess: 'Enabled'
  }
}

// If a secret changed, stored participant digests would no longer match, and the signed URLs of running calls would no
// longer be valid.
@onlyIfNotExists()
resource participantsSecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'participants-secret'
  properties: {
    contentType: 'PARTICIPANTS_SECRET of Callvault'
    value: newParticipantsSecret
  }
}

@onlyIfNotExists()
resource callbackSecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'callback-secret'
  properties: {
    contentType: 'CALLBACK_SECRET of Callvault'
    value: newCallbackSecret
  }
}

resource reads 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (!empty(workspaceId)) {
  name: 'callvault'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'AuditEvent'
        enabled: true
      }
    ]
  }
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for reader in readers: {
    name: guid(vault.id, reader.key, roleId)
    scope: vault
    properties: {
      principalId: reader.principalId
      principalType: reader.principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
    }
  }
]
