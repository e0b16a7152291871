// The app's own secret, from which it derives the keys that hash and seal what it stores. Made once: another one
// would make persons, replays and sealed ids unreadable, so no deployment changes it.

@description('Name of the vault.')
param vaultName string

@description('Name of the secret.')
param secretName string

@description('A third of the secret. Given by nobody: made by Azure, seen by nobody.')
@secure()
param first string = newGuid()

@description('Another third.')
@secure()
param second string = newGuid()

@description('The last third.')
@secure()
param third string = newGuid()

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: vaultName
}

@onlyIfNotExists()
resource secret 'Microsoft.KeyVault/vaults/secrets@2026-02-01' = {
  parent: vault
  name: secretName
  properties: {
    // 122 random bits each.
    value: '${first}${second}${third}'
    contentType: 'Input of key derivation, never rotated'
  }
}
