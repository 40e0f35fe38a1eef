using '../../main.bicep'

param acsName = 'acs1'
param archiveStorageSku = 'Standard_GRS'
param archiveAfterDays = 400
param deleteAfterDays = 365
