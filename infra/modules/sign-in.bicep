// Entra sign-in in front of the API (App Service's built-in authentication).

@description('Name of the function app.')
param appName string

@description('Client ID of the app registration that represents the API.')
param clientId string

@description('Object IDs of the users and identities that may call.')
param allowedPrincipalIds array

@description('Object IDs of the groups whose members may call. If both lists are empty, every caller that has a token for the app registration passes.')
param allowedGroupIds array

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
              // A caller passes if it is in one of the two lists. The app then checks the caller's app role.
              identities: allowedPrincipalIds
              groups: allowedGroupIds
            }
          }
        }
      }
    }
    // Callers send a token with each request, so no session is stored.
    login: {
      tokenStore: {
        enabled: false
      }
    }
  }
}
