using '../main.bicep'

param acsName = 'acs1'
param entraClientId = '00000000-0000-0000-0000-000000000001'
param entraAllowedPrincipalIds = ['desk']
param entraAllowedGroupIds = ['agents']
