using '../../main.bicep'

param acsName = 'acs1'
param coldAfterDays = 90
param archiveAfterDays = 90
param archiveStorageSku = 'Standard_GRS'
