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

@description('Resource id of the workspace that keeps the audit log.')
param workspaceId string

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
