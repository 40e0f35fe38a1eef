using '../../main.bicep'

param acsName = 'acs1'
param coolAfterDays = 90
param coldAfterDays = 90
