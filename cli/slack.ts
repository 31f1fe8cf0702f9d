import { Argument, type Command } from 'commander'
import { contextOf } from './context.ts'
import { documented } from './documented.ts'
import { EXIT, Failure } from './exit.ts'
import { jsonText } from './output.ts'

export function register(program: Command): void {
  const command = program
    .command('slack')
    .description(
      'Prints the manifest from which Slack makes the application; docs/connect.md says what comes after it.',
    )
    .addArgument(new Argument('<what>', 'manifest').choices(['manifest']))
    .requiredOption('--url <url>', 'where the API of the stack is, such as https://firebreak.example.com')
    .action(async (_what: string, { url }: { readonly url: string }, self: Command) => {
      const context = contextOf(self)
      if (!/^https:\/\/[^\s/?#@]+\/?$/.test(url))
        throw new Failure(
          EXIT.usage,
          'usage',
          'the address must be https:// and a host: Slack calls nothing else',
          {
            remedy: 'It is the output ApiUrl of the deployment.',
          },
        )
      const { slackManifest } = await import('../web/slack/manifest.ts')
      const manifest = slackManifest(url)
      const link = `https://api.slack.com/apps?new_app=1&manifest_json=${encodeURIComponent(JSON.stringify(manifest))}`
      if (context.settings.json) context.printJson({ manifest, link })
      else context.print(jsonText(manifest))
      context.say(`or open ${link}`)
    })
  documented(command, [
    ['firebreak slack manifest --url https://abc.execute-api.eu-west-1.amazonaws.com', 'print it'],
  ])
}
