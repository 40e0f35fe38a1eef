using '../events.bicep'

param functionAppName = 'func-callvault-bjmjsjjs'
param systemTopicName = 't1'
param hostStorageName = 'stcallvaulthbjmjsjjs'
