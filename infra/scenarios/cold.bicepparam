using '../main.bicep'

param acsName = 'acs1'
param coolAfterDays = 30
param coldAfterDays = 90
param deleteAfterDays = 400
param hostStorageSku = 'Standard_LRS'
