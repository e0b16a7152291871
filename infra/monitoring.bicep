// Where the logs go: one workspace, and the Application Insights component of the app.

@description('Resource id of a workspace that is there already; none given, one is made.')
param existingWorkspaceId string?

@description('Name of the workspace.')
param workspaceName string

@description('Name of the Application Insights component.')
param componentName string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Principal id of the app.')
param appPrincipalId string

@description('Days that logs are kept; the first 31 are free.')
@minValue(30)
@maxValue(730)
param retentionInDays int

@description('Gigabytes of logs a day, after which no more are taken until the next day.')
@minValue(1)
param dailyQuotaGb int

var roles = {
  // The Functions host sends the telemetry of the app, and local authentication is off.
  'Monitoring Metrics Publisher': '3913510d-42f4-4e42-8a64-420c390055eb'
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = if (existingWorkspaceId == null) {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: { name: 'PerGB2018' }
    retentionInDays: retentionInDays
    workspaceCapping: { dailyQuotaGb: dailyQuotaGb }
    features: { disableLocalAuth: true }
  }
}

resource component 'Microsoft.Insights/components@2020-02-02' = {
  name: componentName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: existingWorkspaceId ?? workspace.id
    DisableLocalAuth: true
  }
}

resource appRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in items(roles): {
    name: guid(component.id, appPrincipalId, role.value)
    scope: component
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
    }
  }
]

@description('Resource id of the workspace, for the diagnostic settings of the others.')
output workspaceId string = existingWorkspaceId ?? workspace.id

@description('Name of the Application Insights component.')
output componentName string = component.name
