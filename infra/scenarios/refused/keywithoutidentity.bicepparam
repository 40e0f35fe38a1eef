using '../../main.bicep'

param acsName = 'acs1'
param encryptionKeyUri = 'https://keys.vault.azure.net/keys/callvault'
