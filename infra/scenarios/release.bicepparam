using '../main.bicep'

param acsName = 'acs1'
param acsResourceGroup = 'rg2'
param packageUrl = 'https://example.com/callvault.zip'
