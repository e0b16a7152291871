// The storage account of pictures, made only where some are kept. It is an account of its own, because what is deleted
// here must be gone at once, and because every look at a picture is logged.

@description('Name of the account.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Principal id of the app.')
param appPrincipalId string

@description('Copies in three zones instead of one.')
param zoneRedundant bool

@description('Reachable through private endpoints only.')
param privateOnly bool

@description('Days that the record of a check is kept, and its picture with it.')
@minValue(1)
param retentionDays int

@description('Resource id of the workspace that keeps the audit log.')
param workspaceId string

var roles = {
  // shared/store/images.py writes, reads and deletes pictures, one for each check.
  'Storage Blob Data Contributor': 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
}

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS' }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: privateOnly ? 'Disabled' : 'Enabled'
    networkAcls: {
      // The lifecycle rule runs in Azure itself, and a firewall would keep it out, too:
      // https://learn.microsoft.com/azure/storage/blobs/lifecycle-management-overview
      bypass: 'AzureServices'
      defaultAction: privateOnly ? 'Deny' : 'Allow'
    }
  }

  resource blobs 'blobServices' = {
    name: 'default'
    properties: {
      // Whoever is erased is erased: no deleted picture, and no earlier version of one, can be brought back.
      deleteRetentionPolicy: { enabled: false }
      containerDeleteRetentionPolicy: { enabled: false }
      isVersioningEnabled: false
    }

    resource images 'containers' = {
      name: 'session-images'
      properties: { publicAccess: 'None' }
    }
  }

  // The app deletes each picture with its record; this takes what it could not.
  resource lifecycle 'managementPolicies' = {
    name: 'default'
    properties: {
      policy: {
        rules: [
          {
            name: 'outlives-no-record'
            enabled: true
            type: 'Lifecycle'
            definition: {
              filters: { blobTypes: ['blockBlob'], prefixMatch: ['session-images/'] }
              actions: { baseBlob: { delete: { daysAfterCreationGreaterThan: retentionDays + 2 } } }
            }
          }
        ]
      }
    }
    dependsOn: [blobs]
  }
}

resource appRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in items(roles): {
    name: guid(account::blobs::images.id, appPrincipalId, role.value)
    scope: account::blobs::images
    properties: {
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
      principalId: appPrincipalId
      principalType: 'ServicePrincipal'
    }
  }
]

resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: account::blobs
  properties: {
    workspaceId: workspaceId
    logs: [
      { category: 'StorageRead', enabled: true }
      { category: 'StorageWrite', enabled: true }
      { category: 'StorageDelete', enabled: true }
    ]
  }
}

@description('Resource id, for private endpoints.')
output id string = account.id

@description('Address of the blobs.')
output blobEndpoint string = account.properties.primaryEndpoints.blob
