// The Logic App that posts a card to Teams when a recording is archived, or when a chunk failed or is lost. Event Grid
// delivers the announcements to a queue: a Logic App's HTTP trigger can't answer the validation of CloudEvents.

@description('Name of the Logic App.')
param name string

@description('Region.')
param location string

@description('Tags of the Logic App.')
param tags object

@description('Topic of the announcements.')
param topicName string

@description('Types of the announcements that get a card.')
param eventTypes array

@description('Account of the queue.')
param accountName string

@description('Name of the queue, which the Logic App reads.')
param queueName string

@description('Id of the built-in role that allows receiving and deleting messages.')
param processorRoleId string

@description('Address of the function app, to which the cards link.')
param callvaultUrl string

@description('HTTPS URL of the Teams workflow that posts the cards.')
@secure()
param teamsUrl string

resource topic 'Microsoft.EventGrid/topics@2025-02-15' existing = {
  name: topicName
}

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName

  resource queues 'queueServices' existing = {
    name: 'default'

    resource queue 'queues' existing = {
      name: queueName
    }
  }
}

resource workflow 'Microsoft.Logic/workflows@2019-05-01' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    definition: loadJsonContent('../logicapp/teams-cards.json')
    parameters: {
      callvaultUrl: {
        value: callvaultUrl
      }
      queueUrl: {
        value: 'https://${accountName}.queue.${environment().suffixes.storage}/${queueName}'
      }
      teamsUrl: {
        value: teamsUrl
      }
    }
  }
}

resource processor 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account::queues::queue.id, workflow.id, processorRoleId)
  scope: account::queues::queue
  properties: {
    principalId: workflow.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', processorRoleId)
  }
}

resource subscription 'Microsoft.EventGrid/topics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'teams-cards'
  properties: {
    deliveryWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      destination: {
        endpointType: 'StorageQueue'
        properties: {
          resourceId: account.id
          queueName: account::queues::queue.name
          // A card that Teams refused for a day is dropped.
          queueMessageTimeToLiveInSeconds: 86400
        }
      }
    }
    eventDeliverySchema: 'CloudEventSchemaV1_0'
    filter: {
      includedEventTypes: eventTypes
    }
  }
}
