using '../main.bicep'

param acsName = 'acs1'
param acsResourceGroup = 'rg2'
param archiveInOwnAccount = false
param coolAfterDays = 30
param quarantineDays = 7
param operatorPrincipalId = '00000000-0000-0000-0000-000000000003'
