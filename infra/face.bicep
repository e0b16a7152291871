// The Face account. Its endpoint stays public: the devices of the people who are checked call it.

@description('Name of the account, and its subdomain.')
param name string

@description('Region; not every one has Face liveness.')
param location string

@description('Tags.')
param tags object

@description('S0: ten calls a second. F0: twenty a minute, one account per subscription.')
@allowed(['F0', 'S0'])
param skuName string

@description('How the app proves itself to Face: by a key from the vault, or by its own identity.')
@allowed(['key', 'entra'])
param auth string

@description('Principal id of the app.')
param appPrincipalId string

@description('Resource id of the workspace that keeps the audit log.')
param workspaceId string

var roles = {
  // shared/face/client.py creates, reads and deletes sessions, when it does so without a key.
  'Cognitive Services Face Recognizer': '9894cab4-e18a-44aa-828b-cb588cd6f2d7'
}

resource account 'Microsoft.CognitiveServices/accounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'Face'
  sku: { name: skuName }
  properties: {
    // Tokens instead of keys need a subdomain, and it cannot be added later:
    // https://learn.microsoft.com/azure/ai-services/cognitive-services-custom-subdomains
    customSubDomainName: name
    disableLocalAuth: auth == 'entra'
    publicNetworkAccess: 'Enabled'
    networkAcls: { defaultAction: 'Allow' }
  }
}

resource appRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in items(roles): if (auth == 'entra') {
    name: guid(account.id, appPrincipalId, role.value)
    scope: account
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
    }
  }
]

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: account
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'Audit', enabled: true }]
  }
}

@description('Name of the account.')
output name string = account.name

@description('Resource id, for alerts.')
output id string = account.id

@description('Address, for the app and for the devices.')
output endpoint string = account.properties.endpoint
