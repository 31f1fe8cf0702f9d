import type { Command } from 'commander'
import { decide, person } from './ask-stack.ts'
import { documented } from './documented.ts'
import { checkedId } from './records.ts'

interface Options {
  readonly step?: string
  readonly digest?: string
  readonly reason?: string
}

/** `approve` and `deny` differ in one word. */
export function registerAnswer(program: Command, verb: 'approve' | 'deny', description: string): void {
  const command = program
    .command(verb)
    .description(description)
    .argument('<id>', 'the execution that asks')
    .option('--step <id>', 'which step, where it asks about several; `plan` for the whole plan')
    .option('--digest <digest>', 'the digest of the plan that you saw, as `firebreak watch` shows it')
    .option('--reason <text>', 'why, for the record')
    .action(async (id: string, options: Options, self: Command) =>
      decide(
        self,
        (context) => ({
          verb,
          id: checkedId(id),
          by: person(context),
          ...(options.step === undefined ? {} : { subject: options.step }),
          ...(options.digest === undefined ? {} : { digest: options.digest }),
          ...(options.reason === undefined ? {} : { reason: options.reason }),
        }),
        `Next: firebreak watch ${id}`,
      ),
    )
  documented(command, [
    [`firebreak ${verb} inc-4k2m9x7p0qzr-8f3k2a --digest 9c1f04a7b2de`, `${verb} the plan that you saw`],
    [`firebreak ${verb} inc-4k2m9x7p0qzr-8f3k2a --step rollback`, `${verb} one step of several`],
  ])
}
