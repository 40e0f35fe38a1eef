// The subscription of one function to the events of a system topic, in the topic's resource group.

@description('Name of the system topic.')
param systemTopicName string

@description('Resource ID of the function.')
param functionId string

@description('Types of the events that the function receives.')
param eventTypes array

@description('Resource ID of the account with the dead-letter container.')
param deadLetterAccountId string

@description('Container of the events that could not be delivered.')
param deadLetterContainer string

@description('Minutes for which delivery is retried.')
@minValue(1)
@maxValue(1440)
param timeToLiveMinutes int

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: systemTopicName

  resource subscription 'eventSubscriptions' = {
    name: 'callvault'
    properties: {
      destination: {
        endpointType: 'AzureFunction'
        properties: {
          resourceId: functionId
          // One event per delivery, so that a failing event doesn't affect others.
          maxEventsPerBatch: 1
          preferredBatchSizeInKilobytes: 64
        }
      }
      eventDeliverySchema: 'EventGridSchema'
      filter: {
        includedEventTypes: eventTypes
      }
      retryPolicy: {
        eventTimeToLiveInMinutes: timeToLiveMinutes
        maxDeliveryAttempts: 30
      }
      deadLetterWithResourceIdentity: {
        identity: {
          type: 'SystemAssigned'
        }
        deadLetterDestination: {
          endpointType: 'StorageBlob'
          properties: {
            blobContainerName: deadLetterContainer
            resourceId: deadLetterAccountId
          }
        }
      }
    }
  }
}
