// Callvault in one resource group. The Event Grid subscription (events.bicep) needs the app's code: with packageUrl, this
// template deploys both as well. Otherwise they follow it. Safe to deploy again: existing resources stay, changed properties are updated.

targetScope = 'resourceGroup'

// --- Names and location

@description('Common part of all resource names: 3 to 12 letters, digits and hyphens.')
@minLength(3)
@maxLength(12)
param name string = 'callvault'

@description('Region of all resources except ACS and Event Grid topics, which have none.')
param location string = resourceGroup().location

@description('Tags of all resources.')
param tags object = {}

// --- ACS

@description('Name of the ACS resource whose recordings are archived.')
@minLength(1)
param acsName string

@description('Resource group of the ACS resource, in the same subscription.')
param acsResourceGroup string = resourceGroup().name

@description('Whether to create the ACS resource. By default it must exist.')
param createAcs bool = false

@description('Where a new ACS resource keeps its data at rest; it can never be changed.')
@allowed([
  'Africa'
  'Asia Pacific'
  'Australia'
  'Brazil'
  'Canada'
  'Europe'
  'France'
  'Germany'
  'India'
  'Japan'
  'Korea'
  'Norway'
  'Switzerland'
  'UAE'
  'UK'
  'United States'
])
param acsDataLocation string = 'Europe'

@description('Name of the ACS resource\'s Event Grid system topic, if it has one already: Azure allows only one. It must be in the resource group of the ACS resource and have a system-assigned identity.')
param systemTopicName string = ''

// --- How recordings are archived

@description('Hours for which ACS keeps a finished file.')
@minValue(1)
@maxValue(48)
param retentionHours int = 24

@description('Whether a source is deleted in ACS once its files are safe.')
param deleteSource bool = true

@description('Whether to create an Event Grid topic that announces which recordings are safe, failed or lost (docs/announcements.md).')
param announce bool = false

@description('Secret of at least 16 characters that keys the digests of participant IDs, so that a reader of the table can\'t test guessed IDs. Empty: the first deployment creates a random secret in the template\'s Key Vault. A Key Vault reference to another vault is accepted as well.')
@secure()
param participantsSecret string = ''

@description('Further app settings by name, as docs/settings.md lists them. They can override SIGN_IN_REPLACES_KEY, the sampling settings, and the settings that depend on instanceMemoryMB, but no other setting of this template. The deployment history shows them.')
param extraSettings object = {}

@description('Further app settings whose values the deployment history must not show. They override extraSettings. With one of them, a dry run shows no app settings.')
@secure()
param extraSecretSettings object = {}

// --- The archive

@description('Whether archive and quarantine have their own storage account.')
param archiveInOwnAccount bool = true

@description('Further origins of the page, such as https://recordings.contoso.com for a domain of yours. The page may read the sound of single channels from the archive only from these and from the app\'s own address.')
param pageOrigins array = []

@description('Redundancy of the archive\'s own storage account. Regions without availability zones need a value without ZRS (docs/templates.md).')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
  'Standard_RAGRS'
  'Standard_GZRS'
  'Standard_RAGZRS'
])
param archiveStorageSku string = 'Standard_ZRS'

@description('Redundancy of the host\'s storage account, which also has the archive if archiveInOwnAccount is false.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
  'Standard_RAGRS'
  'Standard_GZRS'
  'Standard_RAGZRS'
])
param hostStorageSku string = 'Standard_ZRS'

@description('Days for which deleted blobs and containers can be restored.')
@minValue(1)
@maxValue(365)
param softDeleteDays int = 14

@description('Days after which a recording moves to the cool tier; 0: never.')
@minValue(0)
param coolAfterDays int = 0

@description('Days after which a recording moves to the cold tier, which is cheaper than the cool tier and can still be read at once; 0: never.')
@minValue(0)
param coldAfterDays int = 0

@description('Days after which a recording moves to the archive tier, where it must be rehydrated before it can be read; 0: never. Zone-redundant storage has no archive tier.')
@minValue(0)
param archiveAfterDays int = 0

@description('Days after which a recording and all its versions are deleted; 0: never.')
@minValue(0)
param deleteAfterDays int = 0

@description('Days after which quarantined items and dead letters are deleted; 0: never.')
@minValue(0)
param quarantineDays int = 90

@description('Days for which nobody can change or delete a recording (version-level immutability, unlocked); 0: no such rule. Decide before the first deployment: it can\'t always be added to an existing container.')
@minValue(0)
@maxValue(146000)
param immutabilityDays int = 0

@description('Whether the rule of immutabilityDays is locked (docs/templates.md): the deployment then leaves it as it is, because Azure refuses to deploy a locked rule.')
param immutabilityLocked bool = false

@description('Whether a lock keeps the archive\'s account from being deleted, also together with its resource group. It needs the right to write locks (docs/teardown.md).')
param lockArchive bool = false

