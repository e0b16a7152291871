// What somebody must look at. docs/operations.md says, alert by alert, whether it may wait and what to do.

@description('What the names of the alerts end with.')
param suffix string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Action groups for what may wait.')
param mail string[]

@description('Action groups for what may not.')
param page string[]

@description('Name of the Application Insights component.')
param componentName string

@description('Resource id of the workspace that keeps the logs.')
param workspaceId string

@description('Gigabytes a day that the workspace takes; none, if it is not ours.')
param dailyQuotaGb int?

@description('Resource id of the Face account.')
param faceAccountId string

@description('Resource id of the vault.')
param keyVaultId string

@description('Name of the storage account of the package of code.')
param packageAccountName string

@description('There is a topic for events.')
param hasEvents bool

@description('Resource id of that topic.')
param topicId string?

// What a query is counted by: its rows, or a column that is added up. host.json samples requests, so that one row may
// stand for many; itemCount says for how many. The app's lines are written by shared/telemetry.py. Each begins with its
// one table: https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-log-query#log-query-constraints
var appAlerts = {
  'server-errors': {
    // Flex Consumption has no metric Http5xx.
    title: 'Callers got answers 5xx'
    page: true
    column: 'itemCount'
    threshold: 5
    query: '''
      requests
      | where toint(resultCode) between (500 .. 599)
    '''
  }
  'face-refusals': {
    title: 'Face refuses our key, our approval or our quota'
    page: true
    column: ''
    threshold: 0
    query: '''
      traces
      | where message startswith "request refused" and message contains "code=\"FaceRefused\""
          or message startswith "face failed" and message matches regex "cause=\"Face said 4([013-9]|2[0-8])"
    '''
  }
  'oldest-alarm': {
    title: 'The sweep is behind, or does not run at all'
    page: true
    column: ''
    threshold: 0
    query: '''
      traces
      | where message startswith "sweep ended"
      | summarize sweeps = count(), oldestSeconds = max(tolong(extract("oldestSeconds=\"([0-9]+)\"", 1, message)))
      | where sweeps == 0 or oldestSeconds > 900
    '''
  }
  'events-unsent': {
    title: 'The topic has taken no event of an ending that is more than an hour old'
    page: false
    column: ''
    threshold: 0
    query: '''
      traces
      | where message startswith "event not sent"
      | summarize oldestSeconds = max(tolong(extract("oldestSeconds=\"([0-9]+)\"", 1, message)))
      | where oldestSeconds > 3600
    '''
  }
  'poison-messages': {
    title: 'A queue message was set aside because nobody could read it'
    page: false
    column: ''
    threshold: 0
    query: '''
      traces
      | where message startswith "Message has reached MaxDequeueCount"
    '''
  }
  untrusted: {
    title: 'A check was tampered with, or a frontend reports the wrong digest'
    page: false
    column: ''
    threshold: 0
    query: '''
      traces
      | where message startswith "session ended" and message contains "outcome=\"untrusted\""
    '''
  }
  'late-digest': {
    title: 'A digest that came after the end of a check is not Face\'s'
    page: false
    column: ''
    threshold: 0
    query: '''
      traces
      | where message startswith "late digest mismatched"
      | extend sessionId = extract("sessionId=\"(\\w+)\"", 1, message)
    '''
  }
  'image-unavailable': {
    title: 'Face does not give a picture that is to be kept'
    page: false
    column: ''
    threshold: 0
    query: '''
      traces
      | where message startswith "image unavailable"
      | extend cause = extract("cause=\"(\\w+)\"", 1, message)
    '''
  }
  locks: {
    title: 'Somebody who is locked goes on trying'
    page: false
    column: ''
    threshold: 20
    query: '''
      traces
      | where message startswith "request refused" and message contains "failed too many checks in a row"
    '''
  }
  'model-first-seen': {
    // Each process tells of the first that it meets, and each ending names one: only who looks back knows what is new.
    title: 'Face judged by a model that the two days before did not see'
    page: false
    column: ''
    threshold: 0
    query: '''
      traces
      | where message startswith "model first seen" or message startswith "session ended"
      | extend model = extract("modelVersion=\"([^\"]+)\"", 1, message)
      | where isnotempty(model)
      | summarize firstSeen = min(timestamp) by model
      | where firstSeen > ago(30m)
    '''
  }
  'record-corrupt': {
    title: 'A record is not one that the app can have written'
    page: false
    column: ''
    threshold: 0
    query: '''
      traces
      | where message startswith "request refused" and message contains "code=\"RecordCorrupt\""
          or message startswith "session set aside"
          or message startswith "ledger unreadable"
          or message startswith "event not sent" and message contains "cause=\"a record says"
    '''
  }
  'unknown-sessions': {
    title: 'Somebody asks for sessions that are not there, or without their tokens'
    page: false
    column: 'itemCount'
    threshold: 1000
    query: '''
      requests
      | where resultCode == "404"
    '''
  }
}

// These are asked of the workspace, which has tables of its own.
var workspaceAlerts = {
  'logs-stopped': {
    // https://learn.microsoft.com/azure/azure-monitor/logs/daily-cap
    title: 'No more logs are taken today: of all alerts on logs, only this one still sees'
    page: true
    column: ''
    threshold: 0
    query: '''
      _LogOperation
      | where Category =~ "Ingestion" and Detail contains "OverQuota"
    '''
  }
  'package-written': {
    title: 'Somebody wrote the package of code'
    page: false
    column: ''
    threshold: 0
    query: replace(
      '''
      StorageBlobLogs
      | where AccountName == "{account}" and Category in ("StorageWrite", "StorageDelete")
      ''',
      '{account}',
      packageAccountName
    )
  }
}

