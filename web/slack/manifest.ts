import { COMMAND } from './answers.ts'
import { SLACK_PATHS } from './receive.ts'

/**
 * What Slack is to know of the application (docs.slack.dev, "App manifest reference"): one command, buttons and forms, and the
 * rights to write where it is invited. Nothing of what people say is read.
 */
export function slackManifest(url: string): object {
  const base = url.replace(/\/+$/, '')
  return {
    display_information: {
      name: 'Firebreak',
      description: 'Tells incidents, runs and stops runbooks, asks for approvals.',
      background_color: '#1b1f24',
    },
    features: {
      // Whoever is paged by a direct message must be able to read it.
      app_home: { home_tab_enabled: false, messages_tab_enabled: true, messages_tab_read_only_enabled: true },
      bot_user: { display_name: 'firebreak', always_online: true },
      slash_commands: [
        {
          command: COMMAND,
          url: `${base}${SLACK_PATHS.commands}`,
          description: 'Incidents, runbooks and approvals',
          usage_hint: 'help | list | run <runbook> | approve | ack',
          should_escape: false,
        },
      ],
    },
    oauth_config: { scopes: { bot: ['commands', 'chat:write'] } },
    settings: {
      interactivity: { is_enabled: true, request_url: `${base}${SLACK_PATHS.interactions}` },
      org_deploy_enabled: false,
      socket_mode_enabled: false,
      token_rotation_enabled: false,
    },
  }
}
