using '../main.bicep'
param acsName = 'acs1'
param archiveInOwnAccount = false
