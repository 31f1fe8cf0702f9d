import { createAccount } from '../../sim/account.ts'
import { currentShares, normalName } from '../../sim/dns.ts'
import { addSite } from '../../sim/load.ts'
import { addZone } from '../../sim/route53.ts'
import { START_MS } from './small-account.ts'

const ZONE = 'Z0123456789ABCDEFGHIJ'
type Weights = { readonly [set: string]: number }

function accountWithZone(weights: Weights = { stable: 90, canary: 10 }) {
  const account = createAccount({ startAtMs: START_MS })
  const set = (name: string, weight: number, address: string) => ({
    Name: 'api.example.com',
    Type: 'A' as const,
    SetIdentifier: name,
    Weight: weight,
    TTL: 60,
    ResourceRecords: [{ Value: address }],
    HealthCheckId: `check-${name}`,
  })
  const plain = (name: string, type: 'A' | 'TXT' = 'A') => ({
    Name: name,
    Type: type,
    TTL: 300,
    ResourceRecords: [{ Value: '192.0.2.1' }],
  })
  const zone = addZone(account.world, ZONE, 'example.com', [
    plain('www.example.com'),
    plain('*.example.com', 'TXT'),
    set('stable', weights.stable ?? 0, '198.51.100.10'),
    set('canary', weights.canary ?? 0, '198.51.100.20'),
    plain('a.b.example.com'),
    plain('example.com'),
  ])
  const endpoint = (name: string, address: string) =>
    ({ name, address, backend: { is: 'fleet', fleet: name }, exposure: 0, dimensions: {} }) as const
  const site = addSite(account.world, {
    name: 'api',
    zone: ZONE,
    recordName: 'api.example.com',
    recordType: 'A',
    rps: 10,
    jitter: 0,
    namespace: 'Test',
    dimensions: {},
    periodMs: 60_000,
    endpoints: [endpoint('stable', '198.51.100.10'), endpoint('canary', '198.51.100.20')],
  })
  const aws = account.aws({})
  const change = (Action: 'CREATE' | 'DELETE' | 'UPSERT', record: object) =>
    aws.call('route53:ChangeResourceRecordSets', {
      HostedZoneId: ZONE,
      ChangeBatch: { Changes: [{ Action, ResourceRecordSet: record as never }] },
    })
  return { account, zone, site, aws, change, set }
}

test('a list starts at a position in reversed-label order and does not stop at the name', async () => {
  const { aws } = accountWithZone()
  const list = async (input: object) => {
    const answer = await aws.call('route53:ListResourceRecordSets', { HostedZoneId: ZONE, ...input })
    return answer.ResourceRecordSets?.map((record) => `${record.Name} ${record.SetIdentifier ?? record.Type}`)
  }
  expect(await list({})).toEqual([
    'example.com. A',
    '\\052.example.com. TXT',
    'api.example.com. canary',
    'api.example.com. stable',
    'a.b.example.com. A',
    'www.example.com. A',
  ])
  expect(
    await list({ StartRecordName: 'api.example.com', StartRecordType: 'A', StartRecordIdentifier: 'd' }),
  ).toEqual(['api.example.com. stable', 'a.b.example.com. A', 'www.example.com. A'])
  expect((await list({ StartRecordName: 'aq.example.com', StartRecordType: 'A' }))?.[0]).toBe(
    'a.b.example.com. A',
  )
})

test('pages name where the next one starts, in the middle of a group too', async () => {
  const { aws } = accountWithZone()
  const page = await aws.call('route53:ListResourceRecordSets', {
    HostedZoneId: ZONE,
    StartRecordName: 'api.example.com',
    MaxItems: 1,
  })
  expect(page).toMatchObject({
    IsTruncated: true,
    NextRecordName: 'api.example.com.',
    NextRecordIdentifier: 'stable',
  })
})

test.each([
  ['API.Example.COM', 'api.example.com.'],
  ['*.example.com.', '\\052.example.com.'],
  ['\\052.example.com', '\\052.example.com.'],
  ['a\\141.example.com', 'aa.example.com.'],
])('the name %s is returned as %s', (given, normal) => {
  expect(normalName(given)).toBe(normal)
})

test('an upsert replaces the whole record: what is left out is lost', async () => {
  const { zone, change } = accountWithZone()
  await change('UPSERT', {
    Name: 'api.example.com',
    Type: 'A',
    SetIdentifier: 'canary',
    Weight: 0,
    TTL: 60,
    ResourceRecords: [{ Value: '198.51.100.20' }],
  })
  const canary = zone.records.find((record) => record.SetIdentifier === 'canary')
  expect(canary).toMatchObject({ Weight: 0 })
  expect(canary).not.toHaveProperty('HealthCheckId')
})

test.each([
  [
    'create',
    'CREATE',
    {},
    "Tried to create resource record set [name='api.example.com.', type='A', set identifier='canary'] but it already exists",
  ],
  [
    'delete with another value',
    'DELETE',
    { Weight: 11 },
    "Tried to delete resource record set [name='api.example.com.', type='A', set identifier='canary'] but the values provided do not match the current values",
  ],
  [
    'delete of nothing',
    'DELETE',
    { SetIdentifier: 'blue' },
    "Tried to delete resource record set [name='api.example.com.', type='A', set identifier='blue'] but it was not found",
  ],
  [
    'a name outside the zone',
    'UPSERT',
    { Name: 'api.example.org' },
    'RRSet with DNS name api.example.org. is not permitted in zone example.com.',
  ],
] as const)('a batch is refused with a message for: %s', async (_what, action, differing, message) => {
  const { change, set } = accountWithZone()
  await expect(change(action, { ...set('canary', 10, '198.51.100.20'), ...differing })).rejects.toMatchObject(
    {
      name: 'InvalidChangeBatch',
      message: `[${message}]`,
      messages: [message],
      $metadata: { httpStatusCode: 400 },
    },
  )
})

