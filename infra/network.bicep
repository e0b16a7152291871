// Private networking: the app reaches storage and vault inside a network of its own, and nobody else reaches them.
// Face stays public, because devices call it.

@description('Name of the virtual network.')
param name string

@description('Region.')
param location string

@description('Tags.')
param tags object

@description('Addresses of the network; must not overlap with networks it is to be peered with.')
param addressPrefix string

@description('Resource id of the storage account.')
param storageAccountId string

@description('Resource id of the storage account of the package.')
param packageAccountId string

@description('Whether there is a storage account of pictures.')
param hasImages bool

@description('Resource id of the storage account of pictures, if there is one.')
param imagesAccountId string?

@description('Resource id of the vault.')
param keyVaultId string

var zoneNames = {
  blob: 'privatelink.blob.${environment().suffixes.storage}'
  queue: 'privatelink.queue.${environment().suffixes.storage}'
  table: 'privatelink.table.${environment().suffixes.storage}'
  vault: 'privatelink.vaultcore.azure.net'
}

var endpoints = concat(
  [
    { name: 'blob', group: 'blob' }
    { name: 'queue', group: 'queue' }
    { name: 'table', group: 'table' }
    { name: 'package', group: 'blob' }
    { name: 'vault', group: 'vault' }
  ],
  hasImages ? [{ name: 'images', group: 'blob' }] : []
)

var targets = {
  blob: storageAccountId
  queue: storageAccountId
  table: storageAccountId
  package: packageAccountId
  vault: keyVaultId
  images: imagesAccountId
}

resource vnet 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addressPrefix] }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 0)
          // Face, Entra and Azure Monitor are on the internet; a NAT gateway would be the other way, for a price.
          defaultOutboundAccess: true
          delegations: [
            {
              // What Flex Consumption wants; the subscription needs the provider Microsoft.App registered.
              name: 'functions'
              properties: { serviceName: 'Microsoft.App/environments' }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: cidrSubnet(addressPrefix, 26, 1)
          defaultOutboundAccess: false
        }
      }
    ]
  }
}

resource appSubnet 'Microsoft.Network/virtualNetworks/subnets@2025-05-01' existing = {
  parent: vnet
  name: 'app'
}

resource endpointSubnet 'Microsoft.Network/virtualNetworks/subnets@2025-05-01' existing = {
  parent: vnet
  name: 'endpoints'
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zone in items(zoneNames): {
    name: zone.value
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zone, i) in items(zoneNames): {
    parent: zones[i]
    name: name
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: { id: vnet.id }
    }
  }
]

resource privateEndpoints 'Microsoft.Network/privateEndpoints@2025-05-01' = [
  for endpoint in endpoints: {
    name: 'pep-${name}-${endpoint.name}'
    location: location
    tags: tags
    properties: {
      subnet: { id: endpointSubnet.id }
      privateLinkServiceConnections: [
        {
          name: endpoint.name
          properties: {
            privateLinkServiceId: targets[endpoint.name]
            groupIds: [endpoint.group]
          }
        }
      ]
    }
  }
]

resource zoneGroups 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = [
  for (endpoint, i) in endpoints: {
    parent: privateEndpoints[i]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: endpoint.group
          properties: { privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', zoneNames[endpoint.group]) }
        }
      ]
    }
    dependsOn: [zones]
  }
]

@description('Resource id of the subnet of the app.')
output appSubnetId string = appSubnet.id
