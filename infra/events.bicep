// The second step: subscribes the function to the ACS resource's events. Azure requires that its code is published first.

targetScope = 'resourceGroup'

@description('Name of the function app, from the outputs of main.bicep.')
param functionAppName string

@description('Name of the system topic, from the outputs of main.bicep.')
param systemTopicName string

@description('Resource group of the ACS resource and its topic.')
param acsResourceGroup string = resourceGroup().name

@description('Account with the dead-letter container, from the outputs of main.bicep.')
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
  // Not callvault-events, which deploys this template: Azure refuses a deployment inside one of the same name.
  name: 'callvault-event-subscription'
  scope: resourceGroup(acsResourceGroup)
  params: {
    systemTopicName: systemTopicName
    functionId: '${app.id}/functions/on_recording_event'
    // CallStarted is needed if AUTO_RECORD is set, and ignored otherwise.
    eventTypes: ['Microsoft.Communication.RecordingFileStatusUpdated', 'Microsoft.Communication.CallStarted']
    deadLetterAccountId: storage.id
    deadLetterContainer: deadLetterContainer
    // Half of the media's retention, so that a dead letter can still be replayed before ACS deletes the media.
    timeToLiveMinutes: min(retentionHours * 30, 1440)
  }
}