@description('Whether storage is encrypted twice, by the service and by its infrastructure. Decide before the first deployment: it can\'t be changed.')
param infrastructureEncryption bool = false

@description('Key of a Key Vault, without its version, that encrypts both storage accounts (https://<vault>.vault.azure.net/keys/<key>). Empty: Microsoft manages the keys. Decide before the first deployment: queues and tables can\'t be changed to such a key.')
param encryptionKeyUri string = ''

@description('Resource ID of a user-assigned identity that has the role Key Vault Crypto Service Encryption User on the key, if encryptionKeyUri is given.')
param encryptionIdentityId string = ''

// --- The app

@description('Memory of an instance, in MiB. It determines how many chunks the instance copies at once. Some regions may still refuse 512.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Maximum number of instances of each function.')
@minValue(40)
@maxValue(1000)
param maximumInstances int = 100

@description('HTTP requests that an instance processes at once. Azure\'s default would be one.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 16

@description('Instances kept warm for HTTP, billed all the time; 0: none.')
@minValue(0)
@maxValue(100)
param alwaysReadyHttp int = 0

@description('Instances kept warm for archiving, billed all the time; 0: none.')
@minValue(0)
@maxValue(100)
param alwaysReadyArchiving int = 0

@description('Whether instances are spread over availability zones. docs/deploy.md has the command that lists the regions which support it.')
param zoneRedundant bool = false

@description('Whether a deployment replaces instances one after the other and lets running functions finish (preview in Azure). If false, it stops all of them at once.')
param rollingUpdate bool = false

@description('HTTPS URL of a package that was built with its libraries, such as that of a release (docs/deploy.md). The deployment then publishes it and subscribes the app to the events. Empty: the code and events.bicep are deployed afterwards.')
param packageUrl string = ''

// --- Who may call

@description('Client ID of an Entra app registration that represents the API: callers sign in instead of using a function key. Empty: they use the key. Its tokens must have version 2.')
param entraClientId string = ''

@description('Object IDs of the users and identities that may call, if entraClientId is given: at most 12, because App Service accepts at most 500 characters.')
@maxLength(12)
param entraAllowedPrincipalIds array = []

@description('Object IDs of the groups whose members may call, if entraClientId is given. Tokens must contain the groups claim (docs/templates.md).')
param entraAllowedGroupIds array = []

@description('Whether every caller with an app role may call. If false, a deployment with entraClientId must name callers in entraAllowedPrincipalIds or entraAllowedGroupIds.')
param entraAllowAnyCaller bool = false

// --- Network

@description('Whether storage is reachable only through a private network. The app itself stays public, because Event Grid and callers come from outside.')
param privateNetworking bool = false

@description('Address range of the private network.')
param networkPrefix string = '10.20.0.0/24'

@description('Address range of the app\'s subnet in it, at least a /27.')
param appSubnetPrefix string = '10.20.0.0/26'

@description('Address range of the private endpoints\' subnet in it.')
param endpointSubnetPrefix string = '10.20.0.64/26'

@description('Resource ID of a subnet of yours for the app\'s outbound traffic, delegated to Microsoft.App/environments, with a way to the internet. Empty: privateNetworking creates a network.')
param appSubnetId string = ''

@description('Resource ID of a subnet of yours for the private endpoints, if appSubnetId is given.')
param endpointSubnetId string = ''

@description('Resource ID of the group with your private DNS zones for blob, queue and table storage, if appSubnetId is given. Empty: no DNS records are created, for example because a policy of yours does it.')
param dnsZoneGroupId string = ''

// --- Monitoring

@description('Resource ID of a Log Analytics workspace of yours, used by no other Callvault. Empty: one is created.')
param existingWorkspaceId string = ''

@description('Email addresses that are notified when an alert fires.')
param alertEmails array = []

@description('Resource IDs of action groups that are notified as well.')
param alertActionGroupIds array = []

@description('Whether the alert rules are on.')
param alertsEnabled bool = true

@description('Days for which logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 90

@description('Whether access logs go to the workspace: requests to the archive\'s blobs, the tables and the Key Vault, recording operations of ACS, and requests and failures of the Event Grid topics. docs/operations.md lists their cost.')
param accessLogs bool = true

@description('Whether Callvault\'s metrics and spans are sent. They need azure-monitor-opentelemetry in requirements.txt first (docs/observability.md).')
param sendMetrics bool = false

// --- Sample caller

@description('Whether to create the sample Logic App. It signs in with its own identity, so it is created only with entraClientId.')
param sampleLogicApp bool = false

@description('Function key for the sample Logic App, if SIGN_IN_REPLACES_KEY is false and the app requires a key in addition to the sign-in.')
@secure()
param sampleFunctionKey string = ''

@description('HTTPS URL to which the sample Logic App posts the archive record. The parameter is secure because the URL may contain a key. Empty: the record is not posted.')
@secure()
param sampleResultUrl string = ''

// --- Cards in Teams

@description('Whether to create the Logic App that posts cards about announcements to Teams (docs/logic-apps.md). It needs announce, and no privateNetworking.')
param teamsCards bool = false

@description('HTTPS URL of the Teams workflow that posts the cards. The parameter is secure because the URL contains its key.')
@secure()
param teamsUrl string = ''

@description('Types of the announcements that get a card.')
@allowed([
  'Callvault.RecordingComplete'
  'Callvault.ChunkArchived'
  'Callvault.ChunkFailed'
  'Callvault.ChunkLost'
])
param teamsCardsAbout array = ['Callvault.RecordingComplete', 'Callvault.ChunkFailed', 'Callvault.ChunkLost']

// --- Who operates it

@description('Object ID of the person or identity that runs the doctor, the rebuild and shared.deadletters from outside the app; empty: nobody.')
param operatorPrincipalId string = ''

@description('Whether the operator may write tables. Only the rebuild with --apply needs this permission: set it to false again afterwards.')
param operatorMayRebuild bool = false

@description('Kind of the operator.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param operatorPrincipalType string = 'User'

var suffix = take(uniqueString(resourceGroup().id, name), 8)
var stem = toLower(replace(name, '-', ''))
var hasSafeTeamsUrl = startsWith(teamsUrl, 'https://')
var hasSafeResultUrl = empty(sampleResultUrl) || startsWith(sampleResultUrl, 'https://')
var topicName = empty(systemTopicName) ? 'evgt-${name}-${suffix}' : systemTopicName

// Names and ids that modules share. A dry run shows only resources whose names are known before the deployment, so these
// values don't come from the outputs of other modules; dependsOn states the order instead.
var hostAccountName = 'st${stem}h${suffix}'
var archiveAccountName = archiveInOwnAccount ? 'st${stem}a${suffix}' : hostAccountName
var functionAppName = 'func-${name}-${suffix}'
// The page reads the sound from a link to the archive, on another origin.
var allPageOrigins = union(['https://${functionAppName}.azurewebsites.net'], pageOrigins)
var announcementsTopicName = 'evgt-${name}-announcements-${suffix}'
var workspaceName = 'log-${name}-${suffix}'
var workspaceId = empty(existingWorkspaceId)
  ? resourceId('Microsoft.OperationalInsights/workspaces', workspaceName)
  : existingWorkspaceId
var systemTopicId = resourceId(
  subscription().subscriptionId,
  acsResourceGroup,
  'Microsoft.EventGrid/systemTopics',
  topicName
)
var hostBlobUri = 'https://${hostAccountName}.blob.${environment().suffixes.storage}/'

// The defaults of the app's settings. The host creates none of these, except the poison queue after the first failure.
var chunksQueue = 'recording-chunks'
var queues = [chunksQueue, '${chunksQueue}-poison']
var tables = ['recordings', 'worklist', 'links', 'requests', 'calendar', 'participants']
var cardsQueueName = 'teams-cards'
var blobService = ['blob']
var hostServices = ['blob', 'queue', 'table']
var archiveContainer = 'recordings'
var quarantineContainer = 'quarantine'
var packageContainer = 'app-package'
var deadLetterContainer = 'deadletter'

// A vault's name must not contain two hyphens in a row.
var vaultName = 'kv-${stem}-${suffix}'
// Only the platform may set this variable. As an app setting, it would tell the app that sign-in is on even where it is
// off, and the app would trust the identity headers of any request.
var refusedSetting = 'WEBSITE_AUTH_ENABLED'
var furtherSettings = contains(',${toUpper(join(objectKeys(extraSettings), ','))},', ',${refusedSetting},')
  ? fail('extraSettings: remove ${refusedSetting}, which the platform sets where sign-in is on')
  : extraSettings
var secretNames = contains(',${toUpper(join(objectKeys(extraSecretSettings), ','))},', ',${refusedSetting},')
  ? fail('extraSecretSettings: remove ${refusedSetting}, which the platform sets where sign-in is on')
  : objectKeys(extraSecretSettings)

var createNetwork = privateNetworking && empty(appSubnetId)
var zoneGroupId = createNetwork ? resourceGroup().id : dnsZoneGroupId

// Combinations that Azure would refuse only after it has created some resources, or would accept and that lose data.
var hasZones = contains(archiveInOwnAccount ? archiveStorageSku : hostStorageSku, 'ZRS')
var refusals = concat(
  empty(packageUrl) || startsWith(packageUrl, 'https://') ? [] : ['packageUrl: must begin with https://'],
  teamsCards && !announce ? ['teamsCards: set announce to true as well'] : [],
  teamsCards && privateNetworking
    ? ['teamsCards: a Logic App of the Consumption plan can\'t read a queue in a private network']
    : [],
  empty(appSubnetId) != empty(endpointSubnetId) ? ['appSubnetId, endpointSubnetId: set both, or neither'] : [],
  !empty(appSubnetId) && !privateNetworking ? ['appSubnetId: set privateNetworking to true as well'] : [],
  empty(encryptionKeyUri) != empty(encryptionIdentityId)
    ? ['encryptionKeyUri, encryptionIdentityId: set both, or neither']
    : [],
  immutabilityLocked && immutabilityDays == 0
    ? ['immutabilityLocked: leave immutabilityDays at the number of days of the locked rule']
    : [],
  archiveAfterDays > 0 && hasZones
    ? [
        'archiveAfterDays: zone-redundant storage has no archive tier; use coldAfterDays, or choose a redundancy without ZRS'
      ]
    : [],
  zoneRedundant && min(alwaysReadyHttp, alwaysReadyArchiving) < 2
    ? [
        'zoneRedundant: set alwaysReadyHttp and alwaysReadyArchiving to at least 2, so that each has instances in two zones'
      ]
    : [],
  archiveAfterDays > 0 && coolAfterDays >= archiveAfterDays
    ? ['coolAfterDays: set it to fewer days than archiveAfterDays, or to 0']
    : [],
  coldAfterDays > 0 && coolAfterDays >= coldAfterDays
    ? ['coolAfterDays: set it to fewer days than coldAfterDays, or to 0']
    : [],
  archiveAfterDays > 0 && coldAfterDays >= archiveAfterDays
    ? ['coldAfterDays: set it to fewer days than archiveAfterDays, or to 0']
    : [],
  deleteAfterDays > 0 && coldAfterDays >= deleteAfterDays
    ? ['coldAfterDays: set it to fewer days than deleteAfterDays, or to 0']
    : [],
  deleteAfterDays > 0 && coolAfterDays >= deleteAfterDays
    ? ['coolAfterDays: set it to fewer days than deleteAfterDays, or to 0']
    : [],
  deleteAfterDays > 0 && archiveAfterDays >= deleteAfterDays
    ? ['archiveAfterDays: set it to fewer days than deleteAfterDays, or to 0']
    : [],
  deleteAfterDays > 0 && immutabilityDays > 0 && deleteAfterDays <= immutabilityDays
    ? ['deleteAfterDays: set it to more days than immutabilityDays, during which nothing can be deleted']
    : []
)
// With this setting, the app distinguishes files that the lifecycle rule deleted from files that someone removed.
var retentionSettings = deleteAfterDays > 0 ? { ARCHIVE_DELETE_AFTER_DAYS: string(deleteAfterDays) } : {}
var announceSettings = announce ? { ANNOUNCE_TOPIC_ENDPOINT: announcements!.outputs.endpoint } : {}
var callersAreNamed = !empty(entraAllowedPrincipalIds) || !empty(entraAllowedGroupIds)
var callersAreIntended = empty(entraClientId) || callersAreNamed || entraAllowAnyCaller
var signInSettings = empty(entraClientId) ? {} : { SIGN_IN_REPLACES_KEY: 'true' }

// Concurrency of an instance, so that it fits into its memory: docs/design.md has the calculation.
var sizes = {
  '512': { batch: '2', threshold: '1', blockMib: '4', budgetMib: '64' }
  '2048': { batch: '8', threshold: '4', blockMib: '8', budgetMib: '192' }
  '4096': { batch: '16', threshold: '8', blockMib: '8', budgetMib: '384' }
}
var size = sizes[string(instanceMemoryMB)]

// The deployer can override these settings.
var proposedSettings = {
  AzureFunctionsJobHost__extensions__queues__batchSize: size.batch
  AzureFunctionsJobHost__extensions__queues__newBatchThreshold: size.threshold
  BLOCK_SIZE_MIB: size.blockMib
  MEMORY_BUDGET_MIB: size.budgetMib
  // By default, Azure Monitor keeps five traces a second and drops the others together with their log lines, which the
  // alerts need.
  OTEL_TRACES_SAMPLER: 'microsoft.fixed_percentage'
  OTEL_TRACES_SAMPLER_ARG: '1.0'
}

// The worker sends its own telemetry; spans of the Azure SDKs would contain the URLs that they call.
var metricSettings = sendMetrics
  ? {
      PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY: 'true'
      OTEL_PYTHON_DISABLED_INSTRUMENTATIONS: 'azure_sdk,requests,urllib,urllib3,httpx,django,fastapi,flask,psycopg2'
    }
  : {}

// Built-in roles. Each assignment below states who gets the role and why.
var roles = {
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  storageBlobDelegator: 'db58b8e5-c6ad-4a2a-8342-4190687cbf4a'
  storageQueueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  storageQueueDataMessageSender: 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'
  storageQueueDataMessageProcessor: '8a0f0c08-91a1-4084-bc3d-661d67233fed'
  storageTableDataReader: '76199698-9eea-4c19-bc75-cec21354c6b6'
  storageTableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  eventGridDataSender: 'd5a91429-5739-47e2-a06b-3470a27159e7'
  monitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
  keyVaultSecretsUser: '4633458b-17de-408a-874b-0445c86b69e6'
  communicationOwner: '09976791-48a7-449e-bb21-39d1a415f350' // Communication and Email Service Owner
}

// One identity, created before the app, so that its roles are assigned before the app starts for the first time.
resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-${name}-${suffix}'
  location: location
  tags: tags
}

// The key is part of the name of each role assignment and must be known before the deployment.
var app = { key: identity.id, principalId: identity.properties.principalId, principalType: 'ServicePrincipal' }
var operators = empty(operatorPrincipalId)
  ? []
  : [{ key: operatorPrincipalId, principalId: operatorPrincipalId, principalType: operatorPrincipalType }]

module acs 'modules/acs.bicep' = {
  name: 'callvault-acs'
  scope: resourceGroup(acsResourceGroup)
  params: {
    name: acsName
    create: createAcs
    dataLocation: acsDataLocation
    systemTopicName: topicName
    createSystemTopic: empty(systemTopicName)
    tags: tags
    callers: concat([app], operators)
    // Starts and stops recordings, reads and deletes their files. ACS has no narrower role for its data plane and ignores
    // custom roles; this role is still less than Contributor, which ACS's documentation suggests.
    roleId: roles.communicationOwner
  }
}

module hostStorage 'modules/storage-account.bicep' = {
  name: 'callvault-host-storage'
  params: {
    name: hostAccountName
    location: location
    tags: tags
    sku: hostStorageSku
    versioning: !archiveInOwnAccount
    softDeleteDays: softDeleteDays
    infrastructureEncryption: infrastructureEncryption
    keyUri: encryptionKeyUri
    keyIdentityId: encryptionIdentityId
    queues: queues
    tables: tables
    containers: [packageContainer, deadLetterContainer]
    readingOrigins: archiveInOwnAccount ? [] : allPageOrigins
    // Event Grid can't connect to a private network, so this topic's identity may write dead letters from outside.
    publicAccess: privateNetworking ? 'Guarded' : 'Enabled'
    guests: [systemTopicId]
  }
  dependsOn: [acs]
}

module archiveStorage 'modules/storage-account.bicep' = if (archiveInOwnAccount) {
  name: 'callvault-archive-storage'
  params: {
    name: archiveAccountName
    location: location
    tags: tags
    sku: archiveStorageSku
    versioning: true
    readingOrigins: allPageOrigins
    softDeleteDays: softDeleteDays
    infrastructureEncryption: infrastructureEncryption
    keyUri: encryptionKeyUri
    keyIdentityId: encryptionIdentityId
    publicAccess: privateNetworking ? 'Disabled' : 'Enabled'
  }
}

module archive 'modules/archive.bicep' = {
  name: 'callvault-archive'
  params: {
    accountName: archiveAccountName
    archiveContainer: archiveContainer
    quarantineContainer: quarantineContainer
    coolAfterDays: coolAfterDays
    coldAfterDays: coldAfterDays
    archiveAfterDays: archiveAfterDays
    deleteAfterDays: deleteAfterDays
    immutabilityDays: immutabilityDays
    immutabilityLocked: immutabilityLocked
    lock: lockArchive
    quarantineDays: quarantineDays
    deadLetterContainer: archiveInOwnAccount ? '' : deadLetterContainer
  }
  dependsOn: [hostStorage, archiveStorage]
}

module deadLetterExpiry 'modules/dead-letter-expiry.bicep' = if (archiveInOwnAccount && quarantineDays > 0) {
  name: 'callvault-dead-letter-expiry'
  params: {
    accountName: hostAccountName
    container: deadLetterContainer
    days: max(quarantineDays, 1)
  }
  dependsOn: [hostStorage]
}

module network 'modules/network.bicep' = if (createNetwork) {
  name: 'callvault-network'
  params: {
    name: '${name}-${suffix}'
    location: location
    tags: tags
    addressPrefix: networkPrefix
    appSubnetPrefix: appSubnetPrefix
    endpointSubnetPrefix: endpointSubnetPrefix
    services: hostServices
  }
}

module hostEndpoints 'modules/private-endpoints.bicep' = if (privateNetworking) {
  name: 'callvault-host-endpoints'
  params: {
    accountName: hostAccountName
    location: location
    tags: tags
    services: hostServices
    subnetId: createNetwork ? network!.outputs.endpointSubnetId : endpointSubnetId
    zoneGroupId: zoneGroupId
  }
  dependsOn: [hostStorage]
}

module archiveEndpoints 'modules/private-endpoints.bicep' = if (privateNetworking && archiveInOwnAccount) {
  name: 'callvault-archive-endpoints'
  params: {
    accountName: archiveAccountName
    location: location
    tags: tags
    services: blobService
    subnetId: createNetwork ? network!.outputs.endpointSubnetId : endpointSubnetId
    zoneGroupId: zoneGroupId
  }
  dependsOn: [archiveStorage, hostEndpoints]
}

module hostRoles 'modules/account-roles.bicep' = {
  name: 'callvault-host-roles'
  params: {
    accountName: hostAccountName
    key: identity.id
    principalId: app.principalId
    roleIds: [
      // The Functions host stores its locks, its keys and the app's package in blobs, and requires this role.
      roles.storageBlobDataOwner
      // Sends, receives, returns and deletes jobs, and creates the poison queue: no narrower role can return a message.
      roles.storageQueueDataContributor
      // Reads and writes the catalogue, the worklist and the host's own diagnostic events.
      roles.storageTableDataContributor
    ]
  }
  dependsOn: [hostStorage]
}

// Reads and writes recordings and quarantined items: only in these two containers of the account.
module archiveRoles 'modules/container-roles.bicep' = {
  name: 'callvault-archive-roles'
  params: {
    accountName: archiveAccountName
    containers: [archiveContainer, quarantineContainer]
    key: identity.id
    principalId: app.principalId
    roleId: roles.storageBlobDataContributor
  }
  dependsOn: [archive]
}

module archiveAccountRoles 'modules/account-roles.bicep' = {
  name: 'callvault-archive-account-roles'
  params: {
    accountName: archiveAccountName
    key: identity.id
    principalId: app.principalId
    roleIds: [
      // Gets the key that signs links to single files. The key is valid for the whole account, but its links grant no more
      // than the role above grants the app.
      roles.storageBlobDelegator
    ]
  }
  dependsOn: [archive]
}

module secrets 'modules/secrets.bicep' = {
  name: 'callvault-secrets'
  params: {
    name: vaultName
    location: location
    tags: tags
    readers: concat([app], operators)
    // The role can read secrets but not list them. The app needs it for the references in its settings, the operator
    // for the rebuild.
    roleId: roles.keyVaultSecretsUser
    workspaceId: accessLogs ? workspaceId : ''
  }
  dependsOn: [monitoring]
}

// Event Grid writes undelivered events there.
module deadLetterRole 'modules/container-roles.bicep' = {
  name: 'callvault-deadletter-role'
  params: {
    accountName: hostAccountName
    containers: [deadLetterContainer]
    key: systemTopicId
    principalId: acs.outputs.systemTopicPrincipalId
    roleId: roles.storageBlobDataContributor
  }
  dependsOn: [hostStorage]
}

module operatorHostRoles 'modules/account-roles.bicep' = if (!empty(operatorPrincipalId)) {
  name: 'callvault-operator-host-roles'
  params: {
    accountName: hostAccountName
    key: operatorPrincipalId
    principalId: operatorPrincipalId
    principalType: operatorPrincipalType
    roleIds: [
      // The doctor tests each queue by sending a message and deleting it.
      roles.storageQueueDataContributor
      // The doctor reads each table. Only the rebuild needs to write tables, and anyone who can write them can change
      // the catalogue.
      operatorMayRebuild ? roles.storageTableDataContributor : roles.storageTableDataReader
    ]
  }
  dependsOn: [hostStorage]
}

// The replay of dead letters reads them, and deletes each that was processed.
module operatorDeadLetterRole 'modules/container-roles.bicep' = if (!empty(operatorPrincipalId)) {
  name: 'callvault-operator-deadletter-role'
  params: {
    accountName: hostAccountName
    containers: [deadLetterContainer]
    key: operatorPrincipalId
    principalId: operatorPrincipalId
    principalType: operatorPrincipalType
    roleId: roles.storageBlobDataContributor
  }
  dependsOn: [hostStorage]
}

// The doctor tests both containers by a write and a delete; the rebuild reads the archive.
module operatorArchiveRoles 'modules/container-roles.bicep' = if (!empty(operatorPrincipalId)) {
  name: 'callvault-operator-archive-roles'
  params: {
    accountName: archiveAccountName
    containers: [archiveContainer, quarantineContainer]
    key: operatorPrincipalId
    principalId: operatorPrincipalId
    principalType: operatorPrincipalType
    roleId: roles.storageBlobDataContributor
  }
  dependsOn: [archive]
}

// The doctor tests whether links to files can be signed. The links grant no more than the role above.
module operatorArchiveAccountRole 'modules/account-roles.bicep' = if (!empty(operatorPrincipalId)) {
  name: 'callvault-operator-archive-account-role'
  params: {
    accountName: archiveAccountName
    key: operatorPrincipalId
    principalId: operatorPrincipalId
    principalType: operatorPrincipalType
    roleIds: [roles.storageBlobDelegator]
  }
  dependsOn: [archive]
}

module announcements 'modules/announcements.bicep' = if (announce) {
  name: 'callvault-announcements'
  params: {
    name: announcementsTopicName
    location: location
    tags: tags
    senderKey: identity.id
    senderPrincipalId: app.principalId
    // Sends announcements. The role can't subscribe or change the topic.
    senderRoleId: roles.eventGridDataSender
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'callvault-monitoring'
  params: {
    workspaceName: workspaceName
    existingWorkspaceId: existingWorkspaceId
    insightsName: 'appi-${name}-${suffix}'
    location: location
    tags: tags
    retentionDays: logRetentionDays
    senderKey: identity.id
    senderPrincipalId: app.principalId
    // Sends logs, metrics and traces by identity instead of a key.
    senderRoleId: roles.monitoringMetricsPublisher
  }
}

module storageLogs 'modules/storage-logs.bicep' = if (accessLogs) {
  name: 'callvault-storage-logs'
  params: {
    archiveAccountName: archiveAccountName
    tablesAccountName: hostAccountName
    topicName: announce ? announcementsTopicName : ''
    workspaceId: workspaceId
    ownWorkspaceName: empty(existingWorkspaceId) ? workspaceName : ''
    appPrincipalId: app.principalId
  }
  dependsOn: [archive, hostStorage, announcements, monitoring]
}

module acsLogs 'modules/acs-logs.bicep' = if (accessLogs) {
  name: 'callvault-acs-logs'
  scope: resourceGroup(acsResourceGroup)
  params: {
    acsName: acsName
    systemTopicName: topicName
    workspaceId: workspaceId
  }
  dependsOn: [acs, monitoring]
}

module functionApp 'modules/app.bicep' = {
  name: 'callvault-app'
  params: {
    name: functionAppName
    planName: 'plan-${name}-${suffix}'
    location: location
    tags: tags
    identityId: identity.id
    hostBlobUri: hostBlobUri
    packageContainer: packageContainer
    instanceMemoryMB: instanceMemoryMB
    maximumInstances: maximumInstances
    httpConcurrency: httpConcurrency
    zoneRedundant: zoneRedundant
    rollingUpdate: rollingUpdate
    alwaysReadyHttp: alwaysReadyHttp
    alwaysReadyArchiving: alwaysReadyArchiving
    archivingFunction: 'archive_chunk'
    subnetId: createNetwork ? network!.outputs.appSubnetId : appSubnetId
    settings: union(proposedSettings, signInSettings, furtherSettings)
    secretSettings: extraSecretSettings
    secretNames: secretNames
    participantsSecret: participantsSecret
    hasParticipantsSecret: !empty(participantsSecret)
    participantsReference: '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=participants-secret)'
    fixedSettings: union(retentionSettings, announceSettings, metricSettings, {
      // The host's public home page is off. The host answers a larger body with an empty 500, the app with 413.
      AzureWebJobsDisableHomepage: 'true'
      FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: '4194304'
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identity.properties.clientId
      AzureWebJobsStorage__blobServiceUri: hostBlobUri
      AzureWebJobsStorage__queueServiceUri: 'https://${hostAccountName}.queue.${environment().suffixes.storage}/'
      AzureWebJobsStorage__tableServiceUri: 'https://${hostAccountName}.table.${environment().suffixes.storage}/'
      APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
      AZURE_CLIENT_ID: identity.properties.clientId
      ACS_ENDPOINT: acs.outputs.endpoint
      CALLBACK_AUDIENCE: acs.outputs.immutableResourceId
      EVENT_SOURCE: resourceId(
        subscription().subscriptionId,
        acsResourceGroup,
        'Microsoft.Communication/communicationServices',
        acsName
      )
      ARCHIVE_STORAGE__blobServiceUri: 'https://${archiveAccountName}.blob.${environment().suffixes.storage}/'
      RETENTION_HOURS: string(retentionHours)
      DELETE_SOURCE: string(deleteSource)
      CALLBACK_SECRET: '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=callback-secret)'
    })
  }
  // If the app started before its roles were assigned, it would fail for its first minutes.
  dependsOn: [hostRoles, archiveRoles, archiveAccountRoles, secrets, hostEndpoints, archiveEndpoints]
}

module signIn 'modules/sign-in.bicep' = if (!empty(entraClientId)) {
  // As for the workbook: a refused deployment creates no resource.
  name: callersAreIntended
    ? 'callvault-sign-in'
    : fail('entraAllowedPrincipalIds, entraAllowedGroupIds: name the allowed callers, or set entraAllowAnyCaller to true to admit every caller that has a token')
  params: {
    appName: functionAppName
    clientId: entraClientId
    // If both lists are empty, every caller passes the sign-in, including the sample.
    allowedPrincipalIds: callersAreNamed && sampleLogicApp
      ? concat(entraAllowedPrincipalIds, [logicApp!.outputs.principalId])
      : entraAllowedPrincipalIds
    allowedGroupIds: entraAllowedGroupIds
    excludedPaths: [
      // Event Grid sends a system key of the app.
      '/runtime/webhooks/*'
      '/runtime/webhooks/EventGrid'
      // ACS sends its own token, which the function verifies.
      '/api/callbacks'
      // The API description contains no data.
      '/api/openapi.json'
      '/api/swagger.json'
      // The page has no data until the user enters a key or signs in.
      '/api/dashboard'
      '/api/dashboard/*'
    ]
  }
  // The linter counts the path through the Logic App, which isn't deployed in most cases.
  #disable-next-line no-unnecessary-dependson
  dependsOn: [functionApp]
}

module logicApp 'modules/logic-app.bicep' = if (sampleLogicApp && !empty(entraClientId)) {
  name: 'callvault-logic-app'
  params: {
    name: 'logic-${name}-${suffix}'
    location: location
    tags: tags
    callvaultUrl: functionApp.outputs.url
    audience: 'api://${entraClientId}'
    functionKey: sampleFunctionKey
    // The record contains participant ids, so it is sent only over TLS.
    resultUrl: hasSafeResultUrl ? sampleResultUrl : fail('sampleResultUrl must begin with https://')
  }
}

module cardsQueue 'modules/teams-cards-queue.bicep' = if (teamsCards) {
  name: 'callvault-teams-cards-queue'
  params: {
    topicName: announcementsTopicName
    accountName: hostAccountName
    queueName: cardsQueueName
    // The topic's identity delivers to the queue.
    senderRoleId: roles.storageQueueDataMessageSender
  }
  dependsOn: [hostStorage, announcements]
}

module cards 'modules/teams-cards.bicep' = if (teamsCards) {
  name: 'callvault-teams-cards'
  params: {
    name: 'logic-${name}-cards-${suffix}'
    location: location
    tags: tags
    topicName: announcementsTopicName
    eventTypes: teamsCardsAbout
    accountName: hostAccountName
    queueName: cardsQueueName
    // The Logic App's identity receives and deletes messages of the queue.
    processorRoleId: roles.storageQueueDataMessageProcessor
    callvaultUrl: functionApp.outputs.url
    teamsUrl: hasSafeTeamsUrl ? teamsUrl : fail('teamsUrl must begin with https://')
  }
  dependsOn: [cardsQueue, alerts, workbook]
}

module package 'modules/package.bicep' = if (!empty(packageUrl)) {
  name: 'callvault-package'
  params: {
    appName: functionAppName
    url: packageUrl
  }
  // The platform stores the package in the host's account, as the app's identity.
  dependsOn: [functionApp, hostRoles, hostEndpoints, archiveRoles, archiveEndpoints]
}

module events 'events.bicep' = if (!empty(packageUrl)) {
  name: 'callvault-package-events'
  params: {
    functionAppName: functionAppName
    systemTopicName: topicName
    acsResourceGroup: acsResourceGroup
    hostStorageName: hostAccountName
    deadLetterContainer: deadLetterContainer
    retentionHours: retentionHours
  }
  // As late as possible: Event Grid learns of a new function and a new role only after a while.
  dependsOn: [package, deadLetterRole, alerts]
}

module alerts 'modules/alerts.bicep' = {
  name: 'callvault-alerts'
  params: {
    name: '${name}-${suffix}'
    location: location
    tags: tags
    workspaceId: workspaceId
    systemTopicId: systemTopicId
    emails: alertEmails
    actionGroupIds: alertActionGroupIds
    enabled: alertsEnabled
  }
  dependsOn: [acs, monitoring]
}

module workbook 'modules/workbook.bicep' = {
  // Azure evaluates names before it deploys anything, so a refused deployment creates no resource. No other module
  // depends on this one.
  name: empty(refusals) ? 'callvault-workbook' : fail(join(refusals, '; '))
  params: {
    appName: functionAppName
    location: location
    tags: tags
    workspaceId: workspaceId
  }
  dependsOn: [monitoring]
}

@description('Name of the function app: the code is published to it.')
output functionAppName string = functionAppName

@description('Address of the app.')
output url string = functionApp.outputs.url

@description('Client ID of the app\'s identity.')
output identityClientId string = identity.properties.clientId

@description('Object ID of the sample Logic App\'s identity, which needs the app role Recorder; empty where there is none.')
output sampleLogicAppPrincipalId string = sampleLogicApp && !empty(entraClientId) ? logicApp!.outputs.principalId : ''

@description('Account with queues and tables, the app\'s package and the dead letters.')
output hostStorageName string = hostAccountName

@description('Account of the archive.')
output archiveStorageName string = archiveAccountName

@description('System topic that events.bicep subscribes.')
output systemTopicName string = topicName

@description('Resource group of the ACS resource and its topic.')
output acsResourceGroup string = acsResourceGroup

@description('Topic of the announcements; empty where there is none.')
output announcementsTopicName string = announce ? announcementsTopicName : ''

@description('Key Vault of the app\'s secrets.')
output keyVaultName string = vaultName

@description('Container of the events that could not be delivered.')
output deadLetterContainer string = deadLetterContainer

@description('ID with which the workspace is queried.')
output workspaceCustomerId string = monitoring.outputs.workspaceCustomerId
