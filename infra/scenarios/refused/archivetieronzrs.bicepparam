using '../../main.bicep'

param acsName = 'acs1'
param archiveAfterDays = 90
