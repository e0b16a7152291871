// Ten questions about the app and their answers, on one page: Application Insights, Workbooks.

@description('What the names end with.')
param suffix string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Name of the Application Insights component.')
param componentName string

@description('Resource id of the workspace that keeps the logs.')
param workspaceId string

@description('Resource id of the Face account.')
param faceAccountId string

// host.json samples requests, so requests are counted by itemCount. Where `source` is none, nothing is logged yet.
var questions = [
  {
    name: 'endings'
    title: '1. How many checks, and how do they end?'
    source: 'component'
    visualization: 'timechart'
    query: '''
      traces
      | where message startswith "session ended"
      | extend status = extract('status="([^"]*)"', 1, message), outcome = extract('outcome="([^"]*)"', 1, message)
      | summarize checks = count() by ending = iff(isempty(outcome), status, outcome), bin(timestamp, 1h)
    '''
  }
  {
    name: 'reasons'
    title: 'For which reasons?'
    source: 'component'
    visualization: 'table'
    query: '''
      traces
      | where message startswith "session ended"
      | extend outcome = extract('outcome="([^"]*)"', 1, message), reasons = extract('reasons="([^"]*)"', 1, message)
      | where isnotempty(reasons)
      | mv-expand reason = split(reasons, ",") to typeof(string)
      | summarize checks = count() by outcome, reason
      | order by checks desc
    '''
  }
  {
    name: 'models'
    title: 'By which of Face\'s models?'
    source: 'component'
    visualization: 'timechart'
    query: '''
      traces
      | where message startswith "session ended"
      | extend outcome = extract('outcome="([^"]*)"', 1, message), model = extract('modelVersion="([^"]*)"', 1, message)
      | where isnotempty(model)
      | summarize passed = round(100.0 * countif(outcome == "passed") / count(), 1) by model, bin(timestamp, 1d)
    '''
  }
  {
    name: 'drop-off'
    title: '2. How many of those who start come to an end?'
    source: 'component'
    visualization: 'timechart'
    query: '''
      traces
      | where message startswith "session started" or message startswith "session ended"
      | extend step = iff(message startswith "session started", "started", extract('status="([^"]*)"', 1, message))
      | summarize checks = count() by step, bin(timestamp, 1h)
    '''
  }
  {
    name: 'time-to-verdict'
    title: '3. How long does it take from the create to the record, in seconds?'
    source: 'component'
    visualization: 'timechart'
    query: '''
      let starts = traces
      | where message startswith "session started"
      | project startedAt = timestamp, session = extract('sessionId="([^"]*)"', 1, message);
      traces
      | where message startswith "session ended" and message contains "status=\"completed\""
      | project timestamp, session = extract('sessionId="([^"]*)"', 1, message)
      | join kind=inner starts on session
      | extend seconds = (timestamp - startedAt) / 1s
      | summarize p50 = percentile(seconds, 50), p95 = percentile(seconds, 95) by bin(timestamp, 1h)
    '''
  }
  {
    name: 'face'
    title: '4. Is Face quick, and does it turn us away?'
    source: 'face'
    visualization: ''
    query: ''
  }
  {
    name: 'face-failures'
    title: 'What has kept us from its word?'
    source: 'component'
    visualization: 'table'
    query: '''
      traces
      | where message startswith "face failed" or message startswith "request refused" and message contains "code=\"Face"
      | extend cause = extract('cause="([^"]*)"', 1, message)
      | summarize times = count(), latest = max(timestamp) by cause
      | order by times desc
    '''
  }
  {
    name: 'sweep'
    title: '5. Is the sweep in time? Seconds of the oldest alarm, and what it did'
    source: 'component'
    visualization: 'timechart'
    query: '''
      traces
      | where message startswith "sweep ended"
      | parse-kv message as (due: long, settled: long, abandoned: long, deleted: long, purged: long, failed: long, oldestSeconds: long)
          with (pair_delimiter=' ', kv_delimiter='=', quote='"')
      | summarize oldestSeconds = max(oldestSeconds), due = sum(due), settled = sum(settled), abandoned = sum(abandoned),
          failed = sum(failed) by bin(timestamp, 15m)
    '''
  }
  {
    name: 'queue'
    title: '6. Does the queue work?'
    source: 'component'
    visualization: 'timechart'
    query: '''
      requests
      | where name == "record_result"
      | summarize messages = sum(itemCount), failed = sumif(itemCount, success == "False") by bin(timestamp, 15m)
    '''
  }
  {
    name: 'locks'
    title: '7. How often are people kept from trying again, and by what?'
    source: 'component'
    visualization: 'table'
    query: '''
      traces
      | where message startswith "request refused" and message contains "code=\"TooMany"
      | extend limit = extract('cause="this (?:person|device) has ([^"]*)"', 1, message)
      | summarize times = count(), latest = max(timestamp) by limit
      | order by times desc
    '''
  }
  {
    name: 'refusals'
    title: 'What are callers refused?'
    source: 'component'
    visualization: 'table'
    query: '''
      traces
      | where message startswith "request refused"
      | summarize times = count(), latest = max(timestamp) by code = extract('code="([^"]*)"', 1, message)
      | order by times desc
    '''
  }
  {
    name: 'events'
    title: '8. Are events unsent?'
    source: 'component'
    visualization: 'timechart'
    query: '''
      traces
      | where message startswith "event sent" or message startswith "event not sent"
      | summarize sent = countif(message startswith "event sent"),
          notSent = countif(message startswith "event not sent"),
          oldestSeconds = max(tolong(extract('oldestSeconds="([0-9]+)"', 1, message)))
          by bin(timestamp, 15m)
    '''
  }
  {
    name: 'images'
    title: '9. Are pictures read, and which are lost?'
    source: 'component'
    visualization: 'table'
    query: '''
      union
          (requests | where name == "get_session_image" | extend what = strcat("read: ", resultCode), times = itemCount),
          (traces | where message startswith "image unavailable"
              | extend what = strcat("lost: ", extract('cause="([^"]*)"', 1, message)), times = 1)
      | summarize times = sum(times), latest = max(timestamp) by what
      | order by times desc
    '''
  }
  {
    name: 'executions'
    title: '10. What costs? Executions, and seconds of work'
    source: 'component'
    visualization: 'table'
    query: '''
      requests
      | summarize executions = sum(itemCount), seconds = round(sum(duration * itemCount) / 1000.0) by name
      | order by seconds desc
    '''
  }
  {
    name: 'log-volume'
    title: 'Megabytes of logs'
    source: 'workspace'
    visualization: 'table'
    query: '''
      Usage
      | where IsBillable
      | summarize megabytes = round(sum(Quantity), 1) by DataType
      | order by megabytes desc
    '''
  }
]

