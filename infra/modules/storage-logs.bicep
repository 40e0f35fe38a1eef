// Sends logs to the workspace: reads, writes and deletes of the archive's blobs and of the tables, and requests to and
// failures of the announcements' topic. Two saved queries read these logs.

@description('Account that holds the archive.')
param archiveAccountName string

@description('Account that holds the tables.')
param tablesAccountName string

@description('Topic of the announcements; empty: none.')
param topicName string

@description('Resource ID of the workspace that receives the logs.')
param workspaceId string

@description('Name of the workspace in this group, which then gets the saved queries; empty: it is not Callvault\'s own.')
param ownWorkspaceName string

@description('Object ID of the app\'s identity: the queries use it to distinguish the app\'s requests from others.')
param appPrincipalId string

var storageCategories = ['StorageRead', 'StorageWrite', 'StorageDelete']
var topicCategories = ['DataPlaneRequests', 'DeliveryFailures', 'PublishFailures']

var queries = [
  {
    name: 'who-read'
    title: 'Who read this recording'
    text: loadTextContent('../queries/who-read.kql')
  }
  {
    name: 'deleted-outside'
    title: 'What was deleted outside Callvault'
    text: loadTextContent('../queries/deleted-outside.kql')
  }
]

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = if (!empty(ownWorkspaceName)) {
  name: ownWorkspaceName
}

resource archive 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: archiveAccountName

  resource blobs 'blobServices' existing = {
    name: 'default'
  }
}

resource host 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: tablesAccountName

  resource tables 'tableServices' existing = {
    name: 'default'
  }
}

resource topic 'Microsoft.EventGrid/topics@2025-02-15' existing = if (!empty(topicName)) {
  name: topicName
}

resource blobLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'callvault'
  scope: archive::blobs
  properties: {
    workspaceId: workspaceId
    logs: [
      for category in storageCategories: {
        category: category
        enabled: true
      }
    ]
  }
}

resource tableLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'callvault'
  scope: host::tables
  properties: {
    workspaceId: workspaceId
    logs: [
      for category in storageCategories: {
        category: category
        enabled: true
      }
    ]
  }
}

resource topicLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (!empty(topicName)) {
  name: 'callvault'
  scope: topic
  properties: {
    workspaceId: workspaceId
    logAnalyticsDestinationType: 'Dedicated'
    logs: [
      for category in topicCategories: {
        category: category
        enabled: true
      }
    ]
  }
}

resource saved 'Microsoft.OperationalInsights/workspaces/savedSearches@2020-08-01' = [
  for query in (empty(ownWorkspaceName) ? [] : queries): {
    parent: workspace
    name: query.name
    properties: {
      category: 'Callvault'
      displayName: query.title
      query: replace(query.text, '<object id of the app>', appPrincipalId)
      version: 2
    }
  }
]
