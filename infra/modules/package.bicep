// Publishes a package that was built with its libraries, from a public address such as that of a release.

@description('Name of the function app.')
param appName string

@description('HTTPS URL of the package.')
param url string

resource app 'Microsoft.Web/sites@2024-11-01' existing = {
  name: appName

  resource package 'extensions' = {
    name: 'onedeploy'
    // The compiler's types have no properties of onedeploy.
    #disable-next-line BCP187
    properties: {
      packageUri: url
      remoteBuild: false
    }
  }
}
