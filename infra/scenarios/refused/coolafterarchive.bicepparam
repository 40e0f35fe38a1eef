using '../../main.bicep'

param acsName = 'acs1'
param archiveStorageSku = 'Standard_GRS'
param coolAfterDays = 90
param archiveAfterDays = 90
