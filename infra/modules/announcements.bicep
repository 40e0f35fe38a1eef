// The Event Grid topic of Callvault's announcements about recordings and chunks, for any subscriber.

@description('Name of the topic.')
param name string

@description('Region.')
param location string

@description('Tags of the topic.')
param tags object

@description('What identifies the sender in the name of its role assignment; known before the deployment.')
param senderKey string

@description('Object ID of the identity that announces.')
param senderPrincipalId string

@description('Id of the built-in role that allows sending events.')
param senderRoleId string

resource topic 'Microsoft.EventGrid/topics@2025-02-15' = {
  name: name
  location: location
  tags: tags
  // With this identity, subscriptions can deliver and dead-letter events without a key.
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    inputSchema: 'CloudEventSchemaV1_0'
    disableLocalAuth: true
    minimumTlsVersionAllowed: '1.2'
    publicNetworkAccess: 'Enabled'
  }
}

resource sender 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(topic.id, senderKey, senderRoleId)
  scope: topic
  properties: {
    principalId: senderPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', senderRoleId)
  }
}

output endpoint string = topic.properties.endpoint
