using '../../main.bicep'

param acsName = 'acs1'
param archiveInOwnAccount = false
param archiveAfterDays = 90
param archiveStorageSku = 'Standard_LRS'
