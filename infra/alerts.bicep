// What somebody must look at. docs/operations.md says, alert by alert, what to do.

@description('What the names of the alerts end with.')
param suffix string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Addresses that get a mail; without any, alerts are seen in the portal only.')
param emails string[]

@description('Name of the Application Insights component.')
param componentName string

@description('Resource id of the Face account.')
param faceAccountId string

@description('Resource id of the vault.')
param keyVaultId string

// Log alerts every 15 minutes cost a third of those every 5. The app's lines are written by shared/telemetry.py.
var logAlerts = {
  // Flex Consumption has no metric Http5xx, and host.json keeps requests out of sampling.
  'server-errors': {
    title: 'Callers got answers 5xx'
    severity: 1
    threshold: 5
    query: '''
      requests
      | where toint(resultCode) between (500 .. 599)
    '''
  }
  'face-refusals': {
    title: 'Face refuses our key, our approval or our quota'
    severity: 1
    threshold: 0
    query: '''
      traces
      | where message startswith "request refused" and message contains "code=\"FaceRefused\""
          or message startswith "face silent" and message matches regex "cause=\"Face said 4([013-9]|2[0-8])"
    '''
  }
  'poison-messages': {
    title: 'A queue message was set aside because nobody could read it'
    severity: 2
    threshold: 0
    query: '''
      union
          (traces | where message startswith "Message has reached MaxDequeueCount"),
          (exceptions | where outerMessage contains "UnreadableMessageError")
    '''
  }
  'oldest-alarm': {
    title: 'The sweep is behind, or does not run at all'
    severity: 1
    threshold: 0
    query: '''
      traces
      | where message startswith "sweep ended"
      | summarize sweeps = count(), oldestSeconds = max(tolong(extract("oldestSeconds=\"([0-9]+)\"", 1, message)))
      | where sweeps == 0 or oldestSeconds > 900
    '''
  }
}

var metricAlerts = {
  // More calls than the tier of the account allows.
  'face-throttling': {
    scope: faceAccountId
    metric: 'BlockedCalls'
    namespace: 'Microsoft.CognitiveServices/accounts'
    aggregation: 'Total'
    threshold: 10
    dimensions: []
  }
  // Somebody was denied access, perhaps the app.
  'vault-denials': {
    scope: keyVaultId
    metric: 'ServiceApiResult'
    namespace: 'Microsoft.KeyVault/vaults'
    aggregation: 'Count'
    threshold: 0
    dimensions: [{ name: 'StatusCode', operator: 'Include', values: ['403'] }]
  }
}

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
          severity: 'Sev2'
          description: 'The Face key is to be rotated'
          actionGroups: empty(emails) ? [] : [team.id]
        }
      }
    }
  }
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource team 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(emails)) {
  name: 'ag-${suffix}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'liveness'
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

resource logRules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in items(logAlerts): {
    name: '${alert.key}-${suffix}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: alert.value.title
      enabled: true
      severity: alert.value.severity
      scopes: [component.id]
      evaluationFrequency: 'PT15M'
      windowSize: 'PT30M'
      criteria: {
        allOf: [
          {
            query: alert.value.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: alert.value.threshold
            failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
          }
        ]
      }
      autoMitigate: true
      // A new component has no tables until its first data: https://github.com/Azure/bicep/issues/11378
      skipQueryValidation: true
      actions: { actionGroups: empty(emails) ? [] : [team.id] }
    }
  }
]

resource metricRules 'Microsoft.Insights/metricAlerts@2018-03-01' = [
  for alert in items(metricAlerts): {
    name: '${alert.key}-${suffix}'
    location: 'global'
    tags: tags
    properties: {
      enabled: true
      severity: 2
      scopes: [alert.value.scope]
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
      actions: empty(emails) ? [] : [{ actionGroupId: team.id }]
    }
  }
]
