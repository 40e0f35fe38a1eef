using '../main.bicep'
param acsName = 'acs1'
