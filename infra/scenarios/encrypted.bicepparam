using '../main.bicep'

param acsName = 'acs1'
param lockArchive = true
param infrastructureEncryption = true
param encryptionKeyUri = 'https://keys.vault.azure.net/keys/callvault'
param encryptionIdentityId = '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg3/providers/Microsoft.ManagedIdentity/userAssignedIdentities/keys'
