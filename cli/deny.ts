import type { Command } from 'commander'
import { registerAnswer } from './answer.ts'

export function register(program: Command): void {
  registerAnswer(
    program,
    'deny',
    'Refuses what an execution asks for: that step, or the whole plan, is not applied.',
  )
}
