using '../main.bicep'

param acsName = 'acs1'
param privateNetworking = true
param appSubnetId = '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/app'
param endpointSubnetId = '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/endpoints'
