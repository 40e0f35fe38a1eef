// Where logs, metrics and traces go: Application Insights on one Log Analytics workspace, with access by identity only.

@description('Name of the workspace.')
param workspaceName string

@description('Resource ID of an existing workspace that is used instead; empty: none.')
param existingWorkspaceId string

@description('Name of the Application Insights resource.')
param insightsName string

@description('Region.')
param location string

@description('Tags of the resources.')
param tags object

@description('Days for which logs are kept.')
@minValue(30)
@maxValue(730)
param retentionDays int

@description('What identifies the sender in the name of its role assignment; known before the deployment.')
param senderKey string

@description('Object ID of the identity that sends telemetry.')
param senderPrincipalId string

@description('Id of the built-in role that allows sending telemetry.')
param senderRoleId string

// The parts of /subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.OperationalInsights/workspaces/<name>.
var existingParts = split(empty(existingWorkspaceId) ? '////////' : existingWorkspaceId, '/')

resource existing 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = if (!empty(existingWorkspaceId)) {
  scope: resourceGroup(existingParts[2], existingParts[4])
  name: existingParts[8]
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = if (empty(existingWorkspaceId)) {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionDays
    features: {
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: true
    }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: insightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: empty(existingWorkspaceId) ? workspace.id : existingWorkspaceId
    DisableLocalAuth: true
  }
}

// With local authentication off, senders need an identity in addition to the connection string.
resource sender 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, senderKey, senderRoleId)
  scope: insights
  properties: {
    principalId: senderPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', senderRoleId)
  }
}

output connectionString string = insights.properties.ConnectionString
output workspaceCustomerId string = empty(existingWorkspaceId)
  ? workspace!.properties.customerId
  : existing!.properties.customerId
