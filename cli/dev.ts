import { InvalidArgumentError, type Command } from 'commander'
import { stackOptions } from './ask-stack.ts'
import { contextOf } from './context.ts'
import { documented } from './documented.ts'
import { EXIT, Failure } from './exit.ts'
import { jsonText } from './output.ts'
import { localDoor } from './stack-local.ts'

export interface DevOptions {
  readonly port: number
  readonly speed: number
  readonly fresh?: boolean
  readonly mode?: 'shadow' | 'approve' | 'auto'
}

/** The port on which `firebreak dev` listens unless told otherwise. */
const PORT = 4555

export function register(program: Command): void {
  const command = program
    .command('dev')
    .description(
      'Keeps a local stack running, on disk in .firebreak/, to play with: the real handlers on an embedded DynamoDB and a simulated account. Not for production.',
    )
    .option('--port <n>', 'port on 127.0.0.1', portOf, PORT)
    .option('--speed <n>', 'how many times faster time passes while nothing is under way', speedOf, 1)
    .option('--mode <mode>', 'raise or lower the mode of policy.yaml: shadow, approve or auto', modeOf)
    .option('--fresh', 'forget what an earlier run has left')
    .action(async (options: DevOptions, self: Command) => {
      const { runDev } = await import('./dev-stack.ts')
      await runDev(contextOf(self), options)
    })
  documented(command, [
    ['firebreak dev', 'start it, and leave it running in this terminal'],
    ['firebreak dev --mode auto --speed 30', 'let runbooks act, and idle time pass quickly'],
    ['firebreak replay event.json', 'in another terminal: send an event in'],
    ['firebreak dev account', 'in another terminal: look at the simulated account'],
    [
      `firebreak dev act '{"is":"set-load","site":"api.example.com","rps":300}'`,
      'in another terminal: change it, as somebody else would',
    ],
  ])
  command
    .command('act')
    .description(
      'Changes the simulated account as somebody else would: set-desired, set-room, set-task-definition, set-weight, set-load, set-health, deploy, set-alarm-actions, mute.',
    )
    .argument('<json>', 'what is done, as sim/outside.ts describes it')
    .action(async (text: string, _options: object, self: Command) => {
      const context = contextOf(self)
      await localDoor(stackOptions(context))('/act', actOf(text))
      if (context.settings.json) context.printJson({ text: 'done' })
      else context.print('done')
    })
  command
    .command('account')
    .description('Prints the simulated account: services, weights, deployments, alarms, inbox.')
    .action(async (_options: object, self: Command) => {
      const context = contextOf(self)
      const account = await localDoor(stackOptions(context))('/account', {})
      if (context.settings.json) context.printJson({ account })
      else context.print(jsonText(account))
    })
}

function actOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Failure(EXIT.usage, 'usage', 'the act is not JSON', {
      cause: error,
      remedy: `Such as '{"is":"set-load","site":"api.example.com","rps":300}'.`,
    })
  }
}

function portOf(text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port
  throw new InvalidArgumentError('It is a number from 0 to 65535; 0 takes a free one.')
}

/** Shared with the demo. */
export function speedOf(text: string): number {
  const speed = Number(text)
  if (Number.isFinite(speed) && speed >= 0.1 && speed <= 1_000) return speed
  throw new InvalidArgumentError('It is a number from 0.1 to 1000.')
}

function modeOf(text: string): string {
  if (text === 'shadow' || text === 'approve' || text === 'auto') return text
  throw new InvalidArgumentError('It is shadow, approve or auto.')
}
