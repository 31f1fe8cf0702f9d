/**
 * What reaches the embedded DynamoDB; its credentials and region are read by nobody. It has a file of its own, so that a
 * worker does not load the database that it only calls.
 */
export function embeddedClient(endpoint: string): {
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
} {
  return { endpoint, region: 'local', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } }
}
