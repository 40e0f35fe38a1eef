// The function app on Flex Consumption: Python 3.13, one user-assigned identity for everything, no key for anything.

@description('Name of the function app.')
param name string

@description('Name of its plan.')
param planName string

@description('Region.')
param location string

@description('Tags of app and plan.')
param tags object

@description('Resource id of the identity that the app runs as.')
param identityId string

@description('Blob endpoint of the host\'s account.')
param hostBlobUri string

@description('Container of the app\'s package in the host\'s account.')
param packageContainer string

@description('Memory of an instance, in MiB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int

@description('Most instances of each function.')
@minValue(40)
@maxValue(1000)
param maximumInstances int

@description('HTTP requests that an instance takes at once.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int

@description('Whether instances are spread over availability zones.')
param zoneRedundant bool

@description('Instances kept warm for HTTP; 0: none.')
@minValue(0)
@maxValue(100)
param alwaysReadyHttp int

@description('Instances kept warm for archiving; 0: none.')
@minValue(0)
@maxValue(100)
param alwaysReadyArchiving int

@description('Function that archives, for the instances kept warm.')
param archivingFunction string

@description('Subnet that the app reaches the network through; empty: none.')
param subnetId string

@description('App settings. Some may be secret: the deployment\'s history shows none.')
@secure()
param settings object

var warmHttp = alwaysReadyHttp > 0 ? [{ name: 'http', instanceCount: alwaysReadyHttp }] : []
var warmArchiving = alwaysReadyArchiving > 0 ? [{ name: 'function:${archivingFunction}', instanceCount: alwaysReadyArchiving }] : []

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  // The tag is what azd finds the app by.
  tags: union(tags, { 'azd-service-name': 'callvault' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    // Lets a setting be a Key Vault reference; the vault's own role is the deployer's to give.
    keyVaultReferenceIdentity: identityId
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostBlobUri}${packageContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstances
        alwaysReady: concat(warmHttp, warmArchiving)
        triggers: {
          http: {
            perInstanceConcurrency: httpConcurrency
          }
        }
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
      remoteDebuggingEnabled: false
    }
  }

  resource appSettings 'config' = {
    name: 'appsettings'
    // ACS tells of recordings at the app's own address, which is known only once the app is there.
    properties: union(settings, { CALLBACK_URL: 'https://${app.properties.defaultHostName}/api/callbacks' })
  }

  // Publishing goes by Entra sign-in; the passwords that Azure would make are off.
  resource scmPasswords 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: {
      allow: false
    }
  }

  resource ftpPasswords 'basicPublishingCredentialsPolicies' = {
    name: 'ftp'
    properties: {
      allow: false
    }
  }
}

output id string = app.id
output name string = app.name
output url string = 'https://${app.properties.defaultHostName}'