// The form of each part: https://github.com/microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json
func answer(question object, kind string, id string) object => {
  type: 3
  name: question.name
  content: {
    version: 'KqlItem/1.0'
    title: question.title
    query: question.query
    size: 0
    timeContextFromParameter: 'range'
    queryType: 0
    resourceType: kind
    crossComponentResources: [id]
    visualization: question.visualization
    noDataMessage: 'Nothing in this time.'
  }
}

func metrics(question object, id string) object => {
  type: 10
  name: question.name
  content: {
    chartId: question.name
    version: 'MetricsItem/2.0'
    title: question.title
    size: 0
    chartType: 2
    resourceType: 'microsoft.cognitiveservices/accounts'
    metricScope: 0
    resourceIds: [id]
    timeContext: { durationMs: 0 }
    timeContextFromParameter: 'range'
    // 1 is the sum, 4 the average: https://learn.microsoft.com/azure/azure-monitor/reference/supported-metrics/microsoft-cognitiveservices-accounts-metrics
    metrics: map(
      [
        { name: 'Latency', aggregation: 4 }
        { name: 'TotalCalls', aggregation: 1 }
        { name: 'TotalErrors', aggregation: 1 }
        { name: 'BlockedCalls', aggregation: 1 }
      ],
      one => {
        namespace: 'microsoft.cognitiveservices/accounts'
        metric: 'microsoft.cognitiveservices/accounts--${one.name}'
        aggregation: one.aggregation
      }
    )
  }
}

var range = {
  type: 9
  name: 'range'
  content: {
    version: 'KqlParameterItem/1.0'
    style: 'pills'
    queryType: 0
    parameters: [
      {
        version: 'KqlParameterItem/1.0'
        id: guid('range')
        name: 'range'
        label: 'Time'
        type: 4
        isRequired: true
        value: { durationMs: 604800000 }
        // A day, a week, a month, a quarter.
        typeSettings: {
          selectableValues: [
            { durationMs: 86400000 }
            { durationMs: 604800000 }
            { durationMs: 2592000000 }
            { durationMs: 7776000000 }
          ]
        }
      }
    ]
  }
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

var answers = [
  for question in questions: question.source == 'component'
    ? answer(question, 'microsoft.insights/components', component.id)
    : question.source == 'workspace'
        ? answer(question, 'microsoft.operationalinsights/workspaces', workspaceId)
        : metrics(question, faceAccountId)
]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, suffix, 'workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Face liveness: ten questions'
    category: 'workbook'
    sourceId: component.id
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat([range], answers)
      fallbackResourceIds: [component.id]
      '$schema': 'https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json'
    })
  }
}
