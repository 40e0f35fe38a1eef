// The sample Logic App: records a call, polls until every file is safe, posts the archive record.

@description('Name of the Logic App.')
param name string

@description('Region.')
param location string

@description('Tags of the Logic App.')
param tags object

@description('Address of the function app.')
param callvaultUrl string

@description('Entra audience of the API.')
param audience string

@description('Function key, if the app also requires one; empty: none.')
@secure()
param functionKey string

@description('HTTPS URL to which the archive record is posted; empty: it is not posted.')
@secure()
param resultUrl string

resource workflow 'Microsoft.Logic/workflows@2019-05-01' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    definition: loadJsonContent('../logicapp/workflow.json')
    parameters: {
      callvaultUrl: {
        value: callvaultUrl
      }
      audience: {
        value: audience
      }
      functionKey: {
        value: functionKey
      }
      resultUrl: {
        value: resultUrl
      }
    }
  }
}

output principalId string = workflow.identity.principalId
