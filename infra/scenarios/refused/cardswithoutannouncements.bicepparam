using '../../main.bicep'

param acsName = 'acs1'
param teamsCards = true
param teamsUrl = 'https://flow.example/invoke'
