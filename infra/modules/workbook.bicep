// A workbook that shows which recordings are safe, which aren't, and why.

@description('Name of the function app, for the workbook\'s title.')
param appName string

@description('Region.')
param location string

@description('Tags of the workbook.')
param tags object

@description('Resource ID of the workspace.')
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(workspaceId, 'callvault')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Callvault: ${appName}'
    category: 'workbook'
    sourceId: workspaceId
    serializedData: string(loadJsonContent('../workbook.json'))
  }
}
