import type { Context } from './context.ts'
import { Failure } from './exit.ts'
import { compile, readFolder, runbookFolder } from './files.ts'

/**
 * The step ids of the runbook with this hash, if the runbooks at hand hold it: the hash covers the runbook and everything
 * that it resolved to, so it is then exactly what runs. Empty otherwise: the tree then grows as steps begin.
 */
export async function programOfHash(
  { terminal, settings }: Context,
  hash: string,
): Promise<readonly string[]> {
  try {
    const { catalogue } = await compile(
      readFolder(runbookFolder({ cwd: terminal.cwd, ...settings }), terminal.cwd),
    )
    if (!catalogue) return []
    const { runbookHashFor } = await import('../lib/ids.ts')
    for (const runbook of catalogue.runbooks) {
      const service = catalogue.services[runbook.service]
      if (!service || runbookHashFor({ runbook, service, teams: catalogue.teams }) !== hash) continue
      return runbook.steps
        .flatMap((node) => (node.is === 'parallel' ? node.steps : [node]))
        .map((step) => step.id)
    }
    return []
  } catch (error) {
    // No runbooks at hand: nothing that the watcher has to hear of.
    if (error instanceof Failure) return []
    throw error
  }
}
