using '../main.bicep'
param acsName = 'acs1'
param operatorPrincipalId = '00000000-0000-0000-0000-000000000003'
