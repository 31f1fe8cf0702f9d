import type { Command } from 'commander'
import { registerAnswer } from './answer.ts'

export function register(program: Command): void {
  registerAnswer(
    program,
    'approve',
    'Permits what an execution asks for. With --digest it holds only for the plan that you saw: a plan that has changed since is not approved.',
  )
}
