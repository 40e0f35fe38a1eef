// Logs of the ACS resource and its system topic: each request to record, each recording that ended, each event that
// couldn't be delivered. Both resources are in the resource group of the ACS resource.

@description('Name of the ACS resource.')
param acsName string

@description('Name of the system topic.')
param systemTopicName string

@description('Resource ID of the workspace.')
param workspaceId string

resource acs 'Microsoft.Communication/communicationServices@2025-05-01' existing = {
  name: acsName
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: systemTopicName
}

resource recordingLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'callvault'
  scope: acs
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        // Each request to start, stop, pause or resume: the table ACSCallRecordingIncomingOperations.
        category: 'CallRecordingOperational'
        enabled: true
      }
      {
        // Each recording that ended: the table ACSCallRecordingSummary.
        category: 'CallRecordingSummary'
        enabled: true
      }
    ]
  }
}

resource topicLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'callvault'
  scope: topic
  properties: {
    workspaceId: workspaceId
    logAnalyticsDestinationType: 'Dedicated'
    logs: [
      {
        category: 'DeliveryFailures'
        enabled: true
      }
    ]
  }
}