var quotaAlerts = {
  'logs-half': {
    title: 'More than half of the logs that a day may have'
    page: false
    column: 'Quantity'
    // Megabytes.
    threshold: (dailyQuotaGb ?? 0) * 500
    query: '''
      Usage
      | where IsBillable
    '''
  }
}

var logAlerts = union(appAlerts, workspaceAlerts, dailyQuotaGb == null ? {} : quotaAlerts)

var metricAlerts = {
  'face-throttling': {
    title: 'Face turned away more calls than the tier of the account allows'
    scope: 'face'
    metric: 'BlockedCalls'
    namespace: 'Microsoft.CognitiveServices/accounts'
    aggregation: 'Total'
    threshold: 10
    dimensions: []
  }
  'vault-denials': {
    title: 'Somebody was denied access to the vault, perhaps the app'
    scope: 'vault'
    metric: 'ServiceApiResult'
    namespace: 'Microsoft.KeyVault/vaults'
    aggregation: 'Count'
    threshold: 0
    dimensions: [{ name: 'StatusCode', operator: 'Include', values: ['403'] }]
  }
}

var topicAlerts = {
  'events-undelivered': {
    // A receiver that is away is tried five times in its first quarter of an hour; one that restarts, once or twice.
    title: 'Your server does not take the events'
    scope: 'topic'
    metric: 'DeliveryAttemptFailCount'
    namespace: 'Microsoft.EventGrid/topics'
    aggregation: 'Total'
    threshold: 3
    dimensions: []
  }
  'events-dead-lettered': {
    title: 'Events were given up: your server did not take them for a day'
    scope: 'topic'
    metric: 'DeadLetteredCount'
    namespace: 'Microsoft.EventGrid/topics'
    aggregation: 'Total'
    threshold: 0
    dimensions: []
  }
}

// By name, for how many alerts there are must be known before the resources are.
var scopes = {
  face: faceAccountId
  vault: keyVaultId
  topic: topicId
}

func told(title string, isPage bool, name string) string =>
  '${isPage ? 'Page' : 'Mail'}: ${title}. What to do: docs/operations.md, row ${name}.'

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

// Log alerts every 15 minutes cost a third of those every 5.
resource logRules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in items(logAlerts): {
    name: '${alert.key}-${suffix}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: alert.value.title
      description: told(alert.value.title, alert.value.page, alert.key)
      enabled: true
      severity: alert.value.page ? 1 : 3
      scopes: [contains(appAlerts, alert.key) ? component.id : workspaceId]
      // The day's volume is told hourly.
      evaluationFrequency: alert.key == 'logs-half' ? 'PT1H' : 'PT15M'
      windowSize: alert.key == 'logs-half' ? 'P1D' : 'PT30M'
      // Two days are the most: https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-create-log-alert-rule
      overrideQueryTimeRange: alert.key == 'model-first-seen' ? 'P2D' : null
      criteria: {
        allOf: [
          {
            query: alert.value.query
            timeAggregation: empty(alert.value.column) ? 'Count' : 'Total'
            metricMeasureColumn: empty(alert.value.column) ? null : alert.value.column
            operator: 'GreaterThan'
            threshold: alert.value.threshold
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      autoMitigate: true
      // A new component has no tables until its first data: https://github.com/Azure/bicep/issues/11378
      skipQueryValidation: true
      actions: { actionGroups: alert.value.page ? page : mail }
    }
  }
]

resource metricRules 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for alert in items(union(metricAlerts, hasEvents ? topicAlerts : {})): {
    name: '${alert.key}-${suffix}'
    location: 'global'
    tags: tags
    properties: {
      description: told(alert.value.title, false, alert.key)
      enabled: true
      severity: 3
      scopes: [scopes[alert.value.scope]]
      evaluationFrequency: 'PT5M'
      windowSize: 'PT15M'
      criteria: {
        'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
        allOf: [
          {
            name: alert.value.metric
            criterionType: 'StaticThresholdCriterion'
            metricNamespace: alert.value.namespace
            metricName: alert.value.metric
            dimensions: alert.value.dimensions
            operator: 'GreaterThan'
            threshold: alert.value.threshold
            timeAggregation: alert.value.aggregation
            // The metric of a service that nobody has called yet may not exist.
            skipMetricValidation: true
          }
        ]
      }
      autoMitigate: true
      actions: [for (_, i) in mail: { actionGroupId: mail[i] }]
    }
  }
]

// The vault itself says, a month before, that a secret is about to expire. No log has to be taken in for it, so the
// cap of the workspace cannot silence it: https://learn.microsoft.com/azure/key-vault/general/event-grid-overview
resource vaultEvents 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: 'evgt-${suffix}'
  location: location
  tags: tags
  properties: {
    source: keyVaultId
    topicType: 'Microsoft.KeyVault.vaults'
  }

  resource nearExpiry 'eventSubscriptions' = {
    name: 'face-key-expiry-${suffix}'
    properties: {
      // The only schema that an alert takes.
      eventDeliverySchema: 'CloudEventSchemaV1_0'
      filter: { includedEventTypes: ['Microsoft.KeyVault.SecretNearExpiry', 'Microsoft.KeyVault.SecretExpired'] }
      destination: {
        endpointType: 'MonitorAlert'
        properties: {
          severity: 'Sev3'
          description: told('The Face key is to be rotated', false, 'face-key-expiry')
          actionGroups: mail
        }
      }
    }
  }
}
