// The queue of the announcements that become cards, to which the topic delivers them. Event Grid checks the role when the
// subscription is created, and a new role takes minutes to become effective: so this module is deployed early, and
// teams-cards.bicep late.

@description('Topic of the announcements.')
param topicName string

@description('Account of the queue.')
param accountName string

@description('Name of the queue.')
param queueName string

@description('Id of the built-in role that allows sending messages.')
param senderRoleId string

resource topic 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: topicName
}

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName

  resource queues 'queueServices' existing = {
    name: 'default'

    resource queue 'queues' = {
      name: queueName
    }
  }
}

resource sender 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account::queues::queue.id, topic.id, senderRoleId)
  scope: account::queues::queue
  properties: {
    principalId: topic.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', senderRoleId)
  }
}
