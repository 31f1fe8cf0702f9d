import { randomBytes } from 'node:crypto'
import { Option, type Command } from 'commander'
import { sha256 } from '../lib/ids.ts'
import { name as nameForm } from '../lib/runbook/fields.ts'
import { contextOf } from './context.ts'
import { documented } from './documented.ts'
import { wholeNumber } from './duration.ts'
import { EXIT, Failure } from './exit.ts'
import { printable } from './output.ts'

interface Options {
  readonly role: string
  readonly days: number
  readonly service?: readonly string[]
}

const DAY_MS = 86_400_000

export function register(program: Command): void {
  const command = program
    .command('token')
    .description(
      'Makes a bearer token for the API, and the lines of access.yaml that let it in. The token is shown once and stands nowhere.',
    )
    .argument('<name>', 'whose it is: stands on record for all that is done with it')
    .addOption(
      new Option('--role <role>', 'what it may do')
        .choices(['reader', 'responder', 'approver', 'admin'])
        .makeOptionMandatory(),
    )
    .option('--days <count>', 'for so many days', wholeNumber(1, 365), 90)
    .option('--service <name...>', 'only for these services')
    .action((holder: string, options: Options, self: Command) => makeToken(self, holder, options))
  documented(command, [
    ['firebreak token ann --role approver', 'for three months'],
    ['firebreak token ci --role reader --days 30 --service api', 'for one service only'],
  ])
}

function makeToken(command: Command, holder: string, { role, days, service }: Options): void {
  const context = contextOf(command)
  const checked = [holder, ...(service ?? [])].find((one) => !nameForm.safeParse(one).success)
  if (checked !== undefined) {
    throw new Failure(EXIT.usage, 'usage', `"${printable(checked).slice(0, 60)}" is not a name`, {
      remedy: 'A name has letters, digits, "_", "." and "-".',
    })
  }
  // The prefix tells people, and programs that look for leaked secrets, what it is.
  const token = `firebreak_${randomBytes(32).toString('base64url')}`
  const hash = sha256(token)
  const expires = new Date(context.terminal.now() + days * DAY_MS).toISOString().slice(0, 10)
  if (context.settings.json) {
    context.printJson({ token, name: holder, role, services: service ?? null, sha256: hash, expires })
    return
  }
  const services = service === undefined ? '' : `, services: [${service.join(', ')}]`
  context.print(token)
  context.say('')
  context.say('Under `tokens:` of runbooks/access.yaml, then deploy:')
  context.say(`  ${holder}: { role: ${role}, sha256: "${hash}", expires: "${expires}"${services} }`)
}
