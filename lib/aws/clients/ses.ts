import { SESv2Client, SendEmailCommand } from '@aws-sdk/client-sesv2'
import type { ServiceClients } from '../service.ts'

export const service: ServiceClients<'ses'> = {
  connect: (settings) => new SESv2Client(settings),
  commands: {
    'ses:SendEmail': SendEmailCommand,
  },
}
