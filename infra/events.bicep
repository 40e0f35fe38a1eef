// The second step: the ACS resource's events go to the function. It must be published before, or Azure refuses.

targetScope = 'resourceGroup'

@description('Name of the function app, as main.bicep gave it.')
param functionAppName string

@description('Name of the system topic, as main.bicep gave it.')
param systemTopicName string

@description('Resource group of the ACS resource and its topic.')
param acsResourceGroup string = resourceGroup().name

@description('Account with the dead-letter container, as main.bicep gave it.')
param hostStorageName string

@description('Container of the events that could not be delivered.')
param deadLetterContainer string = 'deadletter'

@description('Hours for which ACS keeps a finished file, as in main.bicep.')
@minValue(1)
@maxValue(48)
param retentionHours int = 24

resource app 'Microsoft.Web/sites@2024-11-01' existing = {
  name: functionAppName
}

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: hostStorageName
}

module subscription 'modules/event-subscription.bicep' = {
  name: 'callvault-events'
  scope: resourceGroup(acsResourceGroup)
  params: {
    systemTopicName: systemTopicName
    functionId: '${app.id}/functions/on_recording_event'
    // CallStarted matters where AUTO_RECORD is set, and is ignored elsewhere.
    eventTypes: ['Microsoft.Communication.RecordingFileStatusUpdated', 'Microsoft.Communication.CallStarted']
    deadLetterAccountId: storage.id
    deadLetterContainer: deadLetterContainer
    // Half of the media's own time, so that a dead letter can still be replayed before its media are gone.
    timeToLiveMinutes: min(retentionHours * 30, 1440)
  }
}
