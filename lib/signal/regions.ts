/** The places in the display names that SNS messages carry ("EU (Ireland)", "Europe (Ireland)"), which AWS has renamed over time. */
const REGION_OF_PLACE: { readonly [place: string]: string } = {
  'africa (cape town)': 'af-south-1',
  bahrain: 'me-south-1',
  beijing: 'cn-north-1',
  calgary: 'ca-west-1',
  'canada (central)': 'ca-central-1',
  'canada west (calgary)': 'ca-west-1',
  'cape town': 'af-south-1',
  central: 'ca-central-1',
  frankfurt: 'eu-central-1',
  'hong kong': 'ap-east-1',
  hyderabad: 'ap-south-2',
  ireland: 'eu-west-1',
  jakarta: 'ap-southeast-3',
  london: 'eu-west-2',
  malaysia: 'ap-southeast-5',
  melbourne: 'ap-southeast-4',
  milan: 'eu-south-1',
  mumbai: 'ap-south-1',
  'n. california': 'us-west-1',
  'n. virginia': 'us-east-1',
  'new zealand': 'ap-southeast-6',
  ningxia: 'cn-northwest-1',
  ohio: 'us-east-2',
  oregon: 'us-west-2',
  osaka: 'ap-northeast-3',
  paris: 'eu-west-3',
  'sao paulo': 'sa-east-1',
  seoul: 'ap-northeast-2',
  singapore: 'ap-southeast-1',
  spain: 'eu-south-2',
  stockholm: 'eu-north-1',
  sydney: 'ap-southeast-2',
  taipei: 'ap-east-2',
  'tel aviv': 'il-central-1',
  thailand: 'ap-southeast-7',
  tokyo: 'ap-northeast-1',
  uae: 'me-central-1',
  'us-east': 'us-gov-east-1',
  'us-west': 'us-gov-west-1',
  zurich: 'eu-central-2',
}

/** `us-east-1`, `us-gov-west-1`, `cn-north-1`, `eusc-de-east-1`. */
const REGION_CODE = /^[a-z]{2,5}(-[a-z]{2,12}){1,2}-\d{1,2}$/

export function isRegionCode(text: string | undefined): text is string {
  return text !== undefined && REGION_CODE.test(text)
}

/** The region's code of a code or a display name; `undefined` where neither is known. */
export function regionOf(text: string | undefined): string | undefined {
  if (text === undefined || text.length > 80) return undefined
  const name = text.trim().toLowerCase().normalize('NFD').replace(/\p{M}/gu, '')
  if (isRegionCode(name)) return name
  const place = /\(([^()]*)\)$/.exec(name)?.[1] ?? ''
  return placeCode(name) ?? placeCode(place)
}

function placeCode(place: string): string | undefined {
  return Object.hasOwn(REGION_OF_PLACE, place) ? REGION_OF_PLACE[place] : undefined
}

export interface Arn {
  readonly service: string
  readonly region: string
  readonly account: string
  readonly resource: string
}

/** The parts of an ARN of any partition; the resource keeps its own colons. `undefined` for any other text. */
export function arnOf(text: string | undefined): Arn | undefined {
  if (text === undefined || !/^arn:aws[a-z-]{0,20}:/.test(text)) return undefined
  const [, , service = '', region = '', account = '', ...rest] = text.split(':')
  return rest.length === 0 ? undefined : { service, region, account, resource: rest.join(':') }
}

/** The first that looks like an account id, else the first that is anything: an odd id is no reason to lose an alarm. */
export function accountAmong(...candidates: readonly (string | undefined)[]): string | undefined {
  const given = candidates.filter((candidate) => candidate !== undefined).filter((text) => text !== '')
  return given.find((candidate) => /^\d{8,16}$/.test(candidate)) ?? given[0]
}

/** The first that is a region's code or display name, else the first that is anything. */
export function regionAmong(...candidates: readonly (string | undefined)[]): string | undefined {
  const given = candidates.filter((candidate) => candidate !== undefined).filter((text) => text !== '')
  return given.map(regionOf).find((code) => code !== undefined) ?? given[0]
}
