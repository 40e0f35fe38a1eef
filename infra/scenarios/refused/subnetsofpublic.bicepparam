using '../../main.bicep'

param acsName = 'acs1'
param appSubnetId = '/subscriptions/1/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/app'
param endpointSubnetId = '/subscriptions/1/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub/subnets/endpoints'
