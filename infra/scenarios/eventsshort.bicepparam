using '../events.bicep'

param functionAppName = 'func-callvault-bjmjsjjs'
param systemTopicName = 'evgt-callvault-bjmjsjjs'
param hostStorageName = 'stcallvaulthbjmjsjjs'
param retentionHours = 1
