using '../main.bicep'

param acsName = 'acs1'
param extraSecretSettings = {
  ANNOUNCE_TOPIC_KEY: 'a-key'
}
