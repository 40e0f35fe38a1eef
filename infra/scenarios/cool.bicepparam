using '../main.bicep'

param acsName = 'acs1'
param coolAfterDays = 30
param quarantineDays = 7
