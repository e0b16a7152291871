// The app seen from outside, from three regions. Nothing else notices a host that loads no function, answers 503 to
// all, or is gone: then nobody is left who could write a log.

@description('What the names end with.')
param suffix string

@description('Region of the test itself, not of those who ask.')
param location string

@description('Tags.')
param tags object

@description('Action groups for what may not wait.')
param page string[]

@description('Name of the Application Insights component.')
param componentName string

@description('Address of the function app.')
param url string

// Amsterdam, Virginia and Singapore, so that a fault of one continent's network is told from one of the app:
// https://learn.microsoft.com/previous-versions/azure/azure-monitor/app/monitor-web-app-availability#location-population-tags
var locations = ['emea-nl-ams-azr', 'us-va-ash-azr', 'apac-sg-sin-azr']

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource test 'Microsoft.Insights/webtests@2022-06-15' = {
  name: 'health-${suffix}'
  location: location
  // By this tag the portal shows the test beside the component.
  tags: union(tags, { 'hidden-link:${component.id}': 'Resource' })
  kind: 'standard'
  properties: {
    SyntheticMonitorId: 'health-${suffix}'
    Name: 'health'
    Description: 'GET /api/health, which touches nothing'
    Kind: 'standard'
    Enabled: true
    // Each asks every five minutes, and once more before it says no: a cold start is not an outage.
    Frequency: 300
    Timeout: 30
    RetryEnabled: true
    Locations: [for location in locations: { Id: location }]
    Request: {
      RequestUrl: '${url}/api/health'
      HttpVerb: 'GET'
      ParseDependentRequests: false
      FollowRedirects: false
    }
    ValidationRules: {
      ExpectedHttpStatusCode: 200
      SSLCheck: true
      SSLCertRemainingLifetimeCheck: 7
    }
  }
}

resource unreachable 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'app-unreachable-${suffix}'
  location: 'global'
  tags: tags
  properties: {
    description: 'Page: The app does not answer those outside. What to do: docs/operations.md, row app-unreachable.'
    enabled: true
    severity: 1
    scopes: [component.id, test.id]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria'
      componentId: component.id
      webTestId: test.id
      failedLocationCount: 2
    }
    autoMitigate: true
    actions: [for (_, i) in page: { actionGroupId: page[i] }]
  }
}
