// The vault that holds the app's two secrets, and who may read them. app-secret.bicep and first-face-key.bicep write them.

@description('Name of the vault.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Principal id of the app.')
param appPrincipalId string

@description('Nobody can purge a deleted vault or secret before its time. It cannot be turned off again.')
param purgeProtection bool

@description('Days in which a deleted vault or secret can be brought back.')
@minValue(7)
@maxValue(90)
param softDeleteDays int

@description('Reachable through private endpoints only.')
param privateOnly bool

@description('Resource id of the workspace that keeps the audit log.')
param workspaceId string

var roles = {
  // shared/face/key_vault.py reads the secrets; it never writes.
  'Key Vault Secrets User': '4633458b-17de-408a-b874-0445c86b69e6'
}

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: softDeleteDays
    // The service refuses false: https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview
    enablePurgeProtection: purgeProtection ? true : null
    enabledForDeployment: false
    enabledForDiskEncryption: false
    enabledForTemplateDeployment: false
    publicNetworkAccess: privateOnly ? 'Disabled' : 'Enabled'
    networkAcls: {
      // Azure Resource Manager writes the secret, and is one of these services.
      bypass: 'AzureServices'
      defaultAction: privateOnly ? 'Deny' : 'Allow'
    }
  }
}

resource appRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in items(roles): {
    name: guid(vault.id, appPrincipalId, role.value)
    scope: vault
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
    }
  }
]

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: vault
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'audit', enabled: true }]
  }
}

@description('Name of the vault.')
output name string = vault.name

@description('Resource id, for private endpoints and alerts.')
output id string = vault.id

@description('Address of the vault.')
output uri string = vault.properties.vaultUri
