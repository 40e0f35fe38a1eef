// What wakes a person: log alerts on what the app says, metric alerts on what Event Grid could not deliver.
// docs/operations.md has a runbook for each, under its name.

@description('Stem of the rules\' names.')
param name string

@description('Region.')
param location string

@description('Tags of the rules.')
param tags object

@description('Resource id of the workspace.')
param workspaceId string

@description('Resource id of the system topic.')
param systemTopicId string

@description('Addresses that get a mail; none: the alerts stand in the portal only.')
param emails array

@description('Resource ids of action groups that are there already.')
param actionGroupIds array

@description('Whether the rules are on.')
param enabled bool

resource actions 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(emails)) {
  name: 'ag-${name}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'callvault'
    enabled: true
    emailReceivers: [
      for email in emails: {
        name: email
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

var actionGroups = concat(actionGroupIds, empty(emails) ? [] : [actions.id])

// severity: 0 critical to 3 informational. A rule fires when its query has more rows than `above` within `minutes`.
var logAlerts = [
  {
    name: 'chunk-lost'
    severity: 0
    minutes: 15
    above: 0
    query: loadTextContent('../queries/lost.kql')
    says: 'A recording or a part of it is lost, or an archived file is not what was recorded.'
  }
  {
    name: 'chunk-near-deadline'
    severity: 1
    minutes: 15
    above: 0
    query: loadTextContent('../queries/near-deadline.kql')
    says: 'ACS will soon destroy the source of a chunk that is not archived.'
  }
  {
    name: 'chunk-failed'
    severity: 1
    minutes: 15
    above: 0
    query: loadTextContent('../queries/failed.kql')
    says: 'A chunk was given up. Its source lives until its deadline.'
  }
  {
    name: 'source-kept'
    severity: 2
    minutes: 60
    above: 0
    query: loadTextContent('../queries/source-kept.kql')
    says: 'A chunk is archived, and its source is kept: the file or the event is in doubt.'
  }
  {
    name: 'archived-file-removed'
    severity: 1
    minutes: 15
    above: 0
    query: loadTextContent('../queries/removed.kql')
    says: 'Somebody removed a file from the archive. It can be restored for as long as soft delete keeps it.'
  }
  {
    name: 'poison-messages'
    severity: 1
    minutes: 15
    above: 0
    query: loadTextContent('../queries/poison.kql')
    says: 'A job failed too often for a reason that was not foreseen, or messages stay on the poison queue.'
  }
  {
    name: 'sweep-incomplete'
    severity: 1
    minutes: 60
    above: 0
    query: loadTextContent('../queries/sweep-incomplete.kql')
    says: 'The sweep cannot look at some of what is open: nobody watches its deadline.'
  }
  {
    name: 'recording-files-missed'
    severity: 1
    minutes: 60
    above: 0
    query: loadTextContent('../queries/files-missed.kql')
    says: 'A recording ended and not all of its files were announced.'
  }
  {
    name: 'recording-not-started'
    severity: 1
    minutes: 15
    above: 0
    query: loadTextContent('../queries/start-failed.kql')
    says: 'A recording that was asked for could not be started: a call goes on unrecorded.'
  }
  {
    name: 'callbacks-refused'
    severity: 2
    minutes: 30
    above: 2
    query: loadTextContent('../queries/callbacks-refused.kql')
    says: 'Callbacks of ACS cannot be verified and are refused.'
  }
  {
    name: 'event-quarantined'
    severity: 2
    minutes: 15
    above: 0
    query: loadTextContent('../queries/quarantined.kql')
    says: 'An event or a callback could not be read; it is kept.'
  }
  {
    name: 'announcements-overdue'
    severity: 2
    minutes: 60
    above: 0
    query: loadTextContent('../queries/not-announced.kql')
    says: 'The topic for announcements takes nothing: whoever starts from there waits. The archive does not.'
  }
  {
    name: 'function-failures'
    severity: 2
    minutes: 15
    above: 5
    query: loadTextContent('../queries/function-failures.kql')
    says: 'Functions fail again and again.'
  }
]

var eventAlerts = [
  {
    name: 'events-dead-lettered'
    metric: 'DeadLetteredCount'
    says: 'Event Grid could not deliver events and kept them in the dead-letter container.'
  }
  {
    name: 'events-dropped'
    metric: 'DroppedEventCount'
    says: 'Event Grid could neither deliver events nor keep them.'
  }
]

resource logRules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in logAlerts: {
    name: '${name}-${alert.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Callvault: ${alert.name}'
      description: alert.says
      severity: alert.severity
      enabled: enabled
      scopes: [workspaceId]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT${alert.minutes}M'
      autoMitigate: true
      // A new workspace has no table before the first line arrives.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: alert.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: alert.above
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: actionGroups
      }
    }
  }
]

// The one rule that fires when nothing is said: who watches the deadlines is silent.
resource sweepSilent 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: '${name}-sweep-silent'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Callvault: sweep-silent'
    description: 'The sweep has not run: nobody watches the deadlines.'
    severity: 1
    enabled: enabled
    scopes: [workspaceId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT30M'
    autoMitigate: true
    skipQueryValidation: true
    criteria: {
      allOf: [
        {
          query: loadTextContent('../queries/sweep.kql')
          timeAggregation: 'Count'
          operator: 'LessThan'
          threshold: 1
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: actionGroups
    }
  }
}

resource eventRules 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for alert in eventAlerts: {
    name: '${name}-${alert.name}'
    location: 'global'
    tags: tags
    properties: {
      description: alert.says
      severity: 1
      enabled: enabled
      scopes: [systemTopicId]
      targetResourceType: 'Microsoft.EventGrid/systemTopics'
      targetResourceRegion: 'global'
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      autoMitigate: true
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            name: alert.name
            criterionType: 'StaticThresholdCriterion'
            metricNamespace: 'Microsoft.EventGrid/systemTopics'
            metricName: alert.metric
            timeAggregation: 'Total'
            operator: 'GreaterThan'
            threshold: 0
          }
        ]
      }
      actions: [
        for group in actionGroups: {
          actionGroupId: group
        }
      ]
    }
  }
]
