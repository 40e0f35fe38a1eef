using '../main.bicep'
param acsName = 'acs1'
param acsResourceGroup = 'rg2'
