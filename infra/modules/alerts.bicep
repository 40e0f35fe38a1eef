// Alerts that need a person: log alerts on the app's log lines, and metric alerts on events that Event Grid couldn't
// deliver. docs/operations.md has a runbook for each, under the alert's name.

@description('Stem of the rules\' names.')
param name string

@description('Region.')
param location string

@description('Tags of the rules.')
param tags object

@description('Resource ID of the workspace.')
param workspaceId string

@description('Resource ID of the system topic.')
param systemTopicId string

@description('Email addresses to notify; none: the alerts appear in the portal only.')
param emails array

@description('Resource IDs of existing action groups.')
param actionGroupIds array

@description('Whether the rules are enabled.')
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

// Each alert names its runbook.
var runbooks = 'docs/operations.md'

var actionGroups = concat(actionGroupIds, empty(emails) ? [] : [actions.id])

// severity: 0 critical to 3 informational. A rule fires when its query has more rows than `above` within `minutes`.
var logAlerts = [
  {
    name: 'chunk-lost'
    severity: 0
    minutes: 15
    above: 0
    query: loadTextContent('../queries/lost.kql')
    says: 'A chunk of a recording is lost or past its deadline, or an archived file differs from its record in the catalogue.'
  }
  {
    name: 'chunk-near-deadline'
    severity: 1
    minutes: 15
    above: 0
    query: loadTextContent('../queries/near-deadline.kql')
    says: 'ACS will soon delete the source of a chunk that isn\'t archived.'
  }
  {
    name: 'chunk-failed'
    severity: 1
    minutes: 15
    above: 0
    query: loadTextContent('../queries/failed.kql')
    says: 'A chunk failed. ACS keeps its source until the deadline.'
  }
  {
    name: 'source-kept'
    severity: 2
    minutes: 60
    above: 0
    query: loadTextContent('../queries/source-kept.kql')
    says: 'A chunk is archived, but its source is kept because the file or the event couldn\'t be verified.'
  }
  {
    name: 'archived-file-removed'
    severity: 1
    minutes: 15
    above: 0
    query: loadTextContent('../queries/removed.kql')
    says: 'Someone removed a file from the archive. Restore it from its latest version.'
  }
  {
    name: 'poison-messages'
    severity: 1
    minutes: 15
    above: 0
    query: loadTextContent('../queries/poison.kql')
    says: 'A job failed too often for an unexpected reason, or messages stay on the poison queue.'
  }
  {
    name: 'sweep-incomplete'
    severity: 1
    minutes: 60
    above: 0
    query: loadTextContent('../queries/sweep-incomplete.kql')
    says: 'The sweep can\'t check some open rows, so nothing checks their deadlines.'
  }
  {
    name: 'recording-files-overdue'
    severity: 1
    minutes: 60
    above: 0
    query: loadTextContent('../queries/files-overdue.kql')
    says: 'A recording ended, but ACS hasn\'t reported all of its files.'
  }
  {
    name: 'recording-not-started'
    severity: 1
    minutes: 15
    above: 0
    query: loadTextContent('../queries/start-failed.kql')
    says: 'A requested recording couldn\'t be started: the call continues without a recording.'
  }
  {
    name: 'callbacks-refused'
    severity: 2
    minutes: 30
    above: 2
    query: loadTextContent('../queries/callbacks-refused.kql')
    says: 'Callbacks from ACS are refused because they can\'t be verified.'
  }
  {
    name: 'event-quarantined'
    severity: 2
    minutes: 60
    above: 0
    query: loadTextContent('../queries/quarantined.kql')
    says: 'An event or a callback couldn\'t be parsed and is in the quarantine.'
  }
  {
    name: 'announcements-overdue'
    severity: 2
    minutes: 60
    above: 0
    query: loadTextContent('../queries/not-announced.kql')
    says: 'The announcement topic accepts no events, so subscribers get none. Archiving continues.'
  }
  {
    name: 'function-failures'
    severity: 2
    minutes: 15
    above: 5
    query: loadTextContent('../queries/function-failures.kql')
    says: 'Functions fail repeatedly.'
  }
  {
    name: 'audit-entry-missing'
    severity: 1
    minutes: 15
    above: 0
    query: loadTextContent('../queries/audit-entry-missing.kql')
    says: 'ACS carried out an action on a recording, and its audit entry couldn\'t be written; or the consent of a start has no recording.'
  }
]

var eventAlerts = [
  {
    name: 'events-dead-lettered'
    metric: 'DeadLetteredCount'
    says: 'Event Grid couldn\'t deliver events and wrote them to the dead-letter container.'
  }
  {
    name: 'events-dropped'
    metric: 'DroppedEventCount'
    says: 'Event Grid couldn\'t deliver events or write them to the dead-letter container, and dropped them.'
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
      description: '${alert.says} Runbook: ${runbooks}#${alert.name}'
      severity: alert.severity
      enabled: enabled
      scopes: [workspaceId]
      // A rule costs less if it runs less often. Each line is in at least two windows, because lines may arrive late.
      evaluationFrequency: alert.minutes < 30 ? 'PT5M' : 'PT15M'
      windowSize: 'PT${alert.minutes}M'
      autoMitigate: true
      // A new workspace has no tables until the first line arrives.
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

// The only rule that fires on missing lines: without runs of the sweep, nothing checks the deadlines.
resource sweepSilent 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = {
  name: '${name}-sweep-silent'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: 'Callvault: sweep-silent'
    description: 'The sweep hasn\'t completed a run, so deadlines may not be watched. Runbook: ${runbooks}#sweep-silent'
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
      description: '${alert.says} Runbook: ${runbooks}#${alert.name}'
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
