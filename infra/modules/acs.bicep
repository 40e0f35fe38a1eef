// The ACS resource (existing or new), the app's role on it, and the Event Grid topic of its events.
// This module is deployed to the resource group of the ACS resource, which can be another than Callvault's.

@description('Name of the ACS resource.')
param name string

@description('Whether to create the ACS resource; otherwise it must exist.')
param create bool

@description('Where a new ACS resource stores its data at rest; can\'t be changed later.')
param dataLocation string

@description('Name of the system topic.')
param systemTopicName string

@description('Whether to create the system topic; otherwise it must exist, with a system-assigned identity.')
param createSystemTopic bool

@description('Tags of the new resources.')
param tags object

@description('Principals that call ACS: objects with key (known before the deployment), principalId and principalType.')
param callers array

@description('Id of the built-in role for these principals.')
param roleId string

resource made 'Microsoft.Communication/communicationServices@2025-05-01' = if (create) {
  name: name
  location: 'global'
  tags: tags
  properties: {
    dataLocation: dataLocation
  }
}

resource acs 'Microsoft.Communication/communicationServices@2025-05-01' existing = {
  name: name
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for caller in callers: {
    name: guid(acs.id, caller.key, roleId)
    scope: acs
    properties: {
      principalId: caller.principalId
      principalType: caller.principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
    }
    dependsOn: [made]
  }
]

// Azure allows one system topic per resource: if the portal has created one, the template must use its name.
resource madeTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' = if (createSystemTopic) {
  name: systemTopicName
  location: 'global'
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    source: acs.id
    topicType: 'Microsoft.Communication.CommunicationServices'
  }
  dependsOn: [made]
}

resource foundTopic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = if (!createSystemTopic) {
  name: systemTopicName
}

output endpoint string = 'https://${create ? made!.properties.hostName : acs.properties.hostName}'
output immutableResourceId string = create ? made!.properties.immutableResourceId : acs.properties.immutableResourceId
output systemTopicPrincipalId string = createSystemTopic
  ? madeTopic!.identity.principalId
  : foundTopic!.identity.principalId
