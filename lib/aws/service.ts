import type { ECSClientConfig } from '@aws-sdk/client-ecs'
import type { CallName, Calls } from './aws.ts'

type ServiceOf<K> = K extends `${infer S}:${string}` ? S : never

/** The part of a call's name before the colon, which is also the file in `clients/`. */
export type Service = ServiceOf<CallName>

/** One SDK client and the commands that `Calls` lists for it; leaving one out is a type error. */
export interface ServiceClients<S extends Service> {
  connect(settings: Settings): SdkClient
  readonly commands: {
    readonly [K in CallName & `${S}:${string}`]: new (input: Calls[K]['input']) => SdkCommand
  }
}

/** What differs from the standard SDK configuration. These members are the same in every client. */
export type Settings = Pick<
  ECSClientConfig,
  'region' | 'credentials' | 'maxAttempts' | 'retryMode' | 'requestHandler'
>

/** What is used of a client. The SDK's own type of `send` differs from client to client. */
export interface SdkClient {
  readonly config: {
    readonly requestHandler: NonNullable<Settings['requestHandler']>
    readonly credentials: NonNullable<Settings['credentials']>
  }
  // oxlint-disable-next-line no-explicit-any -- each client takes its own commands only; `ServiceClients` pairs them
  send(command: any, options: { readonly abortSignal: AbortSignal }): Promise<any>
}

/** What is used of a command: its own middleware, where the user agent of one call is set. */
export interface SdkCommand {
  readonly middlewareStack: {
    add(
      middleware: UserAgentMiddleware,
      options: { readonly step: 'initialize'; readonly name: string },
    ): void
  }
}

// oxlint-disable-next-line no-explicit-any -- the SDK's handlers are generic in the command's input and output
type Handler = (args: any) => Promise<any>
export type UserAgentMiddleware = (next: Handler, context: { userAgent?: [string, string?][] }) => Handler
