// The function app on Flex Consumption: Python 3.13, one user-assigned identity for all access, no keys.

@description('Name of the function app.')
param name string

@description('Name of its plan.')
param planName string

@description('Region.')
param location string

@description('Tags of app and plan.')
param tags object

@description('Resource ID of the identity that the app runs as.')
param identityId string

@description('Blob endpoint of the host\'s account.')
param hostBlobUri string

@description('Container of the app\'s package in the host\'s account.')
param packageContainer string

@description('Memory of an instance, in MiB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int

@description('Maximum number of instances of each function.')
@minValue(40)
@maxValue(1000)
param maximumInstances int

@description('HTTP requests that an instance processes at once.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int

@description('Whether instances are spread over availability zones.')
param zoneRedundant bool

@description('Whether a deployment replaces instances one after the other.')
param rollingUpdate bool

@description('Instances kept warm for HTTP; 0: none.')
@minValue(0)
@maxValue(100)
param alwaysReadyHttp int

@description('Instances kept warm for archiving; 0: none.')
@minValue(0)
@maxValue(100)
param alwaysReadyArchiving int

@description('Name of the function that archives, to which the warm instances belong.')
param archivingFunction string

@description('Subnet through which the app connects to the network; empty: none.')
param subnetId string

@description('App settings that the deployer may override.')
param settings object

@description('App settings whose values the deployment history must not show. They override settings.')
@secure()
param secretSettings object

@description('Names of secretSettings.')
param secretNames array

@description('Secret for the participants\' digests; empty: participantsReference is used.')
@secure()
param participantsSecret string

@description('Whether participantsSecret is given.')
param hasParticipantsSecret bool

@description('Key Vault reference to the secret for the participants\' digests.')
param participantsReference string

@description('App settings that nobody overrides.')
param fixedSettings object

var warmHttp = alwaysReadyHttp > 0 ? [{ name: 'http', instanceCount: alwaysReadyHttp }] : []
var warmArchiving = alwaysReadyArchiving > 0
  ? [{ name: 'function:${archivingFunction}', instanceCount: alwaysReadyArchiving }]
  : []

// The compiler's types don't have this property yet. Azure's default is Recreate.
var updateStrategy = rollingUpdate ? { siteUpdateStrategy: { type: 'RollingUpdate' } } : {}

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
  // azd finds the app by this tag.
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
    // Allows Key Vault references in settings; the deployer must assign the role on the vault.
    keyVaultReferenceIdentity: identityId
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: union(updateStrategy, {
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
    })
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
      remoteDebuggingEnabled: false
    }
  }

  resource appSettings 'config' = {
    name: 'appsettings'
    // Everything but the values of secrets is a plain value or an expression of its own, so that a dry run shows each
    // setting under its name.
    properties: union(settings, toObject(secretNames, name => name, name => secretSettings[name]), fixedSettings, {
      PARTICIPANTS_SECRET: hasParticipantsSecret ? participantsSecret : participantsReference
      // ACS sends callbacks to the app's URL, which is known only after the app is created.
      CALLBACK_URL: 'https://${app.properties.defaultHostName}/api/callbacks'
    })
  }

  // Publishing requires Entra sign-in; passwords for publishing are disabled. Flex Consumption has no FTP.
  resource scmPasswords 'basicPublishingCredentialsPolicies' = {
    name: 'scm'
    properties: {
      allow: false
    }
  }
}

output url string = 'https://${app.properties.defaultHostName}'