test('a simple record cannot join a weighted group', async () => {
  const { change } = accountWithZone()
  const simple = { Name: 'api.example.com', Type: 'A', TTL: 60, ResourceRecords: [{ Value: '192.0.2.9' }] }
  await expect(change('CREATE', simple)).rejects.toMatchObject({ name: 'InvalidChangeBatch' })
})

test.each([
  ['a weight above 255', { Weight: 256 }],
  ['a weight below 0', { Weight: -1 }],
  [
    'an alias with a TTL',
    { AliasTarget: { HostedZoneId: 'Z1', DNSName: 'x.', EvaluateTargetHealth: false } },
  ],
  ['no values', { ResourceRecords: undefined }],
])('%s is invalid input', async (_what, differing) => {
  const { change, set } = accountWithZone()
  await expect(
    change('UPSERT', { ...set('canary', 1, '198.51.100.20'), ...differing }),
  ).rejects.toMatchObject({
    name: 'InvalidInput',
  })
})

test('a batch takes effect whole or not at all', async () => {
  const { zone, aws, set } = accountWithZone()
  const batch = {
    Changes: [
      { Action: 'UPSERT', ResourceRecordSet: set('stable', 100, '198.51.100.10') },
      { Action: 'DELETE', ResourceRecordSet: set('canary', 99, '198.51.100.20') },
    ],
  } as const
  const call = aws.call('route53:ChangeResourceRecordSets', {
    HostedZoneId: ZONE,
    ChangeBatch: { Changes: [...batch.Changes] },
  })
  await expect(call).rejects.toMatchObject({ name: 'InvalidChangeBatch' })
  expect(zone.records.find((record) => record.SetIdentifier === 'stable')?.Weight).toBe(90)
})

test('a change is listed at once, in sync later, and followed by clients over one TTL after that', async () => {
  const { account, site, aws, change, set } = accountWithZone()
  const { ChangeInfo } = await change('UPSERT', set('canary', 0, '198.51.100.20'))
  expect(ChangeInfo?.Id).toMatch(/^\/change\/C[A-Z0-9]{20}$/)
  const listed = await aws.call('route53:ListResourceRecordSets', {
    HostedZoneId: ZONE,
    StartRecordName: 'api.example.com',
  })
  expect(listed.ResourceRecordSets?.[0]?.Weight).toBe(0)
  const status = async () => (await aws.call('route53:GetChange', { Id: ChangeInfo?.Id })).ChangeInfo?.Status
  account.advance(29_000)
  expect([await status(), currentShares(account.world, site).canary]).toEqual(['PENDING', 0.1])
  account.advance(1_000)
  expect([await status(), currentShares(account.world, site).canary]).toEqual(['INSYNC', 0.1])
  account.advance(30_000)
  expect(currentShares(account.world, site).canary).toBeCloseTo(0.05)
  account.advance(30_000)
  expect(currentShares(account.world, site).canary).toBe(0)
})

test.each([
  ['all weights 0 are equal shares', { stable: 0, canary: 0 }, {}, 0.5],
  ['an unhealthy record gets nothing', { stable: 90, canary: 10 }, { canary: false }, 0],
  ['weight 0 serves when all others are unhealthy', { stable: 90, canary: 0 }, { stable: false }, 1],
  ['all unhealthy count as healthy', { stable: 90, canary: 10 }, { stable: false, canary: false }, 0.1],
] as const)('%s', (_what, weights, health: { readonly [set: string]: boolean }, canary) => {
  const { account, site } = accountWithZone(weights)
  for (const [set, healthy] of Object.entries(health)) {
    account.act({ is: 'set-health', healthCheck: `check-${set}`, healthy })
  }
  account.advance(61_000)
  expect(currentShares(account.world, site).canary).toBeCloseTo(canary)
})

test('a second change is refused while the zone is still taking the first', async () => {
  const { account, zone, change, set } = accountWithZone()
  zone.acceptMs = 2_000
  await change('UPSERT', set('canary', 5, '198.51.100.20'))
  await expect(change('UPSERT', set('canary', 0, '198.51.100.20'))).rejects.toMatchObject({
    name: 'PriorRequestNotComplete',
  })
  account.advance(2_000)
  await expect(change('UPSERT', set('canary', 0, '198.51.100.20'))).resolves.toBeDefined()
})

test('protected records, unknown zones, changes and health checks are refused', async () => {
  const { zone, aws, change, set } = accountWithZone()
  zone.protected.push('api.example.com.|A')
  await expect(change('UPSERT', set('canary', 0, '198.51.100.20'))).rejects.toMatchObject({
    name: 'InvalidChangeBatch',
  })
  await expect(aws.call('route53:ListResourceRecordSets', { HostedZoneId: 'ZNONE' })).rejects.toMatchObject({
    name: 'NoSuchHostedZone',
  })
  await expect(aws.call('route53:GetChange', { Id: 'C1' })).rejects.toMatchObject({ name: 'NoSuchChange' })
  await expect(aws.call('route53:GetHealthCheckStatus', { HealthCheckId: 'x' })).rejects.toMatchObject({
    name: 'NoSuchHealthCheck',
  })
})
