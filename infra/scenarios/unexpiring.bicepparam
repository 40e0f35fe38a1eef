using '../main.bicep'

param acsName = 'acs1'
param quarantineDays = 0
