// The archive inside its account: the container of recordings, the quarantine, and the lifecycle rules.

@description('Account that holds the archive.')
param accountName string

@description('Container of the recordings.')
param archiveContainer string

@description('Container of events, callbacks and messages that couldn\'t be processed.')
param quarantineContainer string

@description('Days after which a recording moves to the cool tier; 0: never.')
@minValue(0)
param coolAfterDays int

@description('Days after which a recording moves to the cold tier; 0: never.')
@minValue(0)
param coldAfterDays int

@description('Days after which a recording moves to the archive tier, where it must be rehydrated before it can be read; 0: never.')
@minValue(0)
param archiveAfterDays int

@description('Days after which a recording and every version of it is deleted; 0: never.')
@minValue(0)
param deleteAfterDays int

@description('Days in which a recording can neither be changed nor deleted, by anyone; 0: no such rule.')
@minValue(0)
@maxValue(146000)
param immutabilityDays int

@description('Whether that rule is locked: it is then left as it is.')
param immutabilityLocked bool

@description('Whether a lock keeps the account from being deleted.')
param lock bool

@description('Days after which quarantined items are deleted; 0: never.')
@minValue(0)
param quarantineDays int

@description('Container of dead letters, if it is in this account; empty: it is in another account. One module must define all rules, because an account has only one lifecycle policy.')
param deadLetterContainer string

var tierToCool = coolAfterDays > 0 ? { tierToCool: { daysAfterModificationGreaterThan: coolAfterDays } } : {}
var tierToCold = coldAfterDays > 0 ? { tierToCold: { daysAfterModificationGreaterThan: coldAfterDays } } : {}
var tierToArchive = archiveAfterDays > 0
  ? { tierToArchive: { daysAfterModificationGreaterThan: archiveAfterDays } }
  : {}
var delete = deleteAfterDays > 0 ? { delete: { daysAfterCreationGreaterThan: deleteAfterDays } } : {}
var deleteOfVersions = deleteAfterDays > 0
  ? { version: { delete: { daysAfterCreationGreaterThan: deleteAfterDays } } }
  : {}

var discarded = union(['${quarantineContainer}/'], empty(deadLetterContainer) ? [] : ['${deadLetterContainer}/'])
var recordingRules = coolAfterDays + coldAfterDays + archiveAfterDays + deleteAfterDays > 0
  ? [
      {
        name: 'recordings'
        enabled: true
        type: 'Lifecycle'
        definition: {
          filters: {
            blobTypes: ['blockBlob']
            prefixMatch: ['${archiveContainer}/']
          }
          actions: union({ baseBlob: union(tierToCool, tierToCold, tierToArchive, delete) }, deleteOfVersions)
        }
      }
    ]
  : []
// Quarantined events and callbacks can name calls and people, so they are deleted when they are no longer useful.
var quarantineRules = quarantineDays > 0
  ? [
      {
        name: 'quarantine'
        enabled: true
        type: 'Lifecycle'
        definition: {
          filters: {
            blobTypes: ['blockBlob']
            prefixMatch: discarded
          }
          actions: {
            baseBlob: { delete: { daysAfterModificationGreaterThan: quarantineDays } }
            version: { delete: { daysAfterCreationGreaterThan: quarantineDays } }
          }
        }
      }
    ]
  : []

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: accountName

  resource blobs 'blobServices' existing = {
    name: 'default'
  }
}

resource recordings 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: account::blobs
  name: archiveContainer
  properties: {
    publicAccess: 'None'
    immutableStorageWithVersioning: immutabilityDays > 0 ? { enabled: true } : null
  }
}

// Unlocked, so that an administrator of the account can still shorten it during trials. A person must lock it, because a
// lock can never be removed. Afterwards Azure accepts no change except a request to extend the time, which isn't a deployment.
resource immutability 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2025-06-01' = if (immutabilityDays > 0 && !immutabilityLocked) {
  parent: recordings
  name: 'default'
  properties: {
    immutabilityPeriodSinceCreationInDays: immutabilityDays
    allowProtectedAppendWrites: false
  }
}

// Files can still be deleted: a lock stops only requests to Azure's control plane.
resource keep 'Microsoft.Authorization/locks@2020-05-01' = if (lock) {
  name: 'callvault-archive'
  scope: account
  properties: {
    level: 'CanNotDelete'
    notes: 'Holds the archive of Callvault. docs/teardown.md says when to remove this lock.'
  }
}

resource quarantine 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = {
  parent: account::blobs
  name: quarantineContainer
  properties: {
    publicAccess: 'None'
  }
}

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = if (coolAfterDays + coldAfterDays + archiveAfterDays + deleteAfterDays + quarantineDays > 0) {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: concat(recordingRules, quarantineRules)
    }
  }
}
