// One role of one identity on single containers, and on nothing else in their account.

@description('Account of the containers.')
param accountName string

@description('Names of the containers.')
param containers array

@description('What identifies the identity in the name of the assignment; known before the deployment.')
param key string

@description('Object ID of the identity.')
param principalId string

@description('Kind of the identity.')
@allowed(['ServicePrincipal', 'User', 'Group'])
param principalType string = 'ServicePrincipal'

@description('Id of the built-in role.')
param roleId string

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName

  resource blobs 'blobServices' existing = {
    name: 'default'
  }
}

resource held 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = [
  for container in containers: {
    parent: account::blobs
    name: container
  }
]

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (container, i) in containers: {
    name: guid(held[i].id, key, roleId)
    scope: held[i]
    properties: {
      principalId: principalId
      principalType: principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
    }
  }
]
