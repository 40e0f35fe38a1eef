// Entra sign-in in front of the API (App Service's built-in authentication).

@description('Name of the function app.')
param appName string

@description('Client id of the app registration that stands for the API.')
param clientId string

@description('Object ids of who may call; empty: whoever the app registration admits.')
param allowedPrincipalIds array

@description('Paths whose callers have no Entra token and are authenticated by other means.')
param excludedPaths array

resource app 'Microsoft.Web/sites@2024-11-01' existing = {
  name: appName
}

resource signIn 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
      runtimeVersion: '~1'
    }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'Return401'
      excludedPaths: excludedPaths
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: clientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
        }
        validation: {
          allowedAudiences: [clientId, 'api://${clientId}']
          defaultAuthorizationPolicy: {
            allowedPrincipals: {
              identities: allowedPrincipalIds
            }
          }
        }
      }
    }
    // Callers bring a token with each request: there is no session to keep.
    login: {
      tokenStore: {
        enabled: false
      }
    }
  }
}
