// The app's secrets, in a Key Vault: made once, at random, and never changed by a later deployment. Nobody has to know
// them, and none is ever in a parameter, an output or a deployment's history.
// The vault is open to networks, not to people: every reader needs a role. The platform resolves an app's references from
// outside the app's network, so it fails for a vault that is closed to the public one.

@description('Name of the vault.')
param name string

@description('Region.')
param location string

@description('Tags of the vault.')
param tags object

@description('Who reads the secrets: each with principalId and principalType.')
param readers array

@description('Id of the role that reads secrets.')
param roleId string

@description('Resource id of the workspace that gets a log of each read of a secret; empty: none.')
param workspaceId string

@description('A new secret for the participants\' digests, used only where the vault has none.')
@secure()
param newParticipantsSecret string = '${newGuid()}${newGuid()}'

@description('A new secret for the signatures of callback URLs, used only where the vault has none.')
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

// With another secret the digests of participants would match no more, and the signed URLs of running calls neither.
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
    name: guid(vault.id, reader.principalId, roleId)
    scope: vault
    properties: {
      principalId: reader.principalId
      principalType: reader.principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
    }
  }
]

@description('Name of the vault.')
output name string = vault.name
