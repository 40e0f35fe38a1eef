// Roles of one identity on a whole storage account. The calls of this module state the roles and the reasons.

@description('Account on which the roles are assigned.')
param accountName string

@description('What identifies the identity in the name of the assignment; known before the deployment.')
param key string

@description('Object ID of the identity.')
param principalId string

@description('Kind of the identity.')
@allowed(['ServicePrincipal', 'User', 'Group'])
param principalType string = 'ServicePrincipal'

@description('Ids of the built-in roles.')
param roleIds array

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for roleId in roleIds: {
    name: guid(account.id, key, roleId)
    scope: account
    properties: {
      principalId: principalId
      principalType: principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
    }
  }
]
